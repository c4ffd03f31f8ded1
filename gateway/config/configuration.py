"""What a configuration file stands for, as objects: enough to build a router, and the program around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ...router import Router
from .settings import Settings

if TYPE_CHECKING:
    from random import Random

    from ...router import Budget, Clock, Endpoint, History, HistoryShape, Listener, Policy, Route, WindowShape

DEFAULT_BUDGET_S = 60.0


@attrs.frozen(kw_only=True)
class Configuration:
    """A checked configuration.

    settings: of the program. endpoints, routes, policies: of the router, as `Router` takes them.
    budget_s, budget, window, history: likewise. Default: the router's own.
    source: the file it was read from, to be shown; a word in brackets if it was not read from a file.
    """

    settings: Settings = attrs.field(factory=Settings)
    endpoints: tuple[Endpoint, ...]
    routes: tuple[Route, ...] = ()
    policies: tuple[Policy, ...] = ()
    budget_s: float = DEFAULT_BUDGET_S
    budget: Budget | None = None
    window: WindowShape | None = None
    history: HistoryShape | None = None
    source: str = "(made in the program)"

    def router(
        self,
        *,
        budget: Budget | None = None,
        history: History | None = None,
        listeners: Sequence[Listener] = (),
        clock: Clock = time.monotonic,
        dice: Random | None = None,
    ) -> Router:
        """A router of it. Its policies belong to one: another takes a configuration that was read anew.

        budget, history: in place of its own. listeners, clock, dice: as `Router` takes them.

        Raises:
            ConfigurationError: its parts do not fit together.
        """
        return Router(
            self.endpoints,
            self.routes,
            self.policies,
            budget_s=self.budget_s,
            budget=budget or self.budget,
            window=self.window,
            history=history or self.history,
            listeners=listeners,
            clock=clock,
            dice=dice,
            grace_s=self.settings.grace_s,
        )
