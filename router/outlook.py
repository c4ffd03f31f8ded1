"""What a call sent to an endpoint now may expect: the statistics, drawn together for those who choose.

Policies ask ten endpoints several questions on every call. The answers change slowly, so they are drawn up once and
kept for a hundredth of a second; asking again costs a look into a dict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .latency import Latency
    from .recent import Recent

FRESH_S = 0.01
"""Seconds an outlook is good for."""

FAILURE_COST_S = 5.0
"""What a failure costs in a comparison of speeds: failing fast must not look fast. Source: linkerd2's 5 s penalty."""

SUSPICIOUS = 0.95
"""A silence is news once it outlasts this quantile of the endpoint's own first-token times."""

CAUTIOUS = 0.9
"""Quantile of the time per token that is reckoned with where a promise is judged."""

AS_EVER = (0.6, 1.6)
"""A level of the last few calls within these multiples of the median is noise: the median of five samples whose log
has an sd of 0.25 strays by 15 %, and prompts differ besides."""


class Outlook:
    """Expectations of one endpoint at one instant. Seconds throughout; None: not known.

    known: whether an answer of it was seen within the window.
    stretch: how many times slower to start than its distribution says it has been of late; 1.0 if as ever.
    failing: share of its last calls that failed, 0..1. failure_s: the same, reckoned at 5 s a failure.
    ttft_s, total_s: expected to the first token, and to the end of a whole answer like those of late.
    """

    __slots__ = (
        "_chances", "_now_s", "_total", "_tpot", "_ttft",
        "expires_s", "failing", "failure_s", "known", "slower_s", "stretch", "total_s", "ttft_s",
    )  # fmt: skip

    def __init__(self, ttft: Latency, total: Latency, tpot: Latency, recent: Recent, now_s: float) -> None:
        self._ttft, self._total, self._tpot = ttft, total, tpot
        self._now_s = now_s
        self._chances: dict[tuple[str, float, int], float | None] = {}
        self.expires_s = now_s + FRESH_S
        self.known = ttft.samples(now_s) > 0 or total.samples(now_s) > 0
        self.failing = recent.failing(now_s)
        self.failure_s = self.failing * FAILURE_COST_S
        ttft_s, total_s = ttft.quantile(0.5, now_s), total.quantile(0.5, now_s)
        self.stretch = 1.0 if not ttft_s else _stretch(ttft_s, ttft, recent, now_s)
        self.slower_s = 0.0 if ttft_s is None else max(0.0, ttft_s * (self.stretch - 1.0))
        """Seconds more to the first token, of late, than the distributions say."""
        self.ttft_s = None if ttft_s is None else ttft_s * self.stretch
        self.total_s = None if total_s is None else total_s + self.slower_s

    def p_first_token_within(self, t_s: float) -> float | None:
        """Chance that the first token is there within *t_s*, and the call does not fail."""
        return self._remembered("ttft", t_s, 0)

    def p_total_within(self, t_s: float) -> float | None:
        """Chance that the whole answer is there within *t_s*, judged by whole answers of late."""
        return self._remembered("total", t_s, 0)

    def p_tokens_within(self, t_s: float, tokens: int) -> float | None:
        """Chance that *tokens* are there within *t_s*: P(TTFT <= t - tokens * time per token).

        The time per token is taken at its 90th percentile, so the chance is a cautious one.
        """
        return self._remembered("tokens", t_s, tokens)

    def tokens_s(self, tokens: int) -> float | None:
        """Expected seconds until *tokens* are there."""
        tpot_s = self._tpot.quantile(0.5, self._now_s)
        return None if self.ttft_s is None or tpot_s is None else self.ttft_s + tokens * tpot_s

    def _remembered(self, what: str, t_s: float, tokens: int) -> float | None:
        asked = (what, t_s, tokens)
        if asked not in self._chances:
            p = self._chance(what, t_s, tokens)
            self._chances[asked] = None if p is None else p * (1.0 - self.failing)
        return self._chances[asked]

    def _chance(self, what: str, t_s: float, tokens: int) -> float | None:
        if what == "total":
            return self._total.within(t_s - self.slower_s, self._now_s)
        tpot_s = self._tpot.quantile(CAUTIOUS, self._now_s) if tokens else 0.0
        return None if tpot_s is None else self._ttft.within((t_s - tokens * tpot_s) / self.stretch, self._now_s)


def _stretch(median_s: float, ttft: Latency, recent: Recent, now_s: float) -> float:
    level_s = recent.level_s(now_s)
    lately_s = median_s if level_s is None else level_s
    silence_s = recent.silence_s(now_s)
    if silence_s > lately_s and silence_s > (ttft.quantile(SUSPICIOUS, now_s) or math.inf):
        lately_s = silence_s
    stretch = lately_s / median_s
    return 1.0 if AS_EVER[0] < stretch < AS_EVER[1] else stretch
