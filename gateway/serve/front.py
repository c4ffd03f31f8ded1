"""What all ways into the gateway share: the router of the moment, whom it lets in, and how many calls at once."""

from __future__ import annotations

import itertools
import secrets
import string
import time
from typing import TYPE_CHECKING

from ..dialects.refused import GoingDown, KeyRefused, TooManyCalls
from .call_log import CallLog
from .keys import KeyRing
from .pages import refuse_foreign_pages
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...router import Clock, Request, Router
    from ..config import Configuration, Settings
    from ..running import Running

IN_AN_ID = frozenset(string.ascii_letters + string.digits + "-_.:")
MOST_OF_AN_ID = 64


class Front:
    """The state of the program around the router.

    running: gives the router that serves now. log: where a line a call goes. clock: the router's, seconds.
    tally: its own figures. going_down: nothing more is taken. is_closed: no router takes calls any more.
    """

    def __init__(self, running: Running, *, log: CallLog | None = None, clock: Clock = time.monotonic) -> None:
        self.running = running
        self.clock = clock
        self.log = log or CallLog(None)
        self.tally = Tally()
        self.going_down = False
        self.is_closed = False
        settings = running.configuration.settings
        self._on_loopback = settings.bind.is_loopback
        self.watched_on_loopback = (settings.watch_bind or settings.bind).is_loopback
        """Only this machine can reach the watching pages."""
        self._ids = itertools.count(1)
        self._boot = secrets.token_hex(6)
        self._settings: Settings | None = None
        self._keys = KeyRing(())
        self._watch_keys = KeyRing(())
        self._configuration: Configuration | None = None
        self._several: frozenset[str] = frozenset()

    @property
    def settings(self) -> Settings:
        """As configured now."""
        return self.running.configuration.settings

    @property
    def router(self) -> Router:
        """The one that takes the next call.

        Raises:
            GoingDown: there is none any more.
        """
        if self.is_closed:
            raise GoingDown("the gateway is going down: try again, another one answers")
        return self.running.router

    def keys(self) -> KeyRing:
        """Of the API, as configured now."""
        self._read_settings()
        return self._keys

    def watch_keys(self) -> KeyRing:
        """Of dashboard, metrics and report, as configured now."""
        self._read_settings()
        return self._watch_keys

    def _read_settings(self) -> None:
        settings = self.settings
        if settings is not self._settings:
            self._settings = settings
            self._keys = KeyRing(settings.keys)
            self._watch_keys = KeyRing(settings.keys if settings.watch_keys is None else settings.watch_keys)

    def let_in(self, headers: Mapping[str, str]) -> None:
        """Refuse who may not ask.

        Raises:
            KeyRefused, ForeignPage: with what to do.
        """
        keys = self.keys()
        if keys.is_open:
            refuse_foreign_pages(headers, on_loopback=self._on_loopback)
        elif not keys.lets_in(headers):
            raise KeyRefused("no valid key: send one of the gateway's as 'Authorization: Bearer KEY'")

    def enter(self) -> None:
        """A call comes. Each that is let in is to `leave`.

        Raises:
            TooManyCalls, GoingDown: it cannot be taken now.
        """
        if self.going_down:
            raise GoingDown("the gateway is going down: try again, another one answers")
        most = self.settings.most_calls
        if self.tally.in_flight >= most:
            raise TooManyCalls(f"{most} calls are in flight, the most that this gateway takes at once")
        self.tally.in_flight += 1

    def leave(self) -> None:
        """A call is over."""
        self.tally.in_flight -= 1

    def id_of(self, headers: Mapping[str, str]) -> str:
        """The id of a request: its caller's, where that is one; else a new one."""
        given = headers.get("X-Request-Id")
        if given is not None and 0 < len(given) <= MOST_OF_AN_ID and IN_AN_ID.issuperset(given):
            return given
        return f"req_{self._boot}{next(self._ids):08x}"

    def has_several_models(self, request: Request) -> bool:
        """Whether a request is for a route that has a second model to fall back to."""
        configuration = self.running.configuration
        if configuration is not self._configuration:
            self._configuration = configuration
            self._several = frozenset(route.name for route in configuration.routes if len(route.models) > 1)
        if request.route is None:
            return request.model in self._several
        return request.model is None and request.route in self._several
