"""Measure the endpoints of a configuration, live."""
