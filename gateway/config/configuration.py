"""What a configuration file stands for, as objects: enough to build a router, and the program around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .settings import Settings

if TYPE_CHECKING:
    from ...router import Endpoint, Policy, Route


@attrs.frozen(kw_only=True)
class Configuration:
    """A checked configuration.

    settings: of the program. endpoints, routes, policies: of the router, as `Router` takes them.
    source: the file it was read from, to be shown; a word in brackets if it was not read from a file.
    """

    settings: Settings = attrs.field(factory=Settings)
    endpoints: tuple[Endpoint, ...]
    routes: tuple[Route, ...] = ()
    policies: tuple[Policy, ...] = ()
    source: str = "(made in the program)"
