"""The router that serves now. What serves asks here for it anew with each call, so that another can take its place.

    async with Running(configuration) as running:
        ...  running.router.stream(request)      # whichever serves at this moment
        await running.replace(another)           # calls in flight end where they began

A router's endpoints, routes and policies never change once it is built, which is what its proofs rest on. So another
configuration is another router. What is handed over is what belongs to the vendors and to the program rather than to
one router:

- what was measured of every endpoint that is still the same one, by name and by what it calls;
- the history, so that `Router.report` goes on and every call stays accounted for;
- the budget of extra attempts, unless the configuration asks for a different one: both routers load the same vendors,
  and a fleet in trouble is not to be given a fresh allowance with each reload;
- the listeners.

What policies have in mind (who is ejected, what money is spent, where a user's prompts are cached) begins anew, as do
limits of slots that find themselves. While the old router's calls end, its slots and the new one's are counted apart.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import anyio

from ..router.errors import ConfigurationError
from ..router.statistics.snapshot import Snapshot

if TYPE_CHECKING:
    from types import TracebackType

    from ..router import Budget, Clock, Endpoint, History, Listener, Router
    from .config import Configuration

LINGER_S = 1.0
"""Seconds a replaced router goes on taking calls, for those who asked for it just before and call it just after."""

log = logging.getLogger("paceline.gateway")


class Running:
    """A configuration and the router made of it. Use it as ``async with Running(configuration) as running``.

    configuration: the one that is served now. listeners: told of the events of every router there will be.
    clock: of the routers: seconds, monotonic. Default `time.monotonic`.
    """

    def __init__(
        self, configuration: Configuration, listeners: Sequence[Listener] = (), *, clock: Clock = time.monotonic
    ) -> None:
        self.configuration = configuration
        self._listeners = tuple(listeners)
        self._clock = clock
        self._now: _Kept | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: list[_Kept] = []
        self._one_at_a_time = asyncio.Lock()

    @property
    def router(self) -> Router:
        """The router that takes the next call."""
        if self._now is None:
            raise RuntimeError("nothing runs yet: use this inside 'async with'")
        return self._now.router

    @property
    def replaced(self) -> int:
        """Earlier routers that still have calls in flight, or may be about to get one."""
        return len(self._leaving)

    async def replace(self, configuration: Configuration) -> None:
        """Serve another configuration from now on. Calls in flight end in the router they began in, however long.

        configuration: read anew, since its policies belong to one router.

        Raises:
            ConfigurationError: it cannot work; or whatever a provider raises that cannot be opened. Either way what was
                served before is served on.
        """
        async with self._one_at_a_time:
            old = self._now
            if old is None:
                raise RuntimeError("nothing runs yet: use this inside 'async with'")
            before = old.router
            new = await self._open(configuration, _budget(before.budget, configuration.budget), before.history)
            _hand_over(before, new.router)
            self._now, self.configuration = new, configuration
            self._leaving.append(old)
            old.replaced.set()

    async def __aenter__(self) -> Self:
        self._now = await self._open(self.configuration)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close every router there still is, each of which gives its calls ``grace_s`` to end."""
        now, self._now = self._now, None
        for kept in (*self._leaving, *(() if now is None else (now,))):
            kept.lingering.cancel()
        with anyio.CancelScope(shield=True):  # routers have bounds of their own for how long they take to close
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _open(self, given: Configuration, budget: Budget | None = None, history: History | None = None) -> _Kept:
        """A router that takes calls, in a task of its own: it is opened and closed in the same one."""
        router = given.router(budget=budget, history=history, listeners=self._listeners, clock=self._clock)
        kept = _Kept(router)
        task = asyncio.get_running_loop().create_task(kept.keep())
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._gone(task, kept))
        try:
            await asyncio.shield(kept.opened)
        except asyncio.CancelledError:
            task.cancel()
            raise
        return kept

    def _gone(self, task: asyncio.Task[None], kept: _Kept) -> None:
        self._tasks.discard(task)
        if kept in self._leaving:
            self._leaving.remove(kept)


class _Kept:
    """One router, from its opening to its end."""

    __slots__ = ("lingering", "opened", "replaced", "router")

    def __init__(self, router: Router) -> None:
        self.router = router
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.replaced = asyncio.Event()
        """Another takes the next calls."""
        self.lingering = anyio.CancelScope()
        """To be cancelled when the program ends: then it closes at once, within the router's own grace."""

    async def keep(self) -> None:
        """Be open until replaced and idle, or until the program ends. What stood in the way is in ``opened``."""
        try:
            async with self.router:
                if not self.opened.done():
                    self.opened.set_result(None)
                with self.lingering:
                    await self.replaced.wait()
                    await asyncio.sleep(LINGER_S)
                    await self.router.idle()
        except asyncio.CancelledError:
            self.opened.cancel()
            raise
        except Exception as error:
            if self.opened.done():
                log.exception("a router could not be closed as it should; what it held is lost")
            else:
                self.opened.set_exception(error)


def _budget(old: Budget, asked: Budget | None) -> Budget:
    """The one in use, unless another is asked for: one that says the same of itself is no other."""
    return old if asked is None or repr(asked) == repr(old) else asked


def _hand_over(old: Router, new: Router) -> None:
    """What was measured of the endpoints that are still the same."""
    before = {target.name: _called(target.endpoint) for target in old.fleet}
    same = {target.name for target in new.fleet if before.get(target.name) == _called(target.endpoint)}
    try:
        known = old.snapshot()
        new.restore(Snapshot({name: of for name, of in known.endpoints.items() if name in same}))
    except ConfigurationError as too_much:
        log.warning("what was measured is not handed over, profiles are believed in its place: %s", too_much)


def _called(endpoint: Endpoint) -> tuple[str | None, ...]:
    """What an endpoint calls, and from where. Where one of these differs, its latencies are another's."""
    return endpoint.provider.name, endpoint.url, endpoint.deployment, endpoint.model, endpoint.region
