"""One request of a client, from its arrival to its line in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..dialects.refused import Refused
from .call_log import Line
from .told import own_s, speaker, story
from .wishes import retries_so_far

if TYPE_CHECKING:
    from aiohttp import web

    from ...router import Call
    from ...router.errors import PacelineError
    from .front import Front


class Visit:
    """What is known of it, for headers and log.

    call: once it was admitted; None before. line: of the log.
    """

    __slots__ = ("_began_s", "_front", "_id_header", "call", "line")

    def __init__(self, front: Front, http: web.BaseRequest, path: str, id_header: str) -> None:
        self._front = front
        self._began_s = front.clock()
        self._id_header = id_header
        self.call: Call | None = None
        headers = http.headers
        self.line = Line(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            id=front.id_of(headers),
            api=path,
            client_retries=retries_so_far(headers),
        )

    def took(self, body: bytes) -> bytes:
        """Its body has come."""
        self.line.bytes_in = len(body)
        return body

    def admitted(self, call: Call, *, streamed: bool) -> Call:
        """It is a call now."""
        self.call = call
        self.line.streamed = streamed
        return call

    def failed(self, error: PacelineError) -> None:
        """It ends in an error."""
        line = self.line
        line.outcome = "failed" if self.call is not None else "refused"
        line.reason = error.code if isinstance(error, Refused) else error.reason

    def headers(self) -> dict[str, str]:
        """Its id, and what can be told of it by now."""
        told = {"x-request-id": self.line.id, self._id_header: self.line.id}
        if self.call is not None:
            told |= story(self.call, self._began_s, self._front.clock())
        return told

    def end(self) -> None:
        """It is over: count it, and write it down."""
        front, line, call = self._front, self.line, self.call
        now_s = front.clock()
        own: float | None = None
        line.total_ms = _ms(now_s - self._began_s)
        if call is not None:
            own = own_s(call, self._began_s, now_s)
            line.gateway_ms = _ms(own)
            self._tell(call)
        front.tally.ended(line.api, line.outcome, line.status, own)
        front.log.add(line)

    def _tell(self, call: Call) -> None:
        line, ledger = self.line, call.ledger
        line.route = call.route.name
        line.attempts, line.hedges = len(ledger.attempts), ledger.hedges
        line.fallbacks, line.retries = len(ledger.models_left), tuple(ledger.retries)
        attempt = speaker(call)
        if attempt is None:
            return
        endpoint, usage = attempt.endpoint, attempt.usage
        line.endpoint, line.model = endpoint.name, endpoint.model
        line.region = attempt.served_region or endpoint.region
        spoke_s = ledger.spoke_s(attempt)
        if spoke_s is not None and line.streamed:
            line.ttft_ms = _ms(spoke_s - self._began_s)
        if usage is not None:
            line.input_tokens, line.output_tokens = usage.input_tokens, usage.output_tokens
            line.cached_tokens = usage.cached_tokens


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
