"""A configuration file, from its words to the objects it stands for."""

from .configuration import Configuration
from .settings import Settings

__all__ = ["Configuration", "Settings"]
