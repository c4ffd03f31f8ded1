"""A diagnosis in words: the figures behind each cause, what to look at first, and what is worth a note besides.

The rules are those a person applies. A later first token is the vendor's queue or the region: keep-alives tell of a
queue; a region all of whose endpoints are slower, while others are not, tells of the region. A later end with the same
tokens is the network, or what was done around the call. More tokens without more seconds will meet limits later.
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from .diagnosis_evidence import MEASURES, Calls, Evidence
from .diagnosis_result import LABELS, Cause, Contribution, Headline, Side

GREW = 1.3
"""Prompts that grew by this factor are worth a note even where they cost nothing yet."""

POINTS = 0.05
"""A share of calls that do not count is worth a note once it has risen by this much."""

QUEUES = 0.5
"""Keep-alives a call, more than before, that tell of a queue at the vendor."""

PLACED = 0.1
"""A contribution is worth a word on where it is from this share of the whole change."""

NAMES = {Headline.TOTAL: "total time", Headline.TTFT: "time to the first token"}

OF_ALL_CALLS = frozenset({Cause.PROMPT_SIZE, Cause.CACHED_PROMPT, Cause.OUTPUT_LENGTH})
"""Causes that are told of all calls: those around the p95 may be longer because they are others."""

NOBODYS = OF_ALL_CALLS | {Cause.ENDPOINT_MIX, Cause.SLOW_READER, Cause.TAIL_MAKEUP}
"""Causes that are no single endpoint's doing."""


def contribution(
    cause: Cause, where: dict[str, float], seconds: float, change_s: float, evidence: Evidence
) -> Contribution:
    """One cause with its seconds, its figures and its sentence."""
    unit, figure = MEASURES[cause]
    matters = cause not in NOBODYS and abs(seconds) >= PLACED * abs(change_s)
    told = Contribution(
        cause=cause,
        seconds=seconds,
        where=where,
        unit=unit,
        tail_before=evidence.tail_before.mean(figure),
        tail_now=evidence.tail_now.mean(figure),
        all_before=evidence.all_before.mean(figure),
        all_now=evidence.all_now.mean(figure),
        place=evidence.place(where, seconds) if matters else None,
    )
    return replace(told, sentence=_sentence(told, evidence))


def conclusion(headline: Headline, change_s: float, top: Contribution, evidence: Evidence) -> str:
    """A change in one sentence, with what speaks most for it."""
    name = f"The p95 of the {NAMES[headline]}"
    if change_s < 0.0:
        return f"{name} fell by {-change_s:.3f} s, chiefly by {LABELS[top.cause]}: {top.sentence}."
    share = top.seconds / change_s
    how_much = "because" if share > 0.95 else f"{share:.0%} of it because"
    if share < 0.5:
        how_much = f"for several reasons; the first of them, with {share:.0%}, is that"
    return f"{name} rose by {change_s:.3f} s, {how_much} {_because(top, evidence)}."


def steady(headline: Headline) -> str:
    """No change, in one sentence."""
    return f"The p95 of the {NAMES[headline]} has not changed, or by no more than chance makes or a person would mind."


def too_few(before: Side, now: Side, fewest: int) -> str:
    """The conclusion there is where there is none."""
    return f"Too few calls to tell: {before.counted:,} before and {now.counted:,} now; each side takes {fewest}."


def notes(before: Side, now: Side, top: Cause | None, *, guessed: bool) -> tuple[str, ...]:
    """What the contributions do not say. *guessed*: as `Yardsticks.guessed`."""
    found: list[str] = []
    was, is_now = before.input_tokens or 0.0, now.input_tokens or 0.0
    sizes = f"from {_told(was)} to {_told(is_now)} tokens"
    if is_now > GREW * was and top is not Cause.PROMPT_SIZE:
        found.append(f"prompts grew {sizes}; that costs little time yet, but money, and will meet limits later")
    if guessed:
        found.append(
            f"prompts went {sizes} and were all alike before and after, so what they cost cannot be told from what "
            "else may have slowed the first token"
        )
    missing_before, missing_now = (1.0 - side.counted / side.calls for side in (before, now))
    if missing_now - missing_before >= POINTS:
        found.append(
            f"{missing_now:.0%} of the calls are not counted, {missing_before:.0%} before: they failed, were left by "
            "their callers, or have no such figure"
        )
    return tuple(found)


