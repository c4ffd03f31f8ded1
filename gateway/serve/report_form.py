"""What ``GET /api/report`` says, as types: the server fills them in, a client reads them.

    {"format": 1, "version": "0.1.0", "window_s": 60.0,
     "routes": {"chat": {"models": [...], "priority": "ttft", "objective": {"ttft_s": 0.8, ...},
                         "calls": 412, "success": 0.998, "ttft_s": {"samples": 411, "p50": 0.29, ...}, ...}},
     "endpoints": {"east-mini": {"provider": "openai", "state": "in", "in_flight": 3, "slots": 200, ...}}}

The figures are those of `Router.report`, under the same names: seconds end in ``_s``, shares are 0 to 1, and null is
not known. Fields may be added, and a reader passes over those that it does not know. What a name means does not change
under one ``format``.
"""

from __future__ import annotations

import msgspec

from ...router import EndpointReport, RouteReport
from ..standing import State

FORMAT = 1


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What a route promises (`Objective`). Seconds and a share; None: not promised."""

    ttft_s: float | None
    total_s: float | None
    success: float


class RouteTold(RouteReport, frozen=True, kw_only=True):
    """A route: what its calls came to, and what was to come of them.

    models: in order of preference. priority: what "fast" means. objective: what is promised. The last two are None for
        a model that was asked for by its own name.
    """

    models: tuple[str, ...]
    priority: str | None
    objective: Promise | None


class EndpointTold(EndpointReport, frozen=True, kw_only=True):
    """An endpoint: what attempts there came to, and how it stands at this moment.

    state: whether calls go there. why: it is not simply in, in words. back_in_s: seconds until it may be tried again.
    in_flight, waiting: calls. slots: in all; None: no limit.
    """

    provider: str
    state: State
    why: str | None
    back_in_s: float | None
    in_flight: int
    waiting: int
    slots: int | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. It is of one process: each worker of a gateway tells of its own calls.

    format: of this. version: of Paceline. pid: of the process. window_s: seconds that the figures look back on.
    """

    format: int
    version: str
    pid: int
    window_s: float
    routes: dict[str, RouteTold]
    endpoints: dict[str, EndpointTold]


class NotAReport(ValueError):
    """What was read is no report, or one of another format. The message says where it differs."""


_decoder = msgspec.json.Decoder(Told)


def read(body: bytes) -> Told:
    """A report as it came over the wire.

    Raises:
        NotAReport: it is none, or not of this format.
    """
    try:
        told = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise NotAReport(f"this is no report of a Paceline gateway: {fault}") from None
    if told.format != FORMAT:
        raise NotAReport(f"the gateway reports in format {told.format}, and format {FORMAT} is read: use its version")
    return told
