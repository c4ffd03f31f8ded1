"""``GET /api/report``: the router's key figures as JSON, for scripts, for ``paceline top``, for a page.

    ?over_s=300     seconds to look back, above 0; default 60. Nothing is known beyond ten minutes.

A report looks at every call of its window, and nothing else runs meanwhile: tens of milliseconds for a busy minute. So
it is not made anew more than once a second, however many ask. The form is in `report_form`.
"""

from __future__ import annotations

import math
import os
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import msgspec
from aiohttp import web
from msgspec.structs import asdict

from ..standing import state_of
from .report_form import FORMAT, EndpointTold, Promise, RouteTold, Told

if TYPE_CHECKING:
    from ...router import Clock, EndpointReport, Report, Route, Router, RouteReport, Target

PATH = "/api/report"
DEFAULT_OVER_S = 60.0
FRESH_S = 1.0
"""Seconds that a report is good for."""


class BadQuery(ValueError):
    """A parameter of the query is none that can be used. The message says which one, and what may stand there."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter


class Serving(Protocol):
    """What is reported on: `gateway.running.Running`, the server's `Front`, or anything that has this."""

    @property
    def router(self) -> Router:
        """The one that serves now."""
        ...


class Reporter:
    """Answers. One for a server, so that those who ask share what is made.

    serving: whose router is reported on. clock: seconds, monotonic; the router's. Default `time.monotonic`.
    """

    def __init__(self, serving: Serving, clock: Clock = time.monotonic) -> None:
        self._serving = serving
        self._clock = clock
        self._made_s = -math.inf
        self._of: tuple[Router, float] | None = None
        self._body = b""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer with the report, or with what is wrong with the query."""
        try:
            over_s = seconds(request.query.get("over_s"))
        except BadQuery as wrong:
            return _refused(wrong)
        return web.Response(
            body=self._report(over_s), content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    def _report(self, over_s: float) -> bytes:
        router, now_s = self._serving.router, self._clock()
        of = (router, over_s)
        if self._of != of or now_s - self._made_s >= FRESH_S:
            self._body = msgspec.json.encode(tell(router, over_s))
            self._of, self._made_s = of, now_s
        return self._body


def routes(serving: Serving, clock: Clock = time.monotonic) -> list[web.RouteDef]:
    """What a server mounts."""
    return [web.get(PATH, Reporter(serving, clock).answer)]


def seconds(text: str | None) -> float:
    """Seconds to look back, as a query gives them.

    Raises:
        BadQuery: they are no number above 0.
    """
    if text is None:
        return DEFAULT_OVER_S
    try:
        over_s = float(text)
    except ValueError:
        over_s = math.nan
    if not 0 < over_s < math.inf:
        raise BadQuery("over_s", "must be a number of seconds above 0, such as 300")
    return over_s


def tell(router: Router, over_s: float = DEFAULT_OVER_S) -> Told:
    """The report of the last *over_s* seconds, and how the endpoints stand."""
    report = router.report(over_s)
    configured = {route.name: route for route in router.fleet.routes}
    return Told(
        format=FORMAT,
        version=version("paceline"),
        pid=os.getpid(),
        window_s=report.until_s - report.from_s,
        routes={name: _route(name, figures, configured.get(name)) for name, figures in report.by_route.items()},
        endpoints=_endpoints(report, router),
    )


def _route(name: str, figures: RouteReport, route: Route | None) -> RouteTold:
    if route is None:
        return RouteTold(**asdict(figures), models=(name,), priority=None, objective=None)
    promised = route.objective
    return RouteTold(
        **asdict(figures),
        models=route.models,
        priority=route.priority.value,
        objective=Promise(ttft_s=promised.ttft_s, total_s=promised.total_s, success=promised.success),
    )


def _endpoints(report: Report, router: Router) -> dict[str, EndpointTold]:
    return {target.name: _endpoint(report.by_endpoint[target.name], target, report.until_s) for target in router.fleet}


def _endpoint(figures: EndpointReport, target: Target, now_s: float) -> EndpointTold:
    state, why, back_in_s = state_of(target, now_s)
    return EndpointTold(
        **asdict(figures),
        provider=target.endpoint.provider.name,
        state=state,
        why=why,
        back_in_s=back_in_s,
        in_flight=target.in_flight,
        waiting=target.slots.waiting,
        slots=target.slots.limit,
    )


def _refused(wrong: BadQuery) -> web.Response:
    told = {"message": str(wrong), "type": "invalid_request_error", "param": wrong.parameter, "code": "invalid_value"}
    return web.Response(status=400, body=msgspec.json.encode({"error": told}), content_type="application/json")
