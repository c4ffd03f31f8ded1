"""The last ten minutes in bins of five seconds: counts by route, by (model, region) and by endpoint.

Adding to a bin is all that a call costs. Bins of the last minute are kept open, since figures of now are made of them;
an older one is packed as the JSON it will be sent as, squeezed to a fifth. So a busy gateway's ten minutes take about
a megabyte, whether or not anybody looks.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator

import msgspec

from .histogram import Counts, count

BIN_S = 5.0
KEPT = 120
"""Bins, so ten minutes."""

OPEN = 13
"""Bins that are not packed: a minute, and the one that has just begun."""

MOST_NAMES = 128
"""Routes, groups and endpoints in a bin, each. Names come from the configuration; beyond, they share one."""

MOST_REASONS = 32
OTHER = "other"

SQUEEZE = 1
"""zlib's fastest: the others gain little on numbers."""


class RouteBin(msgspec.Struct, omit_defaults=True):
    """Calls of one route, as their callers saw them.

    calls: that ended: answered, failed (by reason), cancelled. in_time: answered within the objective.
    by_retry, by_fallback, by_hedge: of those in time, the ones whose answer came from such an attempt.
    refused: failed before anything was sent. attempts, hedges, hedges_won, retries and fallbacks by reason.
    tokens_in, tokens_out: sums. ttft, total: seconds, of answers. prompt, answer: tokens of one call.
    """

    calls: int = 0
    answered: int = 0
    cancelled: int = 0
    in_time: int = 0
    by_retry: int = 0
    by_fallback: int = 0
    by_hedge: int = 0
    refused: int = 0
    attempts: int = 0
    hedges: int = 0
    hedges_won: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    failures: dict[str, int] = {}
    retries: dict[str, int] = {}
    fallbacks: dict[str, int] = {}
    ttft: Counts = {}
    total: Counts = {}
    prompt: Counts = {}
    answer: Counts = {}


class GroupBin(msgspec.Struct, omit_defaults=True):
    """Attempts at the endpoints of one model in one region: seconds, as in `Attempt`."""

    model: str
    region: str
    ttft: Counts = {}
    total: Counts = {}
    tpot: Counts = {}
    gap: Counts = {}


class EndpointBin(msgspec.Struct, omit_defaults=True):
    """Attempts at one endpoint. failures: by reason, timeouts among them. ttft: seconds."""

    attempts: int = 0
    answered: int = 0
    cancelled: int = 0
    failures: dict[str, int] = {}
    ttft: Counts = {}


class Bin(msgspec.Struct, omit_defaults=True):
    """What ended from ``number * BIN_S`` on, up to the next. router: seconds that routing itself took, of a call."""

    number: int
    routes: dict[str, RouteBin] = {}
    groups: dict[str, GroupBin] = {}
    endpoints: dict[str, EndpointBin] = {}
    router: Counts = {}

    def route(self, name: str) -> RouteBin:
        """The counts of a route, begun when first asked for."""
        found = self.routes.get(name)
        if found is None:
            name = name if len(self.routes) < MOST_NAMES else OTHER
            found = self.routes.setdefault(name, RouteBin())
        return found

    def group(self, model: str, region: str) -> GroupBin:
        """The counts of a model in a region, likewise."""
        key = f"{model}\n{region}"
        found = self.groups.get(key)
        if found is None:
            if len(self.groups) >= MOST_NAMES:
                key, model, region = OTHER, OTHER, OTHER
            found = self.groups.setdefault(key, GroupBin(model, region))
        return found

    def endpoint(self, name: str) -> EndpointBin:
        """The counts of an endpoint, likewise."""
        found = self.endpoints.get(name)
        if found is None:
            name = name if len(self.endpoints) < MOST_NAMES else OTHER
            found = self.endpoints.setdefault(name, EndpointBin())
        return found

    def count_router(self, seconds: float) -> None:
        """Count what routing took of one call."""
        count(self.router, seconds)


def count_reason(reasons: dict[str, int], reason: str) -> None:
    """Count one more for a reason; there are never more than a few different ones."""
    if reason not in reasons and len(reasons) >= MOST_REASONS:
        reason = OTHER
    reasons[reason] = reasons.get(reason, 0) + 1


class Bins:
    """A ring of them. Times are seconds on the routers' clock, and do not go back by more than a bin."""

    def __init__(self) -> None:
        self._open: deque[Bin] = deque()
        self._packed: deque[tuple[int, bytes]] = deque()
        self._encode = msgspec.json.Encoder().encode
        self._ends_s = float("-inf")

    def at(self, now_s: float) -> Bin:
        """The bin for what ends now."""
        return self._open[-1] if now_s < self._ends_s else self._turn(now_s)

    def late(self) -> Iterator[Bin]:
        """Those of the last minute, the oldest first."""
        return iter(self._open)

    def newest(self, now_s: float) -> list[Bin]:
        """The one that is filled now, and the one before it, which may have changed since it was last looked at."""
        self.at(now_s)
        return list(self._open)[-2:]

    def past(self, now_s: float) -> bytes:
        """All that is kept, as a JSON array of bins, the oldest first."""
        self.at(now_s)
        pieces = [zlib.decompress(packed) for _, packed in self._packed]
        pieces += [self._encode(bin_) for bin_ in self._open]
        return b"[" + b",".join(pieces) + b"]"

    def _turn(self, now_s: float) -> Bin:
        number = int(now_s // BIN_S)
        while self._open and self._open[0].number <= number - OPEN:
            oldest = self._open.popleft()
            self._packed.append((oldest.number, zlib.compress(self._encode(oldest), SQUEEZE)))
        while self._packed and self._packed[0][0] <= number - KEPT:
            self._packed.popleft()
        begun = Bin(number)
        self._open.append(begun)
        self._ends_s = (number + 1) * BIN_S
        return begun
