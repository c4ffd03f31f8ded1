"""What an endpoint's prompt cache is worth: whether it really is warm for calls sent there for its sake, and for how
much that counts.

A vendor may keep no cache, or not for so long, or share none between the machines behind one address. Its usage tells:
the tokens of the prompt that it read from a cache. First tokens of answers that were, and of those that were not, tell
what that saves. A vendor that does not report cached tokens is taken at its word that it has a cache.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..router.ledger import Attempt

OF_HITS = 1.0 / 32.0
OF_TIMES = 1.0 / 8.0
"""Weights of the newest answer: whether there is a cache changes seldom, how fast it is at any time."""


class Warmth:
    """Of one endpoint.

    hits: share of the answers of late, 0 to 1, that were read from its cache in part; 1.0 as long as nothing is told.
    warm_s, cold_s: smoothed seconds to the first token of answers that were, and were not; None: none was seen.
    slow: another endpoint was found to be faster, and that is held for true until *judged_until_s*.
    """

    __slots__ = ("cold_s", "hits", "judged_until_s", "slow", "warm_s")

    def __init__(self) -> None:
        self.hits = 1.0
        self.warm_s: float | None = None
        self.cold_s: float | None = None
        self.slow = False
        self.judged_until_s = -math.inf

    def answered(self, attempt: Attempt, *, at_home: bool) -> None:
        """An answer has come. *at_home*: it was asked for here for the sake of the cache."""
        cached_tokens = None if attempt.usage is None else attempt.usage.cached_tokens
        if cached_tokens is None:
            return
        hit = cached_tokens > 0
        if at_home:
            self.hits += OF_HITS * (float(hit) - self.hits)
        first_s = attempt.first_progress_s
        if first_s is None or not attempt.streamed:
            return
        ttft_s = first_s - attempt.sent_s
        if hit:
            self.warm_s = ttft_s if self.warm_s is None else self.warm_s + OF_TIMES * (ttft_s - self.warm_s)
        else:
            self.cold_s = ttft_s if self.cold_s is None else self.cold_s + OF_TIMES * (ttft_s - self.cold_s)
