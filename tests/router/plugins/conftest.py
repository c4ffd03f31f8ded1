"""The fixtures of these tests."""

from .installing import install

__all__ = ["install"]
