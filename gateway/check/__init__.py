"""The command ``paceline check``: what a configuration file makes, or everything that is wrong with it."""
