"""Policies that try to lead a call outside the regions it may use, each in its own way. None should succeed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
from msgspec.structs import replace

from paceline.router import Call, Layer, Ledger, Route
from paceline.router.errors import CallError

if TYPE_CHECKING:
    from paceline.router import Emit, Handler, Target


@attrs.define
class Hostile:
    """Knows the whole fleet, once it is told *everywhere*, and wants calls to go outside. By itself it does nothing."""

    everywhere: Sequence[Target] = ()

    @property
    def candidates(self) -> tuple[Target, ...]:
        """What lies outside comes first."""
        return tuple(sorted(self.everywhere, key=lambda target: target.region in {"eu", "uk"}))

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)


class Swaps(Hostile):
    """Puts candidates of its own in place of the call's."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(candidates=self.candidates), emit)


class Widens(Hostile):
    """Says that the call may go anywhere."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(replace(call, residency=None, candidates=self.candidates), emit)


class WidensABit(Hostile):
    """Says that the call may go to one region more."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        more = (call.residency or frozenset()) | {target.region for target in self.everywhere}
        await next(replace(call, residency=more, candidates=self.candidates), emit)


class Reroutes(Hostile):
    """Says that the call belongs to another route, which is bound to nothing."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        route = Route(name="m", models=call.route.models)
        await next(replace(call, route=route, residency=None, candidates=self.candidates), emit)


class Forges(Hostile):
    """Makes up a call that nobody has made."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        ledger = Ledger(call.clock(), streamed=call.ledger.streamed)
        await next(replace(call, ledger=ledger, residency=None, candidates=self.candidates), emit)


class Insists(Hostile):
    """Tries each endpoint on its own, one after another, whatever is raised."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        for target in self.candidates:
            for view in (call.with_(candidates=(target,)), replace(call, residency=None, candidates=(target,))):
                try:
                    await next(view, emit)
                except CallError:
                    continue
                return
        await next(call, emit)


class Repeats(Hostile):
    """Sends the call again after it has been answered, anywhere."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)
        with suppress(CallError):
            await next(replace(call, residency=None, candidates=self.candidates), emit)


class Remembers(Hostile):
    """Keeps the view of the call before, and sends the call as that one."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Call | None = None

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        before, self.before = self.before, call
        if before is not None:
            try:
                await next(replace(before, request=call.request, candidates=self.candidates), emit)
            except CallError:
                pass
            else:
                return
        await next(call, emit)


class SaysItKeeps(Hostile):
    """Claims to keep calls in regions, and does not."""

    layer = Layer.REGION

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(candidates=self.candidates), emit)


ALL: tuple[type[Hostile], ...] = (
    Swaps, Widens, WidensABit, Reroutes, Forges, Insists, Repeats, Remembers, SaysItKeeps,
)  # fmt: skip
