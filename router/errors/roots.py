"""What all errors have in common, and those that are no call's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ..plugins.plugin import Plugin


class PacelineError(Exception):
    """Anything Paceline raises.

    reason: one word for counters and labels, such as ``rate_limited``.
    """

    reason: ClassVar[str] = "failed"


class ConfigurationError(PacelineError, ValueError):
    """An object cannot work as it is built. The message says how to mend it."""


class DuplicateEndpoint(ConfigurationError):
    """Two endpoints of one router share a name."""


class NotAPolicy(ConfigurationError):
    """Something in the stack is not ``async (call, emit, next) -> None``."""


class ImpossibleOrder(ConfigurationError):
    """The stack's order cannot work."""


class PluginError(ConfigurationError):
    """What a configuration asked for by name cannot be had. The message names the package and what is installed."""


class UnknownPlugin(PluginError):
    """No installed package offers it."""


class AmbiguousPlugin(PluginError):
    """More than one package offers it."""


class BrokenPlugin(PluginError):
    """It cannot be imported, or is not what its package offers it as. ``plugin`` says whose it is."""

    def __init__(self, message: str, *, plugin: Plugin) -> None:
        super().__init__(message)
        self.plugin = plugin


class RouterClosed(PacelineError):
    """The router is not open. Calls belong inside ``async with router``."""

    reason = "closed"


class CorruptStatistics(PacelineError, ValueError):
    """Saved or received statistics are damaged, cut short, too large, or not Paceline's. Nothing of them was used.

    file: where they were read from, None if not from a file. line: number of the line at fault, from 1; None if it
    is not a matter of one line.
    """

    reason = "corrupt_statistics"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        where = [] if file is None else [file]
        if line is not None:
            where.append(f"line {line}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
        self.file = file
        self.line = line
