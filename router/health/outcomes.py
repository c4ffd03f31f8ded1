"""How many of an endpoint's last calls went well: counts over a sliding window, in ten buckets."""

from __future__ import annotations

BUCKETS = 10


class Outcomes:
    """Successes and failures of the last *window_s* seconds, give or take a tenth. Everything is O(1).

    good, bad: as of the last `add`.
    """

    __slots__ = ("_bad", "_bucket", "_bucket_s", "_good", "bad", "good")

    def __init__(self, window_s: float) -> None:
        self._bucket_s = window_s / BUCKETS
        self._bucket = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._good = [0] * BUCKETS
        self._bad = [0] * BUCKETS
        self.good = 0
        self.bad = 0

    def add(self, now_s: float, *, good: bool) -> None:
        """Count one more. *now_s* never goes back."""
        bucket = int(now_s / self._bucket_s)
        if bucket != self._bucket:
            self._advance(bucket)
        place = bucket % BUCKETS
        if good:
            self._good[place] += 1
            self.good += 1
        else:
            self._bad[place] += 1
            self.bad += 1

    def _advance(self, bucket: int) -> None:
        """Drop what is older than the window."""
        if bucket - self._bucket >= BUCKETS:
            self.clear()
        else:
            for passed in range(self._bucket + 1, bucket + 1):
                place = passed % BUCKETS
                self.good -= self._good[place]
                self.bad -= self._bad[place]
                self._good[place] = self._bad[place] = 0
        self._bucket = bucket
