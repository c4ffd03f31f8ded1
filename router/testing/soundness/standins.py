"""Policies that stand around the one under test, in the places where real ones would: as plain as can be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import attrs

from ...budget import Extra
from ...errors import AttemptFailed, DeadlineExceeded, NoEndpoint, Overloaded
from ...slots import Lease

if TYPE_CHECKING:
    from ...call import Call
    from ...chunk import Chunk
    from ...pipeline import Emit, Handler


@attrs.frozen
class OneSlot:
    """Innermost: a slot of the first candidate, waited for as long as the call may."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As it says above."""
        if not call.candidates:
            raise NoEndpoint("no candidate is left")
        if call.lease is not None:
            await next(call, emit)
            return
        target = call.candidates[0]
        given = await target.slots.acquire(call.start_by_s)
        if not isinstance(given, Lease):
            raise Overloaded("no slot came free", endpoint=target.name, rule=given)
        with given:
            await next(call.with_(candidates=(target,), lease=given), emit)


@attrs.frozen
class Nobody:
    """Outside: leaves no candidate."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As it says above."""
        await next(call.with_(candidates=()), emit)


@attrs.frozen
class Again:
    """Outside: a second try after a failure that another endpoint may mend."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As it says above."""
        try:
            return await next(call, emit)
        except AttemptFailed as failure:
            may_mend = failure.retryable and failure.elsewhere and not call.ledger.committed
            permit = call.permit_for(Extra.RETRY) if may_mend else None
            if permit is None:
                raise
        try:
            await next(call.with_(permit=permit), emit)
        finally:
            permit.release()


@attrs.define
class Impatient:
    """Outside: a cancel scope that closes after *after_s* seconds, as a policy with a limit of its own has.

    swallowed: the scope was closed, and what was inside went on as if it had not been.
    """

    after_s: float
    swallowed: bool = False

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As it says above."""
        with anyio.move_on_after(self.after_s) as scope:
            try:
                await next(call, emit)
            except Exception:
                self.swallowed = scope.cancel_called
                raise
            self.swallowed = scope.cancel_called
        if scope.cancelled_caught:
            raise DeadlineExceeded("an outer policy has lost patience")


@attrs.frozen
class Siblings:
    """Outside: two legs at once, each with half of the candidates; the first to speak wins. The second has a slot."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As it says above."""
        first, second = call.candidates[0::2], call.candidates[1::2]
        lease, permit = second[0].slots.acquire_over_limit(), call.permit_for(Extra.HEDGE)
        views = (call.with_(candidates=first), call.with_(candidates=second, lease=lease, permit=permit))
        winner: list[int] = []
        legs: list[asyncio.Task[None]] = []

        async def run(number: int) -> None:
            async def speak(chunk: Chunk) -> None:
                if not winner:
                    winner.append(number)
                    legs[1 - number].cancel()
                if winner[0] != number:
                    await anyio.sleep_forever()
                await emit(chunk)

            await next(views[number], speak)

        legs += [asyncio.create_task(run(number)) for number in (0, 1)]
        try:
            await _until_one_is_done(legs)
            await _ended(legs)
        finally:
            for leg in legs:
                leg.cancel()
            lease.release()
            if permit is not None:
                permit.release()
        _raise_if_all_failed(legs)


async def _until_one_is_done(legs: list[asyncio.Task[None]]) -> None:
    waiting = set(legs)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if any(not leg.cancelled() and leg.exception() is None for leg in done):
            return


async def _ended(legs: list[asyncio.Task[None]]) -> None:
    for leg in legs:
        leg.cancel()
    await asyncio.wait(legs)


def _raise_if_all_failed(legs: list[asyncio.Task[None]]) -> None:
    errors = [None if leg.cancelled() else leg.exception() for leg in legs]
    answered = any(not leg.cancelled() and error is None for leg, error in zip(legs, errors, strict=True))
    failed = [error for error in errors if error is not None]
    if not answered and failed:
        raise failed[0]
