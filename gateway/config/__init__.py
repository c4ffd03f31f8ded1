"""A configuration file, from its words to the objects it stands for.

    configuration = read_file(Path("gateway.toml"))

read_file, read_text: what a file, or its text, describes; every mistake in it is told by one `ConfigurationRefused`.
trial: a simulated fleet, for whoever has no file yet.
"""

from .configuration import Configuration
from .file import read_file, read_text
from .mistake import ConfigurationRefused, Mistake
from .settings import Bind, Settings, needs_restart
from .trial import TRIAL, trial

__all__ = [
    "TRIAL",
    "Bind",
    "Configuration",
    "ConfigurationRefused",
    "Mistake",
    "Settings",
    "needs_restart",
    "read_file",
    "read_text",
    "trial",
]