def _sentence(told: Contribution, evidence: Evidence) -> str:
    cause = told.cause
    if cause is Cause.ENDPOINT_MIX:
        return ", ".join(f"{was:.0%} -> {now:.0%} of all calls at {name}" for name, was, now in evidence.moved())
    if cause is Cause.TAIL_MAKEUP:
        return f"around the p95 {_sizes(evidence.tail_before)} -> {_sizes(evidence.tail_now)} tokens in + out"
    if cause in OF_ALL_CALLS:
        return f"{_told(told.all_before)} -> {_told(told.all_now)} {told.unit} over all calls"
    words = f"{_told(told.tail_before)} -> {_told(told.tail_now)} {told.unit}"
    if cause is Cause.PROVIDER_QUEUE and any(_keepalives(evidence)):
        words += ", {:.1f} -> {:.1f} keep-alives a call".format(*_keepalives(evidence))
    if cause is Cause.DECODE_SPEED:
        words += f", {_pace(evidence.all_before)} -> {_pace(evidence.all_now)} ms a token over all calls"
    if cause is Cause.RETRIES:
        words += f", {_tries(evidence.all_before)} -> {_tries(evidence.all_now)} more tries a hundred calls"
    return words if told.place is None else f"{words}, nearly all at {told.place}"


def _because(top: Contribution, evidence: Evidence) -> str:
    who = top.place or "every endpoint"
    return {
        Cause.PROMPT_SIZE: "prompts grew: see what was added to them, and whether the vendor can cache it",
        Cause.CACHED_PROMPT: "less of the prompts came from the vendor's cache: see whether they still begin alike",
        Cause.PROVIDER_QUEUE: _later_start(top.place, evidence),
        Cause.NETWORK: f"the way to {who} takes longer: the network or the region",
        Cause.OUTPUT_LENGTH: "answers grew longer: see what asks for more, or cap them",
        Cause.DECODE_SPEED: f"tokens come slower from {who}: the model is busy, or has changed",
        Cause.WRITING: "answers take longer to write, by their length or by the vendor's speed: it counts no tokens",
        Cause.OWN_QUEUE: f"calls wait here for a slot of {who}: more slots, or less traffic",
        Cause.RETRIES: f"other attempts came first, mostly after {_reason(evidence)}",
        Cause.ENDPOINT_MIX: f"calls go elsewhere: {top.sentence}",
        Cause.SLOW_READER: "callers are slow to take over what they are given",
        Cause.TAIL_MAKEUP: "the slow calls are of another kind now: longer ones, or at slower endpoints, than before",
    }[top.cause]


def _later_start(place: str | None, evidence: Evidence) -> str:
    before, now = _keepalives(evidence)
    if now - before >= QUEUES:
        return f"{place or 'every endpoint'} queues calls before it begins, as its keep-alives tell"
    if place is not None and place not in evidence.regions():
        return f"all of {place} begins later and other regions do not: the region, or the way there"
    return f"{place or 'every endpoint'} begins later: its queue, its load, or the way there"


def _keepalives(evidence: Evidence) -> tuple[float, float]:
    """A call around the p95, before and now."""
    before, now = (tail.mean(lambda call: call.row.keepalives) for tail in (evidence.tail_before, evidence.tail_now))
    return before or 0.0, now or 0.0


def _pace(calls: Calls) -> str:
    tpot_s = calls.mean(lambda call: call.row.tpot_s)
    return _told(None if tpot_s is None else tpot_s * 1e3)


def _tries(calls: Calls) -> str:
    return f"{100.0 * (calls.mean(lambda call: call.row.attempts - 1) or 0.0):.0f}"


def _sizes(calls: Calls) -> str:
    means = calls.mean(lambda call: call.row.input_tokens), calls.mean(lambda call: call.row.output_tokens)
    return " + ".join(map(_told, means))


def _reason(evidence: Evidence) -> str:
    """Why most of the other attempts of all calls now were made."""
    rows = [call.row for call in evidence.all_now.calls]
    reasons = Counter(reason for row in rows for reason in row.retries)
    reasons["a fallback"] = sum(row.fallbacks for row in rows)
    reasons["a hedge"] = sum(row.hedges for row in rows)
    reason, count = reasons.most_common(1)[0]
    return reason if count else "a wait of a policy"


def _told(value: float | None) -> str:
    """A figure to three or four digits."""
    if value is None:
        return "unknown"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
