"""The figures of a set of calls, and of a set of attempts.

A call is what its caller saw: queueing, retries, fallbacks and all. An attempt is what one endpoint did. The two are
kept apart throughout, since a retry that saves a call makes the call slower and the endpoint's record worse.

A call that its caller cancelled is neither a success nor a failure. A request that is refused as the caller's own
mistake is a failure all the same: the reason says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import asdict

from ..events import CallOutcome
from ..ledger import Outcome
from ..statistics.learned import SLOW_READER
from .percentiles import Percentiles, Values
from .row import AttemptRow, CallRow
from .tally import AttemptTally, CallTally, Tally, share


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes. total: the sum over all. each: of one."""

    total: int
    each: Percentiles


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What calls and attempts have in common. None: not known.

    answered, failed, cancelled: how they ended. per_minute: all of them.
    success: share answered, of those that nobody cancelled. failures: by reason, the commonest first.
    timeouts: attempts that ran into a limit. retries: by the reason of the failure before.
    ttft_s: seconds to the first token, where it came as a stream. total_s: to the last token, of answers.
    tpot_s: seconds per output token once it speaks, of answers. tokens_per_s: of the median answer, likewise.
    input_tokens, output_tokens: the total of all; of one, that of calls and of answers.
    cost: money, at the endpoints' prices, over the ``priced`` ones of which it is known.
    """

    answered: int
    failed: int
    cancelled: int
    per_minute: float | None
    success: float | None
    failures: dict[str, int]
    timeouts: int
    retries: dict[str, int]
    ttft_s: Percentiles
    total_s: Percentiles
    tpot_s: Percentiles
    tokens_per_s: float | None
    input_tokens: Tokens
    output_tokens: Tokens
    cost: float | None
    priced: int


class CallFigures(Figures, frozen=True, kw_only=True):
    """Of calls that ended in a window. Times are from arrival, and of answers.

    calls: all of them. attempts: the tries they took. fallbacks: models left for the next. hedges: second legs.
    in_time: share answered within the route's objective, cancelled ones left out; None if it promises no time.
    """

    calls: int
    attempts: int
    fallbacks: int
    hedges: int
    in_time: float | None


class AttemptFigures(Figures, frozen=True, kw_only=True):
    """Of attempts at one endpoint that ended in a window. Times are from sending.

    attempts: all of them. Timeouts are failures as well; the loser of a race is cancelled. retries: tries that were
    made because one here had failed. ttft_s: of all that spoke, whatever came of them. total_s: but for answers that
    were held up by their callers for more than a tenth of the time.
    """

    attempts: int


class Sample:
    """The values that percentiles are made of."""

    __slots__ = ("input_tokens", "output_tokens", "total_s", "tpot_s", "ttft_s")

    def __init__(self) -> None:
        self.ttft_s, self.total_s, self.tpot_s = Values(), Values(), Values()
        self.input_tokens, self.output_tokens = Values(), Values()

    def take_calls(self, rows: Sequence[CallRow], weight: float) -> None:
        """Take calls that stand for *weight* each."""
        answers = [row for row in rows if row.outcome is CallOutcome.ANSWERED]
        self.ttft_s.add([row.ttft_s for row in answers if row.ttft_s is not None], weight)
        self.total_s.add([row.total_s for row in answers], weight)
        self.input_tokens.add([row.input_tokens for row in rows], weight)
        self._take_speech(answers, weight)

    def take_attempts(self, rows: Sequence[AttemptRow], weight: float) -> None:
        """Take attempts that stand for *weight* each."""
        answers = [row for row in rows if row.outcome is Outcome.OK]
        self.ttft_s.add([row.ttft_s for row in rows if row.ttft_s is not None], weight)
        self.total_s.add([row.total_s for row in answers if row.held_s <= SLOW_READER * row.total_s], weight)
        self.input_tokens.add([row.input_tokens for row in rows if row.input_tokens is not None], weight)
        self._take_speech(answers, weight)

    def _take_speech(self, answers: Sequence[CallRow] | Sequence[AttemptRow], weight: float) -> None:
        self.tpot_s.add([row.tpot_s for row in answers if row.tpot_s is not None], weight)
        self.output_tokens.add([row.output_tokens for row in answers if row.output_tokens is not None], weight)

    def merge(self, other: Sample) -> None:
        """Take all that *other* has."""
        self.ttft_s.merge(other.ttft_s)
        self.total_s.merge(other.total_s)
        self.tpot_s.merge(other.tpot_s)
        self.input_tokens.merge(other.input_tokens)
        self.output_tokens.merge(other.output_tokens)


def of_calls(tally: CallTally, sample: Sample, seconds: float, *, promised: bool) -> CallFigures:
    """Of the calls that *tally* has counted and *sample* has values of.

    seconds: the window they ended in. promised: an objective of time was there to be met.
    """
    return CallFigures(
        **asdict(_of(tally, sample, seconds, tally.retries)),
        calls=tally.ended,
        attempts=tally.attempts,
        fallbacks=tally.fallbacks,
        hedges=tally.hedges,
        in_time=share(tally.in_time, tally.answered + tally.failed) if promised else None,
    )


def of_attempts(tally: AttemptTally, sample: Sample, seconds: float, retries: Mapping[str, int]) -> AttemptFigures:
    """Of the attempts that *tally* has counted and *sample* has values of. *retries*: those they made necessary."""
    return AttemptFigures(**asdict(_of(tally, sample, seconds, retries)), attempts=tally.ended)


def _of(tally: Tally, sample: Sample, seconds: float, retries: Mapping[str, int]) -> Figures:
    tpot_s = sample.tpot_s.percentiles()
    return Figures(
        answered=tally.answered,
        failed=tally.failed,
        cancelled=tally.cancelled,
        per_minute=60.0 * tally.ended / seconds if seconds > 0 else None,
        success=share(tally.answered, tally.answered + tally.failed),
        failures=_commonest_first(tally.failures),
        timeouts=tally.timeouts,
        retries=_commonest_first(retries),
        ttft_s=sample.ttft_s.percentiles(),
        total_s=sample.total_s.percentiles(),
        tpot_s=tpot_s,
        tokens_per_s=None if tpot_s.p50 is None else 1.0 / tpot_s.p50,
        input_tokens=Tokens(total=tally.input_tokens, each=sample.input_tokens.percentiles()),
        output_tokens=Tokens(total=tally.output_tokens, each=sample.output_tokens.percentiles()),
        cost=tally.cost if tally.priced else None,
        priced=tally.priced,
    )


def _commonest_first(counts: Mapping[str, int]) -> dict[str, int]:
    """How often each occurred; those as common as one another by their names."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
