"""One request of a client, from its arrival to its line in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from ..dialects.refused import Refused
from .call_log import Line
from .told import OF_JSON, own_s, speaker, story
from .wishes import retries_so_far

if TYPE_CHECKING:
    from aiohttp import web

    from ...router import Call
    from ...router.errors import PacelineError
    from .front import Front

ANSWERED, FAILED, REFUSED, LEFT, SLOW = "answered", "failed", "refused", "left", "slow"
"""How it ended, as in `Line`."""


class Visit:
    """What is known of it, for headers and log.

    id: of the request. call: once it was admitted; None before. outcome: how it ended, and reason why, if it failed.
    status: of HTTP, None where none was sent. streamed, bytes_in, bytes_out: as in `Line`.
    """

    __slots__ = (
        "_api", "_began_s", "_front", "_headers", "_id_header", "bytes_in", "bytes_out", "call", "id", "outcome",
        "reason", "status", "streamed",
    )  # fmt: skip

    def __init__(self, front: Front, http: web.BaseRequest, api: str, id_header: str) -> None:
        self._front = front
        self._began_s = front.clock()
        self._headers = http.headers
        self._api = api
        self._id_header = id_header
        self.id = front.id_of(http.headers)
        self.call: Call | None = None
        self.outcome = ""
        self.reason: str | None = None
        self.status: int | None = None
        self.streamed = False
        self.bytes_in = self.bytes_out = 0

    def failed(self, error: PacelineError) -> None:
        """It ends in an error."""
        self.outcome = FAILED if self.call is not None else REFUSED
        self.reason = error.code if isinstance(error, Refused) else error.reason

    def headers(self, *, streamed: bool) -> CIMultiDict[str]:
        """Those of its answer: its id, and what can be told of it by now. *streamed*: as a stream, and not as JSON."""
        if self.call is None:
            told = CIMultiDict(OF_JSON)
        else:
            told = story(self.call, self._began_s, self._front.clock(), streamed=streamed)
        told["x-request-id"] = told[self._id_header] = self.id
        return told

    def end(self) -> None:
        """It is over: count it, and write it down."""
        front, call = self._front, self.call
        now_s = front.clock()
        own = None if call is None else own_s(call, self._began_s, now_s)
        front.tally.ended(self._api, self.outcome, self.status, own)
        if front.log.is_kept:
            front.log.add(self._line(call, own, now_s))

    def _line(self, call: Call | None, own: float | None, now_s: float) -> Line:
        line = Line(
            at=datetime.now(UTC),
            id=self.id,
            api=self._api,
            client_retries=retries_so_far(self._headers),
            streamed=self.streamed,
            outcome=self.outcome,
            reason=self.reason,
            status=self.status,
            total_ms=_ms(now_s - self._began_s),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
        )
        if call is None:
            return line
        ledger = call.ledger
        line.gateway_ms = None if own is None else _ms(own)
        line.route = call.route.name
        line.attempts, line.hedges = len(ledger.attempts), ledger.hedges
        line.fallbacks, line.retries = len(ledger.models_left), tuple(ledger.retries)
        attempt = speaker(call)
        if attempt is None:
            return line
        endpoint, usage = attempt.endpoint, attempt.usage
        line.endpoint, line.model = endpoint.name, endpoint.model
        line.region = attempt.served_region or endpoint.region
        spoke_s = ledger.spoke_s(attempt) if self.streamed else None
        if spoke_s is not None:
            line.ttft_ms = _ms(spoke_s - self._began_s)
        if usage is not None:
            line.input_tokens, line.output_tokens = usage.input_tokens, usage.output_tokens
            line.cached_tokens = usage.cached_tokens
        return line


def _ms(seconds: float) -> float:
    """To the microsecond. `round` takes seven times as long, three times a call."""
    return int(seconds * 1e6 + 0.5) / 1000
