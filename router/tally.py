"""How often something happened of late, in whole numbers.

A sliding window is kept as a ring of equal slots: counting is one addition, and what is too old leaves slot by slot.
The counts are integers, so that a rule such as "at most a tenth" holds to the last one and does not drift with the
rounding of fractions.
"""

from __future__ import annotations


class Tally:
    """Counts in the last few slots of time, the running one among them.

    slot_s: seconds of a slot, above 0. slots: how many are alive, at least 1.

    Times are seconds on one monotonic clock. A time before the running slot counts in it.
    """

    __slots__ = ("_count", "_ends_s", "_newest", "_place", "_ring", "_slot_s")

    def __init__(self, slot_s: float, slots: int) -> None:
        self._slot_s = slot_s
        self._ring = [0] * slots
        self._newest = self._place = 0
        self._ends_s = slot_s
        self._count = 0

    def add(self, now_s: float) -> int:
        """Count one. Gives the number of its slot, for `take_back`."""
        if now_s >= self._ends_s:
            self._move_on(now_s)
        self._ring[self._place] += 1
        self._count += 1
        return self._newest

    def take_back(self, slot: int) -> None:
        """Undo one `add`, by the number it gave; one that is forgotten already changes nothing."""
        if slot > self._newest - len(self._ring):
            self._ring[slot % len(self._ring)] -= 1
            self._count -= 1

    def count(self, now_s: float) -> int:
        """All that is alive at *now_s*."""
        if now_s >= self._ends_s:
            self._move_on(now_s)
        return self._count

    def _move_on(self, now_s: float) -> None:
        """Forget what the slots that begin now held before."""
        ring, before = self._ring, self._newest
        self._newest = max(before, int(now_s // self._slot_s))
        self._place = self._newest % len(ring)
        self._ends_s = (self._newest + 1) * self._slot_s
        for slot in range(max(before, self._newest - len(ring)) + 1, self._newest + 1):
            place = slot % len(ring)
            self._count -= ring[place]
            ring[place] = 0
