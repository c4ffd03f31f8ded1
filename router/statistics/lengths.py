"""How long the answers of a route are, learned from those it gave.

Without a word from the caller nothing is known of an answer's length but its route's habit. An answer that ended at its
cap would have been longer, so it counts as cut off there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..request import DEFAULT_EXPECTED_TOKENS
from .hdr import Scale
from .window import REFOLD_AFTER_S, Window

if TYPE_CHECKING:
    from .window import WindowShape

TOKENS = Scale(1.0, 1_000_000)
"""Whole tokens, told apart exactly to 256 and better than 1 % above."""

FEWEST = 20
"""Answers to learn from, at least."""

STRATA = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Middles of five parts of equal probability, which stand for the distribution."""


class Lengths:
    """Output tokens of one route's answers of late.

    usual: their mean, 128 below 20 answers; as it was last looked at, and to be believed before *until_s*.
    """

    __slots__ = ("_likely", "_window", "until_s", "usual")

    def __init__(self, shape: WindowShape) -> None:
        self._window = Window(TOKENS, shape)
        self._likely: tuple[int, ...] | None = None
        self.usual: float = DEFAULT_EXPECTED_TOKENS
        self.until_s = -math.inf

    def record(self, tokens: int, now_s: float, *, cut_off: bool) -> None:
        """An answer had so many tokens. *cut_off*: it ended at its cap."""
        (self._window.record_censored if cut_off else self._window.record)(tokens, now_s)

    def likely(self, now_s: float) -> tuple[int, ...] | None:
        """Five equally likely lengths in tokens, the shortest first; None below 20 answers. Kept for 0.25 s."""
        if now_s >= self.until_s:
            self._look(now_s)
        return self._likely

    def _look(self, now_s: float) -> None:
        likely = self._likely = self._learned(now_s)
        self.usual = sum(likely) / len(likely) if likely else DEFAULT_EXPECTED_TOKENS
        self.until_s = now_s + REFOLD_AFTER_S

    def _learned(self, now_s: float) -> tuple[int, ...] | None:
        fold = self._window.fold(now_s)
        if fold.samples < FEWEST:
            return None
        found = (fold.quantile(q) or fold.longest_s for q in STRATA)
        return tuple(int(tokens) for tokens in found if tokens is not None)


class NoLengths(Lengths):
    """Those of embeddings: nothing is written, whatever else a route's answers are like."""

    __slots__ = ()

    def record(self, tokens: int, now_s: float, *, cut_off: bool) -> None:
        """There is nothing to learn."""

    def _learned(self, now_s: float) -> tuple[int, ...] | None:
        """None of them has a token."""
        del now_s
        return (0,)
