"""Why recent calls went where they went: who was asked, what their chances were, what each layer decided.

Putting this into words takes some fifty microseconds, so only a few calls a second are taken: those that met trouble,
or were late, have a ring and a rate of their own, so that a busy route's good calls do not drive them out.

Nothing here holds a prompt, an answer, a user or a key, nor the text of an error, in which a vendor may have repeated
any of them: of an error only its one word is told.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from ...router import CallEnded, CallOutcome
from ...router.ledger import Outcome

if TYPE_CHECKING:
    from ...router import Attempt, Call, Decision, Target

MOST_NOTES = 24
MOST_CANDIDATES = 24
LONGEST_NOTE = 240

ORDINARY_PER_S = 3
NOTABLE_PER_S = 6
KEPT = 50
"""Of either kind."""


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """An endpoint that serves the call's route.

    chance: to answer in time, 0..1, as it was judged when the call came; None: nothing was known, or it was not judged.
    judged: whether it was. tried: whether an attempt was made there. why: if not, in words.
    """

    name: str
    model: str
    region: str
    chance: float | None = None
    judged: bool = False
    tried: bool = False
    why: str | None = None


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What a layer decided. after_s: seconds since the call arrived."""

    after_s: float
    by: str
    words: str


class Try(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attempt. Seconds since the call arrived; None: never reached. ``in_flight`` there, itself included."""

    number: int
    endpoint: str
    model: str
    region: str
    outcome: str
    sent_s: float
    first_s: float | None = None
    ended_s: float | None = None
    waited_s: float = 0.0
    connect_s: float | None = None
    in_flight: int = 1
    hedge: bool = False
    reason: str | None = None


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call that has ended.

    id: rises by one. ended_s: on the routers' clock. outcome, reason: how, and of a failure one word.
    in_time: within its route's objective. ttft_s, total_s: as its caller saw it. budget_s: what it had.
    notable: it met trouble, or was late.
    """

    id: int
    ended_s: float
    route: str
    outcome: str
    reason: str | None
    notable: bool
    in_time: bool | None
    streamed: bool
    ttft_s: float | None
    total_s: float
    budget_s: float
    prompt_tokens: int
    answer_tokens: int | None
    candidates: list[Candidate]
    more_candidates: int
    notes: list[Note]
    tries: list[Try]


class _Kept:
    """The last few of one kind, and at most so many a second."""

    def __init__(self, per_s: int) -> None:
        self.records: deque[Record] = deque(maxlen=KEPT)
        self._per_s = per_s
        self._second = 0
        self._taken = 0

    def has_room(self, now_s: float) -> bool:
        second = int(now_s)
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        return self._taken <= self._per_s


class Decisions:
    """The last calls, as `Record`."""

    def __init__(self) -> None:
        self._ordinary = _Kept(ORDINARY_PER_S)
        self._notable = _Kept(NOTABLE_PER_S)
        self._last_id = 0

    def take(self, event: CallEnded, ttft_s: float | None, *, in_time: bool | None) -> None:
        """Keep this call, if there is room for it in this second."""
        ledger = event.call.ledger
        detours = len(ledger.attempts) > 1 or bool(ledger.models_left)
        notable = detours or event.outcome is not CallOutcome.ANSWERED or in_time is False
        kept = self._notable if notable else self._ordinary
        if kept.has_room(event.at_s):
            self._last_id += 1
            kept.records.append(_record(self._last_id, event, ttft_s, in_time=in_time, notable=notable))

    @property
    def last_id(self) -> int:
        """Of the newest; 0 before the first."""
        return self._last_id

    def since(self, last_id: int) -> list[Record]:
        """Those kept that are newer than *last_id*, the oldest first."""
        both = (*self._ordinary.records, *self._notable.records)
        return sorted((record for record in both if record.id > last_id), key=lambda record: record.id)


def _record(number: int, event: CallEnded, ttft_s: float | None, *, in_time: bool | None, notable: bool) -> Record:
    call, ledger = event.call, event.call.ledger
    began_s = ledger.began_s
    answer = ledger.answered_by
    usage = None if answer is None else answer.usage
    notes = [_note(decision, began_s) for decision in ledger.decisions[:MOST_NOTES]]
    return Record(
        id=number,
        ended_s=event.at_s,
        route=call.route.name,
        outcome=event.outcome.value,
        reason=event.reason,
        notable=notable,
        in_time=in_time,
        streamed=ledger.streamed,
        ttft_s=ttft_s,
        total_s=event.at_s - began_s,
        budget_s=call.deadline_s - began_s,
        prompt_tokens=call.prompt_tokens,
        answer_tokens=None if usage is None else usage.output_tokens,
        candidates=_candidates(event, notes),
        more_candidates=max(0, len(call.candidates) - MOST_CANDIDATES),
        notes=notes,
        tries=[_try(attempt, began_s) for attempt in ledger.attempts[:MOST_NOTES]],
    )


def _candidates(event: CallEnded, notes: Sequence[Note]) -> list[Candidate]:
    """Those of the route with the chances they were first given: the tried ones first, then the best chance first."""
    call, ledger = event.call, event.call.ledger
    chances: dict[str, float | None] = {}
    for decision in ledger.decisions:
        for name, chance in decision.chances:
            chances.setdefault(name, chance)
    tried = {attempt.endpoint.name for attempt in ledger.attempts}
    models = {attempt.endpoint.model for attempt in ledger.attempts}
    told = [
        Candidate(
            name=target.name,
            model=target.model,
            region=target.region,
            chance=chances.get(target.name),
            judged=target.name in chances,
            tried=target.name in tried,
            why=None if target.name in tried else _why_not(target, call, notes, models, judged=target.name in chances),
        )
        for target in call.candidates
    ]
    told.sort(key=lambda one: (not one.tried, not one.judged, -(one.chance or 0.0)))
    return told[:MOST_CANDIDATES]


def _why_not(target: Target, call: Call, notes: Sequence[Note], models: Collection[str], *, judged: bool) -> str:
    """Why no attempt was made there, as far as the record of the call tells."""
    if call.residency is not None and target.region not in call.residency:
        return "in a region this call may not use"
    if judged:
        return "judged, and another was preferred"
    for note in notes:
        if target.name in note.words and _names(note, target.name):
            return f"{note.by}: {note.words}"
    if models and target.model not in models:
        return "its model's turn did not come"
    return "not among those that were judged"


def _names(note: Note, name: str) -> bool:
    """Whether a note speaks of this endpoint, and not of one whose name has this one in it."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", note.words) is not None


def _note(decision: Decision, began_s: float) -> Note:
    facts = tuple(_harmless(fact) for fact in decision.facts)
    words = decision.words % facts
    return Note(decision.at_s - began_s, decision.by, words[:LONGEST_NOTE])


def _harmless(fact: object) -> object:
    """Of an error its one word: its text may repeat what a caller has sent."""
    return getattr(fact, "reason", type(fact).__name__) if isinstance(fact, BaseException) else fact


def _try(attempt: Attempt, began_s: float) -> Try:
    first_s, ended_s = attempt.first_progress_s, attempt.finished_s
    reason = None if attempt.error is None else attempt.error.reason
    return Try(
        number=attempt.number,
        endpoint=attempt.endpoint.name,
        model=attempt.endpoint.model,
        region=attempt.endpoint.region,
        outcome=attempt.outcome.value,
        sent_s=attempt.sent_s - began_s,
        first_s=None if first_s is None else first_s - began_s,
        ended_s=None if ended_s is None else ended_s - began_s,
        waited_s=attempt.slot_wait_s,
        connect_s=attempt.connect_s,
        in_flight=attempt.in_flight,
        hedge=attempt.hedge,
        reason="deadline" if reason is None and attempt.outcome is Outcome.TIMED_OUT else reason,
    )
