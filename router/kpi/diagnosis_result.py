"""What a diagnosis says: how a tail has changed, and what made up the change, in seconds that add up.

Everything here is plain data. ``msgspec.json.encode(diagnosis)`` is its JSON, ``str(diagnosis)`` is for a person.
"""

from __future__ import annotations

import enum

import msgspec

TOLD_FROM = 0.01
"""A contribution of less than this share of the largest is left out when a person reads; the data keeps it."""


class Headline(enum.StrEnum):
    """The figure whose p95 is asked about."""

    TOTAL = "total"
    """From a call's arrival to its end."""
    TTFT = "ttft"
    """From a call's arrival to its first progress."""


class Verdict(enum.StrEnum):
    """Whether there is anything to explain."""

    ROSE = "rose"
    FELL = "fell"
    STEADY = "steady"
    """No more change than chance makes, or too little to matter."""
    TOO_FEW = "too_few"
    """Too few calls to tell."""


class Cause(enum.StrEnum):
    """What a part of the change came from."""

    PROMPT_SIZE = "prompt_size"
    """Prompts have more or fewer tokens to read."""
    CACHED_PROMPT = "cached_prompt"
    """Less or more of the prompts came from the vendor's cache."""
    PROVIDER_QUEUE = "provider_queue"
    """The vendor took longer to begin than the prompt explains: its queue, its load, or a way that cannot be told."""
    NETWORK = "network"
    """Opening connections, and the way there where it can be told from the vendor's work."""
    OUTPUT_LENGTH = "output_length"
    """Answers have more or fewer tokens."""
    DECODE_SPEED = "decode_speed"
    """More or less time a token."""
    WRITING = "writing"
    """Answers took longer to write; by length or by speed is not known where the vendor counts no tokens."""
    OWN_QUEUE = "own_queue"
    """Calls waited here for a slot."""
    RETRIES = "retries"
    """Other attempts, backoff and fallbacks came before the answer."""
    ENDPOINT_MIX = "endpoint_mix"
    """Other shares of the calls went to each endpoint."""
    SLOW_READER = "slow_reader"
    """The callers took over what they were given."""
    TAIL_MAKEUP = "tail_makeup"
    """Other kinds of calls are the slow ones now, such as short answers that waited in place of long ones."""


LABELS = {
    Cause.PROMPT_SIZE: "prompt size",
    Cause.CACHED_PROMPT: "cached prompts",
    Cause.PROVIDER_QUEUE: "provider queueing",
    Cause.NETWORK: "network",
    Cause.OUTPUT_LENGTH: "output length",
    Cause.DECODE_SPEED: "time per token",
    Cause.WRITING: "writing",
    Cause.OWN_QUEUE: "own queueing",
    Cause.RETRIES: "retries, fallbacks",
    Cause.ENDPOINT_MIX: "mix of endpoints",
    Cause.SLOW_READER: "slow reader",
    Cause.TAIL_MAKEUP: "other calls",
}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two windows. Seconds; None: there was no call to tell it from.

    calls: all of them. counted: those that were answered and have the headline; the rest is of these.
    p50_s, p95_s: quantiles of the headline. tail_s: its mean over the calls around the p95.
    slow: share of them that is of the slowest tenth of both windows, 0..1.
    input_tokens, output_tokens: means.
    """

    calls: int
    counted: int
    p50_s: float | None = None
    p95_s: float | None = None
    tail_s: float | None = None
    slow: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one cause added to the headline's tail, or took away.

    seconds: of the change. where: the same by endpoint; adds up to it.
    place: the endpoint or region that has most of it; None if it is of many, or of no endpoint's doing.
    unit: of the four figures that follow, means of what the cause is measured by. tail_before, tail_now: over the
        calls around the p95, at one mix of endpoints. all_before, all_now: over all calls. None: not known.
    sentence: the same for a person.
    """

    cause: Cause
    seconds: float
    where: dict[str, float]
    place: str | None = None
    unit: str = ""
    tail_before: float | None = None
    tail_now: float | None = None
    all_before: float | None = None
    all_now: float | None = None
    sentence: str = ""

    def __str__(self) -> str:
        return f"{self.seconds:+9.3f} s  {LABELS[self.cause]:<19} {self.sentence}"


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Why a p95 has changed.

    headline, verdict: of what, and whether it has.
    before, now: the two windows.
    change_s: of `Side.tail_s`; None for too few calls.
    contributions: one a cause, the one that speaks most for the change first; ``TAIL_MAKEUP``, the remainder, comes
        last unless little else does. They add up to ``change_s``.
    notes: what is worth knowing besides. conclusion: one sentence.
    """

    headline: Headline
    verdict: Verdict
    before: Side
    now: Side
    change_s: float | None = None
    contributions: tuple[Contribution, ...] = ()
    notes: tuple[str, ...] = ()
    conclusion: str

    @property
    def cause(self) -> Cause | None:
        """What speaks most for the change; None if there is none to explain."""
        return self.contributions[0].cause if self.verdict in {Verdict.ROSE, Verdict.FELL} else None

    def __str__(self) -> str:
        before, now = self.before, self.now
        lines = [self.conclusion]
        if self.change_s is not None:
            counts = f"of {before.counted:,} and {now.counted:,} calls"
            lines.append(f"  p95 {before.p95_s:.3f} s -> {now.p95_s:.3f} s, {counts}; those around it:")
            lines.append(f"{before.tail_s:11.3f} s  before")
            largest_s = max(abs(part.seconds) for part in self.contributions)
            told = [part for part in self.contributions if abs(part.seconds) > TOLD_FROM * largest_s]
            lines += [f"  {part}" for part in told]
            lines.append(f"  {self.change_s - sum(part.seconds for part in told):+9.3f} s  all else")
            lines.append(f"{now.tail_s:11.3f} s  now")
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])
