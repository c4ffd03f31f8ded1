"""Policies that are broken on purpose, each in one way that real ones are: what `assert_policy_sound` is to find."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

import anyio
from msgspec.structs import force_setattr, replace

from paceline.router import Extra, Ledger
from paceline.router.errors import AttemptFailed, CallError, ProviderError

if TYPE_CHECKING:
    from paceline.router import Call, Chunk, Emit, Handler


class SwallowsCancellation:
    """Takes a cancellation for a failure."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except asyncio.CancelledError:
            raise ProviderError("the attempt was cut off") from None


class TriesAgainWhenCancelled:
    """Catches whatever comes, and tries again."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except BaseException:
            if call.ledger.committed or call.clock() >= call.start_by_s:
                raise
            permit = call.permit_for(Extra.RETRY)
            if permit is None:
                raise
            try:
                await next(call.with_(permit=permit), emit)
            finally:
                permit.release()


class DawdlesWhenCancelled:
    """Tidies up for a long time."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except asyncio.CancelledError:
            await anyio.sleep(5.0)
            raise


class LeaksASlot:
    """Gives its slot back after a good answer only."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        lease = call.lease or (call.candidates[0].slots.try_acquire() if call.candidates else None)
        await next(call.with_(lease=lease), emit)
        if lease is not None:
            lease.release()


class LeaksAPermit:
    """Gives a permit back after a good answer only."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        permit = call.permit_for(Extra.HEDGE)
        await next(call, emit)
        if permit is not None:
            permit.release()


class LeavesATask:
    """Starts something, and forgets it."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self._tasks.append(asyncio.create_task(asyncio.sleep(3600.0)))
        await next(call, emit)


class RepeatsAfterCommit:
    """Tries again after every failure, whatever the caller has already heard."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed:
            permit = call.permit_for(Extra.RETRY) if call.clock() < call.start_by_s else None
            if permit is None:
                raise
            try:
                await next(call.with_(permit=permit), emit)
            finally:
                permit.release()


class AsksTwice:
    """Asks again for an answer that it has."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)
        permit = call.permit_for(Extra.RETRY)
        if permit is not None:
            with anyio.CancelScope():
                try:
                    await next(call.with_(permit=permit), emit)
                finally:
                    permit.release()


class TriesForNothing:
    """Tries again without asking whether it may."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed:
            if call.ledger.committed or call.clock() >= call.start_by_s:
                raise
            await next(call, emit)


class OutlivesTheDeadline:
    """Backs off without looking at the clock."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed:
            if call.ledger.committed:
                raise
            await anyio.sleep(10.0)
            raise


class WaitsForEver:
    """Waits for something that never comes, when it has failed."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed:
            await anyio.sleep_forever()


class MovesTheDeadline:
    """Gives a call more time than its caller has."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(replace(call, deadline_s=call.deadline_s + 60.0), emit)


class EditsTheCall:
    """Writes into the call that it was given."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        force_setattr(call, "candidates", call.candidates[:1])
        await next(call, emit)


class TriesToEditTheCall:
    """Assigns to the call that it was given."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.tied = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        await next(call, emit)


class EditsTheRequest:
    """Writes into what the request holds."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        cast("dict[str, object]", call.request.metadata)["seen"] = True
        await next(call, emit)


class ForgesACall:
    """Passes on a call with a record of its own."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(replace(call, ledger=Ledger(call.clock(), streamed=True)), emit)


class LosesTheSlot:
    """Passes on a call without the slot that it holds."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(replace(call, lease=None), emit)


class BringsItsOwn:
    """Sends calls to the first endpoint that it has ever seen."""

    def __init__(self) -> None:
        self._first: Call | None = None

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self._first = self._first or call
        await next(call.with_(candidates=self._first.candidates[:1]), emit)


class RaisesAGroup:
    """Runs its call in a task group."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.wait_for(next(call, emit), timeout=None))
        task.result()


class RaisesItsOwn:
    """Raises an exception that is none of ours."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except CallError as error:
            raise LookupError("no luck") from error


class CancelsItself:
    """Raises a cancellation that nobody has asked for."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed:
            raise asyncio.CancelledError from None


class ReturnsEmptyHanded:
    """Hides a failure."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        try:
            await next(call, emit)
        except AttemptFailed as failure:
            call.note("ReturnsEmptyHanded", "hides %s", failure)


class NeverAsks:
    """Does nothing at all."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.note("NeverAsks", "does nothing")


class TalksTooLate:
    """Keeps the last chunk back, and passes it on when the call is over."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def late(chunk: Chunk) -> None:
            if chunk.finish_reason is None:
                await emit(chunk)
            else:
                asyncio.get_running_loop().call_later(1.0, lambda: asyncio.ensure_future(emit(chunk)))

        await next(call, late)


class TalksOverItself:
    """Passes every chunk on twice at once."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def twice(chunk: Chunk) -> None:
            await asyncio.gather(emit(chunk), emit(chunk))

        await next(call, twice)


class ThrowsItsOwnDice:
    """Takes chance from elsewhere."""

    def __init__(self) -> None:
        self._dice = random.SystemRandom()

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.note("ThrowsItsOwnDice", "drew %.9f", self._dice.random())
        await next(call, emit)


class BreaksTwo:
    """Edits the request, and moves the deadline."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        cast("dict[str, object]", call.request.params)["seen"] = True
        await next(replace(call, deadline_s=call.deadline_s + 60.0), emit)
