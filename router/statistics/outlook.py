"""What a call sent to an endpoint now may expect: the statistics, drawn together for those who choose.

Policies ask ten endpoints several questions on every call. The answers change slowly, so they are drawn up once and
kept for a hundredth of a second; asking again costs a look into a dict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..remembered import KEPT_S

if TYPE_CHECKING:
    from .latency import Latency
    from .recent import Recent

FAILURE_COST_S = 5.0
"""What a failure costs in a comparison of speeds: failing fast must not look fast. Source: linkerd2's 5 s penalty."""

SUSPICIOUS = 0.95
"""A silence is news once it outlasts this quantile of the endpoint's own first-token times."""

CAUTIOUS = 0.9
"""Quantile of the time per token that is reckoned with where a promise is judged."""

SHORTEST_S = 0.001
"""The resolution of what is measured: an answer in no time at all counts as this long."""

AS_EVER = (0.6, 1.6)
"""A level of the last few calls within these multiples of the median is noise: the median of five samples whose log
has an sd of 0.25 strays by 15 %, and prompts differ besides."""


class Outlook:
    """Expectations of one endpoint at one instant. Seconds throughout; None: not known.

    known: whether an answer of it was seen within the window.
    stretch: how many times slower to start than its distribution says it has been of late; 1.0 if as ever.
    failing: share of its last calls that failed, 0..1. failure_s: the same, reckoned at 5 s a failure.
    ttft_s: expected to the first token.
    """

    __slots__ = (
        "_now_s", "_total", "_tpot", "_ttft",
        "expires_s", "failing", "failure_s", "known", "slower_s", "stretch", "ttft_s",
    )  # fmt: skip

    def __init__(self, ttft: Latency, total: Latency, tpot: Latency, recent: Recent, now_s: float) -> None:
        self._ttft, self._total, self._tpot = ttft, total, tpot
        self._now_s = now_s
        self.expires_s = now_s + KEPT_S
        self.known = ttft.samples(now_s) > 0 or total.samples(now_s) > 0
        self.failing = recent.failing(now_s)
        self.failure_s = self.failing * FAILURE_COST_S
        ttft_s = ttft.quantile(0.5, now_s)
        self.stretch = 1.0 if not ttft_s else _stretch(ttft_s, ttft, recent, now_s)
        self.slower_s = 0.0 if ttft_s is None else max(0.0, ttft_s * (self.stretch - 1.0))
        """Seconds more to the first token, of late, than the distributions say."""
        self.ttft_s = None if ttft_s is None else ttft_s * self.stretch

    @property
    def total_s(self) -> float | None:
        """Expected to the end of a whole answer like those of late."""
        total_s = self._total.quantile(0.5, self._now_s)
        return None if total_s is None else total_s + self.slower_s

    def p_first_token_within(self, t_s: float) -> float | None:
        """Chance that the first token is there within *t_s*, and the call does not fail."""
        return self._unless_it_fails(self._ttft.within(t_s / self.stretch, self._now_s))

    def p_total_within(self, t_s: float) -> float | None:
        """Chance that the whole answer is there within *t_s*, judged by whole answers of late."""
        return self._unless_it_fails(self._total.within(t_s - self.slower_s, self._now_s))

    def p_tokens_within(self, t_s: float, tokens: int) -> float | None:
        """Chance that *tokens* are there within *t_s*: P(TTFT <= t - tokens * time per token).

        The time per token is taken at its 90th percentile, so the chance is a cautious one.
        """
        tpot_s = self._tpot.quantile(CAUTIOUS, self._now_s)
        return None if tpot_s is None else self.p_first_token_within(t_s - tokens * tpot_s)

    def tokens_s(self, tokens: int) -> float | None:
        """Expected seconds until *tokens* are there."""
        tpot_s = self._tpot.quantile(0.5, self._now_s)
        return None if self.ttft_s is None or tpot_s is None else self.ttft_s + tokens * tpot_s

    def _unless_it_fails(self, p: float | None) -> float | None:
        return None if p is None else p * (1.0 - self.failing)


def _stretch(median_s: float, ttft: Latency, recent: Recent, now_s: float) -> float:
    lately_s = max(SHORTEST_S, recent.level_s(median_s, now_s))
    silence_s = recent.silence_s(now_s)
    if silence_s > lately_s and silence_s > (ttft.quantile(SUSPICIOUS, now_s) or math.inf):
        lately_s = silence_s
    stretch = lately_s / median_s
    return 1.0 if AS_EVER[0] < stretch < AS_EVER[1] else stretch
