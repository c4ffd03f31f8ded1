"""A policy for Paceline: keep calls away from endpoints that are announced to be down."""

from .policy import Day, Maintenance, Window

__all__ = ["Day", "Maintenance", "Window"]
