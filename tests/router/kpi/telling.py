"""Calls, attempts and rows that never were, with what a test says of them."""

from __future__ import annotations

import random

import msgspec

from paceline.router import (
    Attempt,
    AttemptRow,
    Budget,
    Call,
    CallEnded,
    CallOutcome,
    CallRow,
    Endpoint,
    HistoryShape,
    Ledger,
    ModelLeft,
    Objective,
    Outcome,
    Request,
    Route,
    Usage,
    WindowShape,
)
from paceline.router.errors import AttemptFailed
from paceline.router.events import Listeners
from paceline.router.kpi.history import CALLS, CallLog, History
from paceline.router.kpi.log import Log
from paceline.router.legs import Legs
from paceline.router.statistics.lengths import Lengths
from paceline.router.testing import Scripted, endpoint
from paceline.router.timers import Timers

HERE = endpoint("here", Scripted())
ENDED = {CallOutcome.ANSWERED: Outcome.OK, CallOutcome.FAILED: Outcome.FAILED, CallOutcome.CANCELLED: Outcome.CANCELLED}


def attempt(
    at: Endpoint = HERE,
    *,
    sent_s: float = 0.0,
    connect_s: float | None = None,
    first_s: float | None = None,
    last_s: float | None = None,
    finished_s: float | None = None,
    slot_wait_s: float = 0.0,
    held_s: float = 0.0,
    streamed: bool = True,
    usage: Usage | None = None,
    outcome: Outcome = Outcome.OK,
    error: AttemptFailed | None = None,
) -> Attempt:
    return Attempt(
        endpoint=at,
        number=1,
        sent_s=sent_s,
        slot_wait_s=slot_wait_s,
        streamed=streamed,
        first_progress_s=first_s,
        last_progress_s=last_s if last_s is not None else finished_s,
        finished_s=finished_s,
        connect_s=connect_s,
        held_s=held_s,
        usage=usage,
        outcome=outcome,
        error=error,
    )


def ended(
    *attempts: Attempt,
    at_s: float,
    began_s: float = 0.0,
    outcome: CallOutcome = CallOutcome.ANSWERED,
    reason: str | None = None,
    retries: tuple[str, ...] = (),
    left: tuple[str, ...] = (),
    objective: Objective | None = None,
    max_tokens: int | None = None,
    hedges: int = 0,
) -> CallEnded:
    """The event of a call to the route ``chat`` that arrived at *began_s* and ended at *at_s*."""
    ledger = Ledger(began_s, streamed=True)
    ledger.attempts.extend(attempts)
    ledger.retries.extend(retries)
    ledger.models_left.extend(ModelLeft(model, "slow", timed_out=True) for model in left)
    ledger.hedges = hedges
    request = Request(messages="hello", prompt_tokens=300)
    call = Call(
        request=request,
        route=Route(name="chat", models="m", objective=objective or Objective(), max_tokens=max_tokens),
        deadline_s=60.0,
        start_by_s=60.0,
        lengths=Lengths(WindowShape()),
        candidates=(),
        prompt_tokens=300,
        size=9,
        max_tokens=max_tokens,
        tied=0,
        residency=None,
        ledger=ledger,
        budget=Budget(),
        legs=Legs(),
        timers=Timers(lambda: 0.0),
        mirrors=None,
        listeners=Listeners(()),
        clock=lambda: at_s,
        dice=random.Random(1),
    )
    return CallEnded(at_s=at_s, call=call, outcome=outcome, reason=reason)


def answered(
    ended_s: float = 1.0,
    *,
    ttft_s: float | None = 0.25,
    total_s: float = 1.0,
    size: int = 4,
    cap: int | None = None,
    output_tokens: int | None = 100,
    retries: tuple[str, ...] = (),
    in_time: bool = True,
) -> CallRow:
    return CallRow(
        ended_s=ended_s,
        outcome=CallOutcome.ANSWERED,
        endpoint="here",
        size=size,
        cap=cap,
        ttft_s=ttft_s,
        total_s=total_s,
        first_token_s=total_s,
        input_tokens=300,
        output_tokens=output_tokens,
        retries=retries,
        retried_from=("here",) * len(retries),
        in_time=in_time,
    )


def failed(ended_s: float = 1.0, reason: str = "provider_error") -> CallRow:
    return CallRow(
        ended_s=ended_s, outcome=CallOutcome.FAILED, reason=reason, size=4, total_s=0.5, input_tokens=300, in_time=False
    )


def cancelled(ended_s: float = 1.0) -> CallRow:
    return CallRow(ended_s=ended_s, outcome=CallOutcome.CANCELLED, size=4, total_s=0.5, input_tokens=300, in_time=False)


def attempted(
    ended_s: float = 1.0,
    outcome: Outcome = Outcome.OK,
    *,
    reason: str | None = None,
    ttft_s: float | None = 0.25,
    total_s: float = 1.0,
    held_s: float = 0.0,
) -> AttemptRow:
    return AttemptRow(
        ended_s=ended_s,
        endpoint="here",
        outcome=outcome,
        reason=reason,
        ttft_s=ttft_s,
        total_s=total_s,
        held_s=held_s,
    )


def log(shape: HistoryShape, *rows: CallRow, seed: int = 1) -> CallLog:
    kept: CallLog = Log(CALLS, shape, random.Random(seed))
    for row in rows:
        kept.append(row.ended_s, msgspec.msgpack.encode(row))
    return kept


def keep(kept: History, *rows: AttemptRow) -> None:
    for row in rows:
        kept.attempts_at(row.endpoint).append(row.ended_s, msgspec.msgpack.encode(row))


def history(*rows: CallRow, route: str = "chat", shape: HistoryShape | None = None) -> History:
    """A history, open since 0.0, in which *rows* are all of one route."""
    kept = History(shape or HistoryShape(), random.Random(1))
    kept.open(0.0)
    for row in rows:
        kept.calls(route).append(row.ended_s, msgspec.msgpack.encode(row))
    return kept
