"""The series that an endpoint's attempts and a route's calls are counted in, kept at hand.

A series is found in its book by a tuple of up to nine labels. To do so a dozen times a call would cost more than all
the counting, so an account asks once for each way that things can end, and keeps what it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import names
from .book import Book, Series
from .endings import Ending, error_type, reason_of
from .labels import Labels, Versions, Words, server, vendor

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..endpoint import Endpoint
    from ..events import CallOutcome
    from ..ledger import Outcome
    from ..operation import Operation


class AttemptSeries:
    """Of attempts at one endpoint that ended alike. Each field is the `add` of a series."""

    __slots__ = ("connect", "duration", "first_chunk", "gap", "input", "output", "service", "tpot", "ttft")

    def __init__(self, book: Book[Series], who: Labels, outcome: Outcome, client: Labels) -> None:
        tried = (*who, outcome.value)
        self.duration = book.series(names.CLIENT_DURATION, client).add
        self.first_chunk = book.series(names.CLIENT_FIRST_CHUNK, client).add
        self.input = book.series(names.CLIENT_TOKENS, (*client, "input")).add
        self.output = book.series(names.CLIENT_TOKENS, (*client, "output")).add
        self.service = book.series(names.ATTEMPT_SERVICE, tried).add
        self.ttft = book.series(names.ATTEMPT_TTFT, tried).add
        self.tpot = book.series(names.ATTEMPT_TPOT, tried).add
        self.gap = book.series(names.ATTEMPT_GAP, tried).add
        self.connect = book.series(names.ATTEMPT_CONNECT, tried).add


class CallSeries:
    """Of a route's calls that were answered by one model, or failed there, alike. Fields as in `AttemptSeries`."""

    __slots__ = ("duration", "ttft")

    def __init__(self, book: Book[Series], labels: Labels) -> None:
        self.duration = book.series(names.ROUTE_DURATION, labels).add
        self.ttft = book.series(names.ROUTE_TTFT, labels).add


class EndpointAccount:
    """What is told of one endpoint.

    who: provider, model and region. vendor, address, port: as the conventions want them. versions: of its model.
    slot_wait: the `add` of that series.
    """

    __slots__ = (
        "_book", "_errors", "_series",
        "address", "endpoint", "port", "slot_wait", "vendor", "versions", "who",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint, book: Book[Series], errors: Words) -> None:
        self._book = book
        self._errors = errors
        self._series: dict[tuple[Ending, str | None, Operation], AttemptSeries] = {}
        self.endpoint = endpoint
        self.who: Labels = (endpoint.provider.name, endpoint.model, endpoint.region)
        self.vendor = vendor(endpoint.provider.name)
        self.address, self.port = server(endpoint.url)
        self.versions = Versions(endpoint)
        self.slot_wait = book.series(names.SLOT_WAIT, (endpoint.name,)).add

    def attempts(self, ending: Ending, served: str | None, operation: Operation) -> AttemptSeries:
        """The series of attempts at an operation that ended so, with the model *served* under this name."""
        series = self._series.get((ending, served, operation))
        if series is None:
            kind = error_type(ending)
            client = (
                names.OPERATIONS[operation], self.vendor, self.endpoint.model, served, self.address, self.port,
                self.endpoint.region, None if kind is None else self._errors.word(kind),
            )  # fmt: skip
            series = self._series[ending, served, operation] = AttemptSeries(self._book, self.who, ending[0], client)
        return series


class RouteAccount:
    """What is told of one route. in_time: the `add` of that series."""

    __slots__ = ("_attempts", "_book", "_calls", "_ended", "_name", "_reasons", "in_time")

    def __init__(self, name: str, book: Book[Series], reasons: Words) -> None:
        self._name = name
        self._book = book
        self._reasons = reasons
        self._attempts: dict[Ending, Callable[[float], None]] = {}
        self._calls: dict[tuple[str | None, CallOutcome], CallSeries] = {}
        self._ended: dict[tuple[CallOutcome, str | None], Callable[[float], None]] = {}
        self.in_time = book.series(names.CALLS_IN_TIME, (name,)).add

    def calls(self, model: str | None, outcome: CallOutcome) -> CallSeries:
        """The series of calls that *model* answered, or failed last; None: no model was asked."""
        series = self._calls.get((model, outcome))
        if series is None:
            series = self._calls[model, outcome] = CallSeries(self._book, (self._name, model, outcome.value))
        return series

    def count_attempt(self, ending: Ending) -> None:
        """One more attempt that ended so."""
        count = self._attempts.get(ending)
        if count is None:
            labels = (self._name, ending[0].value, self._reasons.word(reason_of(ending)))
            count = self._attempts[ending] = self._book.series(names.ATTEMPTS, labels).add
        count(1)

    def count_call(self, outcome: CallOutcome, reason: str | None) -> None:
        """One more call that ended so."""
        reason = self._reasons.word(reason)
        count = self._ended.get((outcome, reason))
        if count is None:
            labels = (self._name, outcome.value, reason)
            count = self._ended[outcome, reason] = self._book.series(names.CALLS, labels).add
        count(1)
