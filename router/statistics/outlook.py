"""What a call sent to an endpoint now may expect: the statistics, drawn together for those who choose.

Policies ask ten endpoints several questions on every call. The answers change slowly, so they are drawn up once and
kept for a hundredth of a second; asking again costs a look into a dict.

A whole answer of n tokens takes

    T = TTFT + n * time per token

and its two parts are independent of each other (their logs correlate between -0.25 and 0.22 within the cells of the
LLMPerf leaderboard). So P(T <= t) is the mean of P(TTFT <= t - n * pace) over paces, and over lengths where n is not
known, each standing for an equal share of what is likely. Adding up two upper quantiles would promise too little: both
are seldom reached at once. Five lengths and five paces are not all tried with one another: each length is tried with
one of the paces, so that both are spread over all that is likely, at a fifth of the cost.

Source: Latin hypercube sampling, McKay, Beckman and Conover (1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lengths import STRATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .crowding import Crowd
    from .latency import Belief
    from .slowness import Lately

FAILURE_COST_S = 5.0
"""What a failure costs in a comparison of speeds: failing fast must not look fast. Source: linkerd2's 5 s penalty."""

PACE_OF = (1, 4, 2, 0, 3)
"""Which of five paces each of five lengths is tried with: without correlation, and neither end with an end."""


class Outlook:
    """Expectations of one endpoint at one instant. Seconds throughout; None: not known.

    known, stretch, failing: as of `Lately`. failure_s: failures, reckoned at 5 s each.
    ttft_s: expected to the first token, at the loads of late. crowd: what this instant's load makes of it.
    """

    __slots__ = (
        "_lately", "_now_s", "_succeeding", "_total", "_tpot", "_ttft",
        "crowd", "failing", "failure_s", "known", "slower_s", "stretch", "ttft_s",
    )  # fmt: skip

    def __init__(
        self, ttft: Belief, total: Belief, tpot: Belief, lately: Lately, now_s: float, *, crowd: Crowd
    ) -> None:
        self._ttft, self._total, self._tpot = ttft.as_of(now_s), total, tpot
        self._lately = lately
        self.crowd = crowd
        self._now_s = now_s
        self.known, self.stretch, self.failing = lately.known, lately.stretch, lately.failing
        self._succeeding = 1.0 - self.failing
        self.failure_s = self.failing * FAILURE_COST_S
        ttft_s = None if self._ttft is None else self._ttft.quantile(0.5)
        self.slower_s = 0.0 if ttft_s is None else max(0.0, ttft_s * (self.stretch - 1.0))
        """Seconds more to the first token, of late, than the distributions say."""
        self.ttft_s = None if ttft_s is None else ttft_s * self.stretch

    @property
    def soon_s(self) -> float | None:
        """Expected to the first token of a call that is sent now, as one of so many."""
        return None if self.ttft_s is None else self.ttft_s * self.crowd.times

    @property
    def _slower(self) -> float:
        """How many times slower to start than the distribution says: lately, and by the load of this instant."""
        return self.stretch * self.crowd.times

    @property
    def drag(self) -> float:
        """How many times slower per token it has been of late; 1.0 if as ever."""
        return self._lately.drag

    @property
    def total_s(self) -> float | None:
        """Expected to the end of a whole answer like those of late."""
        total = self._total.as_of(self._now_s)
        total_s = None if total is None else total.quantile(0.5)
        return None if total_s is None else total_s + self.slower_s

    def ttft_quantile_s(self, q: float) -> float | None:
        """Seconds to the first token below which a share *q* (above 0, below 1) of calls is expected."""
        ttft_s = None if self._ttft is None else self._ttft.quantile(q)
        return None if ttft_s is None else ttft_s * self.stretch

    def p_first_token_within(self, t_s: float) -> float | None:
        """Chance that the first token is there within *t_s*, and the call does not fail."""
        return None if self._ttft is None else self._ttft.within(t_s / self._slower) * self._succeeding

    def p_total_within(self, t_s: float) -> float | None:
        """Chance that a whole answer is there within *t_s*, judged by whole answers of late."""
        total = self._total.as_of(self._now_s)
        return None if total is None else total.within(t_s - self.slower_s) * self._succeeding

    def p_tokens_within(self, t_s: float, lengths: Sequence[int]) -> float | None:
        """Chance that an answer is there within *t_s*, and the call does not fail.

        lengths: of the answer, in tokens, equally likely; at least one.
        """
        paces = self.paces_s(STRATA)
        if paces is None or self._ttft is None:
            return None
        slower = self._slower
        if len(lengths) == len(PACE_OF):
            left_s = [(t_s - lengths[place] * paces[of]) / slower for place, of in enumerate(PACE_OF)]
        else:
            left_s = [(t_s - tokens * pace_s) / slower for tokens in lengths for pace_s in paces]
        return self._ttft.mean_within(left_s) * self._succeeding

    def tokens_s(self, lengths: Sequence[int]) -> float | None:
        """Expected seconds until an answer of one of these equally likely lengths is there."""
        tpot = self._tpot.as_of(self._now_s)
        pace_s = None if tpot is None else tpot.quantile(0.5)
        if self.ttft_s is None or pace_s is None:
            return None
        return self.ttft_s * self.crowd.times + sum(lengths) / len(lengths) * pace_s * self._lately.drag

    def paces_s(self, shares: Sequence[float]) -> list[float] | None:
        """Seconds per token at these quantiles; None if not known."""
        tpot = self._tpot.as_of(self._now_s)
        if tpot is None:
            return None
        quantile, drag = tpot.quantile, self._lately.drag
        paces: list[float] = []
        for q in shares:
            pace_s = quantile(q)
            if pace_s is None:
                return None
            paces.append(pace_s * drag)
        return paces
