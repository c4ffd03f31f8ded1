"""The router that serves now. What serves asks here for it anew with each call, so that another can take its place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from ..router import Router

if TYPE_CHECKING:
    from types import TracebackType

    from ..router import Listener
    from .config import Configuration


class Running:
    """A configuration and the router made of it. Use it as ``async with Running(configuration) as running``.

    configuration: the one that is served now. listeners: told of the events of every router there will be.
    """

    def __init__(self, configuration: Configuration, listeners: Sequence[Listener] = ()) -> None:
        self.configuration = configuration
        self._listeners = tuple(listeners)
        self._router: Router | None = None
        self._resources = AsyncExitStack()

    @property
    def router(self) -> Router:
        """The router that takes the next call."""
        if self._router is None:
            raise RuntimeError("nothing runs yet: use this inside 'async with'")
        return self._router

    async def __aenter__(self) -> Self:
        given = self.configuration
        self._router = await self._resources.enter_async_context(
            Router(
                given.endpoints,
                given.routes,
                given.policies,
                listeners=self._listeners,
                grace_s=given.settings.grace_s,
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self._resources.aclose()
