"""Counts and sums that are exact however many rows were kept.

Percentiles need the values themselves, and those are kept within bounds; what can be added up is added up. Rows that a
`Log` leaves out go through here before they are lost, and rows that it kept go through here when somebody asks.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from ..events import CallOutcome
from ..ledger import Outcome
from ..statistics.size_class import size_class
from .account import UNTOLD, cost
from .counts import AttemptCounts, CallCounts
from .row import AttemptRow, CallRow

if TYPE_CHECKING:
    from ..chunk import Usage
    from ..endpoint import Endpoint

Group: TypeAlias = tuple[int, int | None]
"""Calls that can be compared: the class of the prompt's size, and that of the answer's cap; None: no cap."""


def group_of(row: CallRow | CallCounts) -> Group:
    """The group a call belongs to."""
    return row.size, None if row.cap is None else size_class(row.cap)


def share(part: int, whole: int) -> float | None:
    """*part* of *whole*; None of nothing."""
    return part / whole if whole else None


class Tally:
    """What is counted of calls and of attempts alike."""

    __slots__ = (
        "answered", "cancelled", "cost", "failures", "input_tokens", "output_tokens", "priced", "timeouts"
    )  # fmt: skip

    def __init__(self) -> None:
        self.answered: int = 0
        self.cancelled: int = 0
        self.timeouts: int = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.priced = 0
        self.cost = 0.0
        self.failures: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        """Those that failed."""
        return self.failures.total()

    @property
    def ended(self) -> int:
        """All, however they ended."""
        return self.answered + self.failed + self.cancelled

    def count_tokens(self, input_tokens: int | None, output_tokens: int | None, cost: float | None) -> None:
        """Tokens, and money, of one more."""
        if input_tokens:
            self.input_tokens += input_tokens
        if output_tokens:
            self.output_tokens += output_tokens
        if cost is not None:
            self.priced += 1
            self.cost += cost

    def count_usage(self, endpoint: Endpoint, usage: Usage, prompt_tokens: int = 0) -> None:
        """The same, as a vendor told it. prompt_tokens: what stands for the tokens in where it did not tell them."""
        tokens_in = prompt_tokens if usage.input_tokens is None else usage.input_tokens
        self.count_tokens(tokens_in, usage.output_tokens, cost(endpoint, usage))

    def _add(self, other: Tally) -> None:
        self.answered += other.answered
        self.cancelled += other.cancelled
        self.timeouts += other.timeouts
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.priced += other.priced
        self.cost += other.cost
        self.failures.update(other.failures)


class CallTally(Tally):
    """Calls of one group, or of several."""

    __slots__ = ("attempts", "fallbacks", "hedges", "in_time", "retried_from", "retries")

    def __init__(self) -> None:
        super().__init__()
        self.in_time = 0
        self.attempts = 0
        self.fallbacks = 0
        self.hedges = 0
        self.retries: Counter[str] = Counter()
        self.retried_from: Counter[tuple[str | None, str]] = Counter()
        """Retries by the endpoint that made them necessary, and the reason."""

    def count(self, row: CallRow | CallCounts) -> None:
        """One more call."""
        if row.outcome is CallOutcome.ANSWERED:
            self.answered += 1
            self.in_time += row.in_time
        elif row.outcome is CallOutcome.CANCELLED:
            self.cancelled += 1
        else:
            self.failures[row.reason or UNTOLD] += 1
        self.attempts += row.attempts
        self.timeouts += row.timeouts
        self.fallbacks += row.fallbacks
        self.hedges += row.hedges
        self.count_tokens(row.input_tokens, row.output_tokens, row.cost)
        if row.retries:
            self.retries.update(row.retries)
            self.retried_from.update(zip(row.retried_from, row.retries, strict=False))

    def add(self, other: CallTally) -> None:
        """All that *other* has counted."""
        self._add(other)
        self.in_time += other.in_time
        self.attempts += other.attempts
        self.fallbacks += other.fallbacks
        self.hedges += other.hedges
        self.retries.update(other.retries)
        self.retried_from.update(other.retried_from)


class GroupTallies:
    """Calls by their group."""

    __slots__ = ("by_group",)

    def __init__(self) -> None:
        self.by_group: dict[Group, CallTally] = {}

    def count(self, row: CallRow | CallCounts) -> None:
        """One more call."""
        self.of(group_of(row)).count(row)

    def of(self, group: Group) -> CallTally:
        """Those of one group."""
        tally = self.by_group.get(group)
        if tally is None:
            tally = self.by_group[group] = CallTally()
        return tally

    def add(self, other: GroupTallies) -> None:
        """All that *other* has counted."""
        for group, tally in other.by_group.items():
            self.by_group.setdefault(group, CallTally()).add(tally)

    @property
    def all(self) -> CallTally:
        """All groups together."""
        together = CallTally()
        for tally in self.by_group.values():
            together.add(tally)
        return together


class AttemptTally(Tally):
    """Attempts at one endpoint."""

    __slots__ = ()

    def count(self, row: AttemptRow | AttemptCounts) -> None:
        """One more attempt."""
        if row.outcome is Outcome.OK:
            self.answered += 1
        elif row.outcome is Outcome.CANCELLED:
            self.cancelled += 1
        else:
            self.failures[row.reason or UNTOLD] += 1
            self.timeouts += row.outcome is Outcome.TIMED_OUT
        self.count_tokens(row.input_tokens, row.output_tokens, row.cost)

    def add(self, other: AttemptTally) -> None:
        """All that *other* has counted."""
        self._add(other)
