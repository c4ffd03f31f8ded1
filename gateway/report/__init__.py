"""The command ``paceline report``: what saved statistics say of each endpoint's latency."""
