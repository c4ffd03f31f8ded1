"""Measurements. One question a file, one command each: ``python -m benchmarks.NAME``."""
