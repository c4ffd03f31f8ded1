"""How much longer the first token takes for every call an endpoint has at once.

A server that batches serves each call the later the more there are, and one whose seats are taken lets the next wait.
How much that is hangs on a size nobody publishes, so it is learned: the time to first token, as a multiple of what the
prompt's size explains, grows with the calls in flight along a `Line`. What a call will meet is then known when it is
sent, as far as the load is our own, and not only once answers have come late: who waits for those sends everybody to
the endpoint that was fastest a moment ago. Where the load is other people's the line is flat, and nothing is lost.

Two more things count where endpoints are compared, though not in what is promised. What one more call costs those that
are under way: who counts only his own delay crowds the fastest way. And that a line says little about loads which were
never seen, while the crowd that is on its way there has not been answered yet: beyond the greatest load that answers
came from of late, twice the load counts for twice the time. So an endpoint finds out what it bears step by step. Beyond
twice that load less is promised as well: the one endpoint that seems to be in time must not get everybody.

Sources: Pigou, "The Economics of Welfare" (1920), and Beckmann, McGuire and Winsten, "Studies in the Economics of
Transportation" (1956), for the price of a crowded way: its marginal cost.
"""

from __future__ import annotations

import msgspec

from .line import FORGET, Line

FEWEST = 20
"""Samples before the line is believed."""

BORNE = 4.0
"""Calls at once that any endpoint is taken to bear, until more were answered."""

TRUSTED = 2.0
"""Times the greatest load seen up to which what is promised goes by the line."""

MOST = 10.0
LEAST = 1.0 / MOST
"""Times slower, or faster, that load is believed to make it at most."""

NEWEST = 1.0 - FORGET
SPAN = 1.0 / NEWEST
"""Weight of the newest sample in the mean, and how many weigh alike before it has that weight."""


class Crowd(msgspec.Struct, frozen=True):
    """What the load of an instant does to a call.

    Both are multiples of its time to the first token at the loads of late. times: what it may expect. price: what it
    counts for in a comparison.
    """

    times: float = 1.0
    price: float = 1.0


class Crowding:
    """What load does to one endpoint. Everything is O(1)."""

    __slots__ = ("_count", "_line", "_mean", "_seen")

    def __init__(self) -> None:
        self._line = Line()
        self._count = 0
        self._mean = 0.0
        self._seen = BORNE

    def sample(self, ratio: float, in_flight: int) -> float:
        """A first token took so many times what its prompt's size explains, as one of so many calls, at least 1.

        Gives how many times of that its load explains, as `explains` does.
        """
        times = self.explains(in_flight)
        count = self._count = self._count + 1
        self._line.sample(ratio, in_flight)
        self._mean += (in_flight - self._mean) * (NEWEST if count >= SPAN else 1.0 / count)
        if in_flight > BORNE or self._seen > BORNE:
            self._seen = max(BORNE, in_flight, self._seen * FORGET)
        return times

    def explains(self, in_flight: int) -> float:
        """Times as long as at the loads of late that a call takes as one of so many; 1.0 while too little is known."""
        if self._count < FEWEST:
            return 1.0
        times = self._line.over(in_flight, self._mean)
        return times if LEAST < times < MOST else min(MOST, max(LEAST, times))

    def of(self, in_flight: int) -> Crowd:
        """What a call will meet as one of so many. With T = a + b * n for each, one more costs the others n * b."""
        times = self.explains(in_flight)
        burden = max(0.0, self.explains(2 * in_flight) / times - 1.0)
        unseen = in_flight / self._seen
        price = times * (1.0 + burden)
        if unseen <= 1.0:
            return Crowd(times, price)
        return Crowd(times * max(1.0, unseen / TRUSTED), price * unseen)
