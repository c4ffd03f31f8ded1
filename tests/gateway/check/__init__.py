"""Tests of the command ``paceline check``."""
