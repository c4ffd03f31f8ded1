"""The innermost step of the router: one attempt at one endpoint, timed, limited and recorded.

Whatever policies stand outside, every attempt goes through here. So the limits hold, the commit point is the same
for all providers, and the latency windows are fed, without any policy's help.

What an attempt leaves behind: its record in the ledger; samples in its target's windows of what was seen to its end,
censored ones of what was cut off; and, if it raised, exactly one typed error. A failure is no latency, however fast.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from typing import TYPE_CHECKING, NoReturn

import anyio.lowlevel
from msgspec.structs import replace

from .budget import Extra
from .delivery import Delivery
from .errors import (
    AttemptFailed,
    AttemptTimeout,
    DeadlineExceeded,
    Gated,
    NoEndpoint,
    PacelineError,
    ProviderError,
    ResidencyUnmet,
    StreamInterrupted,
)
from .events import AttemptEnded
from .ledger import CANCELLED, OK, TIMED_OUT, Attempt, Outcome
from .operation import CHAT, EMBEDDING, EMBEDDING_ALONE
from .watchdog import DEADLINE, Watchdog

if TYPE_CHECKING:
    from .call import Call
    from .pipeline import Emit
    from .target import Target


CUT_AT_THE_CAP = "length"
"""OpenAI's finish reason of an answer that would have been longer."""


async def dispatch(call: Call, emit: Emit) -> None:
    """Make one attempt at the call's first candidate.

    Raises:
        AttemptFailed: the endpoint failed; of the kinds in `router.errors`. Of `Gated`, nothing was sent.
        DeadlineExceeded: the caller's time is up.
        ResidencyUnmet: the endpoint lies outside the regions of the call. Nothing was sent.
    """
    now_s = call.clock()
    candidates = call.candidates
    if (
        not candidates
        or call.residency is not None
        or now_s >= call.start_by_s
        or now_s < candidates[0].pulse.gated_until_s
    ):
        _check(call, now_s)
    target = candidates[0]
    permit = call.permit
    if permit is not None:
        permit.spend()
    lease = target.slots.acquire_over_limit() if call.lease is None else None
    attempt = _sent(call, target, now_s)
    task = _this_task()
    cancels_before = task.cancelling()
    delivery = Delivery(call, target, attempt, emit, Watchdog(call, attempt, target.endpoint.limits, now_s, task))
    failure: BaseException | None = None
    try:
        if call.witness is not None:
            call.witness.sent(target, attempt)
        view = replace(call, candidates=(target,), tied=1, attempt=attempt)
        if call.meddler is None:
            await target.handler(view, delivery.emit)
        else:
            await call.meddler(view, delivery.emit, target.handler)
        delivery.complete()
    except BaseException as raised:  # noqa: BLE001  every kind is settled and raised again below
        failure = raised
    finally:
        delivery.watchdog.stop()
        if lease is not None:
            lease.release()
        if permit is not None:
            permit.release()
    if failure is not None or delivery.refused is not None:
        await _end(call, target, delivery, failure, has_left=task.cancelling() > cancels_before)
    _settle(call, target, attempt, OK)


def _sent(call: Call, target: Target, now_s: float) -> Attempt:
    """The record of an attempt that begins now."""
    permit, lease = call.permit, call.lease
    attempt = call.ledger.begin(
        target.endpoint,
        now_s,
        streamed=call.request.stream,
        size=call.size,
        slot_wait_s=0.0 if lease is None else lease.waited_s,
        in_flight=target.slots.in_flight,
        hedge=permit is not None and permit.kind is Extra.HEDGE,
    )
    if call.request.operation is not CHAT:
        _tell_apart(call, target, attempt)
    target.sent(attempt)
    return attempt


def _tell_apart(call: Call, target: Target, attempt: Attempt) -> None:
    """Say of an attempt that it is no chat.

    To embed is to read a prompt and write nothing, so an endpoint that does nothing else is known by the first tokens
    of its embeddings. One that writes as well is known by what it writes, and its embeddings are no measure of that.
    """
    attempt.operation = call.request.operation
    if attempt.operation is EMBEDDING and target.endpoint.operations != EMBEDDING_ALONE:
        attempt.streamed = False


