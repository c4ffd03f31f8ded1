"""What a person can change while looking: the order of the endpoints, and whether the picture stands still."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import attrs

from .snapshot import EndpointSeen


class Sort(enum.StrEnum):
    """Order of the endpoints."""

    CONFIGURED = "as configured"
    TTFT = "slowest first"
    LOAD = "fullest first"
    ERRORS = "most errors first"

    @property
    def next(self) -> Sort:
        """The one after it; after the last, the first."""
        every = list(Sort)
        return every[(every.index(self) + 1) % len(every)]


def _slowness(endpoint: EndpointSeen) -> float:
    return -(endpoint.ttft.p95 or 0.0)


KEYS: dict[Sort, Callable[[EndpointSeen], float]] = {
    Sort.TTFT: _slowness,
    Sort.LOAD: lambda endpoint: -endpoint.load,
    Sort.ERRORS: lambda endpoint: -endpoint.failed,
}


def ordered(endpoints: Sequence[EndpointSeen], sort: Sort) -> list[EndpointSeen]:
    """Those alike stay in the order of the configuration."""
    return sorted(endpoints, key=KEYS[sort]) if sort in KEYS else list(endpoints)


@attrs.define
class Choices:
    """As they stand. *quit*: enough seen."""

    sort: Sort = Sort.CONFIGURED
    paused: bool = False
    quit: bool = False

    def press(self, key: str) -> None:
        """Take one key; others than those of the footer do nothing."""
        if key in {"q", "Q", "\x1b"}:
            self.quit = True
        elif key in {"s", "S"}:
            self.sort = self.sort.next
        elif key in {"p", "P", " "}:
            self.paused = not self.paused
