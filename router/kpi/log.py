"""Rows of one kind, kept for a while: a ring of periods, none of which can outgrow its bound.

A row is kept as msgpack: a quarter of the time of appending to a column for each of its fields, half the memory of the
object, nothing for the garbage collector to walk through, and read again faster than it could be put together. It is
packed by whoever knows how (`account`), so a log knows only when a row ended.

A period keeps a bounded number of rows. Beyond that a uniform sample of them stays, and those left out are counted
before they go: counts and sums stay exact, and percentiles become those of the sample, in which each row has a weight,
the number of rows that it stands for.

Source: Vitter, "Random sampling with a reservoir" (1985), algorithm R.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeAlias, TypeVar

import attrs
import msgspec

from .. import check


class Row(Protocol):
    """What a log can keep."""

    @property
    def ended_s(self) -> float:
        """When what it tells of ended, on the router's clock."""
        ...


RowT = TypeVar("RowT", bound=Row)
CountsT = TypeVar("CountsT")
TotalsT = TypeVar("TotalsT")

Weighed: TypeAlias = tuple[list[RowT], float]
"""Rows of one period, and how many each of them stands for."""


@attrs.frozen(kw_only=True)
class HistoryShape:
    """How much of the past a `History` keeps.

    period_s: seconds a period spans, above 0. Default 10.
    periods: how many are kept, at least 1. Default 60, so ten minutes.
    rows: kept in a period of each route, and of each endpoint, at least 1; beyond, a sample of so many. Default 1,000.
        A row takes about 0.25 kB: a route with 100 calls a second or more takes 16 MB, one with 1 a second 0.2 MB.
    """

    period_s: float = attrs.field(default=10.0, validator=check.positive)
    periods: int = attrs.field(default=60, validator=check.count(1))
    rows: int = attrs.field(default=1000, validator=check.count(1))

    def number(self, at_s: float) -> int:
        """Of the period that an instant lies in; its end belongs to it, its beginning to the one before."""
        return math.ceil(at_s / self.period_s) - 1

    def oldest_s(self, now_s: float) -> float:
        """Where what is kept at *now_s* begins."""
        return (self.number(now_s) - self.periods + 1) * self.period_s


@attrs.frozen(kw_only=True)
class Kind(Generic[RowT, CountsT, TotalsT]):
    """What a log keeps, and how it counts what it cannot keep.

    row: a struct of msgspec. totals: makes empty totals. count: takes a row, or its counts alone, into totals.
    add: takes totals into totals.
    """

    row: type[RowT]
    totals: Callable[[], TotalsT]
    count: Callable[[TotalsT, RowT | CountsT], None]
    add: Callable[[TotalsT, TotalsT], None]


class _Period(Generic[TotalsT]):
    """What ended after ``begins_s`` and up to ``ends_s``: the rows kept, packed, and how many more there were."""

    __slots__ = ("begins_s", "ends_s", "left_out", "number", "rows", "totals")

    def __init__(self, number: int, period_s: float, totals: TotalsT) -> None:
        self.number = number
        self.begins_s = number * period_s
        self.ends_s = (number + 1) * period_s
        self.rows: list[bytes] = []
        self.left_out = 0
        self.totals = totals
        """In which those left out are counted."""


class Log(Generic[RowT, CountsT, TotalsT]):
    """The rows of one route, or of one endpoint.

    kind: what they are. shape: its bounds. dice: draw the sample.
    """

    __slots__ = ("_decode", "_dice", "_ends_s", "_kind", "_most", "_periods", "_shape")

    def __init__(self, kind: Kind[RowT, CountsT, TotalsT], shape: HistoryShape, dice: random.Random) -> None:
        self._kind = kind
        self._shape = shape
        self._most = shape.rows
        self._decode = msgspec.msgpack.Decoder(kind.row).decode
        self._dice = dice
        self._periods: deque[_Period[TotalsT]] = deque()
        self._ends_s = -math.inf

    def append(self, ended_s: float, row: bytes) -> None:
        """Keep a packed row, or let chance decide whether. Rows come in the order of their ends."""
        place = self.place(ended_s)
        if place is None:
            self.leave_out(self._decode(row))
        else:
            self.put(place, row)

    def place(self, ended_s: float) -> int | None:
        """Where the row of what ended then is to be put; None: chance leaves it out, so it need not be packed.

        To be followed by `put` or `leave_out`.
        """
        if ended_s > self._ends_s:
            self._turn(ended_s)
        period = self._periods[-1]
        kept = len(period.rows)
        if kept < self._most:
            return kept
        period.left_out += 1
        place = int(self._dice.random() * (kept + period.left_out))
        return place if place < kept else None

    def put(self, place: int, row: bytes) -> None:
        """Keep a packed row there. What it takes the place of is counted."""
        period = self._periods[-1]
        if place == len(period.rows):
            period.rows.append(row)
        else:
            period.rows[place], row = row, period.rows[place]
            self.leave_out(self._decode(row))

    def leave_out(self, row: RowT | CountsT) -> None:
        """Count what is not kept."""
        self._kind.count(self._periods[-1].totals, row)

    def _turn(self, now_s: float) -> None:
        """Begin the period that *now_s* lies in, and let those go that are too old."""
        number = self._shape.number(now_s)
        if self._periods:
            number = max(number, self._periods[-1].number + 1)
        while self._periods and self._periods[0].number <= number - self._shape.periods:
            self._periods.popleft()
        self._periods.append(_Period(number, self._shape.period_s, self._kind.totals()))
        self._ends_s = self._periods[-1].ends_s

    def rows(self, from_s: float, until_s: float) -> list[RowT]:
        """Those kept that ended after *from_s* and up to *until_s*; within a period that was sampled, in no order."""
        return [row for _, rows in self._within(from_s, until_s) for row in rows]

    def weighed(self, from_s: float, until_s: float) -> tuple[list[Weighed[RowT]], TotalsT]:
        """The same by period, and the totals of all: exact if *from_s* is what `whole_from` gives."""
        weighed: list[Weighed[RowT]] = []
        totals = self._kind.totals()
        count = self._kind.count
        for period, rows in self._within(from_s, until_s):
            weighed.append((rows, 1.0 + period.left_out / len(period.rows)))
            for row in rows:
                count(totals, row)
            self._kind.add(totals, period.totals)
        return weighed, totals

    def whole_from(self, from_s: float) -> float:
        """*from_s*, or the beginning of the period it lies in, if of that one only a sample is kept."""
        for period in self._periods:
            if period.begins_s < from_s < period.ends_s and period.left_out:
                return period.begins_s
        return from_s

    def _within(self, from_s: float, until_s: float) -> Iterator[tuple[_Period[TotalsT], list[RowT]]]:
        """Each period that overlaps with the time asked for, and its rows of that time."""
        decode = self._decode
        for period in self._periods:
            if period.ends_s <= from_s or period.begins_s >= until_s:
                continue
            rows = [decode(packed) for packed in period.rows]
            if from_s > period.begins_s or until_s < period.ends_s:
                rows = [row for row in rows if from_s < row.ended_s <= until_s]
            yield period, rows