def _check(call: Call, now_s: float) -> None:
    """Refuse an attempt that would leave the call's regions, come too late, or disturb who asked to be left alone."""
    if not call.candidates:
        raise NoEndpoint("no endpoint is left; the decisions of this error say which policy dropped which")
    target = call.target
    if call.residency is not None and target.region not in call.residency:
        raise ResidencyUnmet(
            f"{target.name} is in {target.region}, but this call may only use {', '.join(sorted(call.residency))}: "
            "put Regions() into the stack, so that allowed endpoints are chosen"
        )
    if now_s >= call.deadline_s:
        raise DeadlineExceeded(f"the deadline passed before {target.name} could be called")
    if now_s >= call.start_by_s:
        raise AttemptTimeout("start", 0.0, endpoint=target.name)
    wait_s = target.opens_at_s(now_s) - now_s
    if wait_s > 0:
        raise Gated(f"has asked to be left alone for {wait_s:.3f} s more", endpoint=target.name, retry_after_s=wait_s)


async def _end(
    call: Call, target: Target, delivery: Delivery, failure: BaseException | None, *, has_left: bool
) -> None:
    """What came of an attempt that raised: nothing, if its answer was complete by then.

    has_left: its task was asked to end by somebody else than the watchdog.
    """
    attempt = delivery.attempt
    if failure is not None and (has_left or not isinstance(failure, Exception | CancelledError)):
        await _give_way(call, target, attempt, failure)
    if delivery.refused is not None:
        _settle(call, target, attempt, CANCELLED)
        raise delivery.refused
    if failure is not None and not delivery.finished:
        await _fail(call, target, delivery, failure)


async def _give_way(call: Call, target: Target, attempt: Attempt, failure: BaseException) -> NoReturn:
    """The caller has left: let its cancellation pass. A provider must not make a failure of it."""
    _settle(call, target, attempt, CANCELLED)
    if not isinstance(failure, Exception):
        raise failure
    behind = failure.__context__
    while behind is not None and not isinstance(behind, CancelledError):
        behind = behind.__context__
    if behind is None:
        await anyio.lowlevel.checkpoint_if_cancelled()
    raise behind or CancelledError()


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is made outside of any task: make it within asyncio.run")
    return task


def _settle(call: Call, target: Target, attempt: Attempt, outcome: Outcome, *, blame: bool = False) -> None:
    attempt.outcome = outcome
    now_s = attempt.finished_s = call.clock()
    target.finished(attempt, now_s, blame=blame)
    if outcome is OK and attempt.usage is not None and attempt.usage.output_tokens:
        tokens = attempt.usage.output_tokens // attempt.choices or 1
        call.lengths.record(tokens, now_s, cut_off=attempt.finish_reason == CUT_AT_THE_CAP)
    if call.listeners:
        call.listeners.tell(AttemptEnded(now_s, call, attempt))


async def _fail(call: Call, target: Target, delivery: Delivery, failure: BaseException | None) -> NoReturn:
    """Settle an attempt that failed or was cut off, and raise its one error."""
    attempt = delivery.attempt
    passed = delivery.watchdog.passed
    error = _translated(target, failure) if passed is None else _timeout(call, target, attempt, passed)
    if isinstance(error, AttemptFailed):
        attempt.error = error
    outcome = Outcome.FAILED if passed is None else TIMED_OUT
    _settle(call, target, attempt, outcome, blame=isinstance(error, AttemptFailed) and error.blames_endpoint)
    if delivery.begun and isinstance(error, AttemptFailed):
        if call.ledger.committed:
            raise StreamInterrupted(
                f"the answer broke off: {error}", delivered=attempt.characters, usage=attempt.usage
            ) from error
        await delivery.discard()
    if error is failure:
        raise error  # with the cause it came with
    raise error from failure


def _translated(target: Target, failure: BaseException | None) -> PacelineError:
    if isinstance(failure, PacelineError):
        return failure
    return ProviderError(
        f"the provider raised {type(failure).__name__}, which is none of Paceline's errors: see its __cause__",
        endpoint=target.name,
    )


def _timeout(call: Call, target: Target, attempt: Attempt, passed: str) -> PacelineError:
    after_s = call.clock() - attempt.sent_s
    if passed != DEADLINE:
        return AttemptTimeout(passed, after_s, endpoint=target.name)
    told = f"{attempt.characters} characters had been delivered" if attempt.characters else "nothing had come"
    return DeadlineExceeded(
        f"the deadline passed {after_s:.3f} s into a call of {target.name}; {told}",
        delivered=attempt.characters if call.ledger.committed else 0,
        usage=attempt.usage,
    )
