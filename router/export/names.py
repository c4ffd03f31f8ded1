"""Every name, unit, label and bucket boundary that is exported. Both exporters read them here and nowhere else.

``gen_ai.*`` is OpenTelemetry's: its client metrics, once an attempt. All of them are still in development there, so
they may change. Two kinds are left out: ``gen_ai.server.*`` describes the model's server, which is not ours to report,
and ``time_per_output_chunk`` needs the time of every chunk, which nobody keeps. ``paceline.*`` is what no convention
has: routes, tries, slots, and the first token as a person sees it.

Prometheus' names follow from OpenTelemetry's by its published rules (`Metric.prometheus`).

Source: OpenTelemetry semantic conventions 1.41, generative AI; Prometheus naming practices.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ..operation import Operation

if TYPE_CHECKING:
    from ..route import Route

SCOPE = "paceline"
"""Instrumentation scope of all of it."""

# -- labels of the conventions, which are also attributes of spans

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
CLOUD_REGION = "cloud.region"
ERROR_TYPE = "error.type"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  a token of text, no secret

OPERATIONS = {
    Operation.CHAT: "chat",
    Operation.COMPLETION: "text_completion",
    Operation.EMBEDDING: "embeddings",
}
"""What the conventions call them."""

# -- further attributes of spans: of the conventions, then our own

REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_NUMBERS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "n": "gen_ai.request.choice.count",
    "seed": "gen_ai.request.seed",
}
"""Parameters of a request that are numbers. Those that are text are the client's own words, and stay here."""
FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"

ROUTE = "paceline.route"
ENDPOINT = "paceline.endpoint"
OUTCOME = "paceline.outcome"
REASON = "paceline.reason"
BUDGET = "paceline.budget"
TTFT = "paceline.ttft"
SLOT_WAITED = "paceline.slot.wait"
NUMBER = "paceline.attempt.number"
TRIES = "paceline.attempts"
RETRIED = "paceline.retries"
FELL_BACK = "paceline.fallbacks"

# -- labels of the metrics

CLIENT = (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT, CLOUD_REGION, ERROR_TYPE)

# -- boundaries

DURATION_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""As the conventions recommend."""
LONG_S = (*DURATION_S, 120.0)
"""The same, up to where people stop waiting."""
FIRST_TOKEN_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0, 120.0,
)  # fmt: skip
"""As the conventions recommend for servers, which end at 10 s: too early for models that reason first."""
TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
"""As the conventions recommend for servers, which begin at 10 ms: too late for the fastest of today."""
TOKENS = tuple(float(4**power) for power in range(14))
"""As the conventions recommend: 1 to 67,108,864."""


class Kind(enum.Enum):
    """What a metric's numbers mean."""

    COUNTER = "counter"
    """Only grows."""
    GAUGE = "gauge"
    """Is what it is when it is read."""
    HISTOGRAM = "histogram"


@attrs.frozen(kw_only=True, eq=False)
class Metric:
    """One metric.

    name: OpenTelemetry's. unit: in UCUM: ``s``, ``1`` for a share, or a noun in braces. about: for people.
    labels: their keys, in the order their values are given in. boundaries: of a histogram's buckets, rising.
    """

    name: str
    kind: Kind
    unit: str
    about: str
    labels: tuple[str, ...]
    boundaries: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus: dots become underscores, and what it counts and in which unit become suffixes."""
        name = self.name.replace(".", "_")
        if self.unit == "s":
            name += "_seconds"
        if self.unit == "1" and self.kind is Kind.GAUGE:
            name += "_ratio"
        return name + "_total" if self.kind is Kind.COUNTER else name


def label_in_prometheus(label: str) -> str:
    """A label's key in Prometheus."""
    return label.replace(".", "_")


def boundaries(metric: Metric, routes: Sequence[Route]) -> tuple[float, ...]:
    """The metric's bucket boundaries, with one at each route's objective: attainment is then counted, not guessed."""
    if metric is ROUTE_DURATION:
        promised = {route.objective.total_s for route in routes}
    elif metric is ROUTE_TTFT:
        promised = {route.objective.ttft_s for route in routes}
    else:
        return metric.boundaries
    return tuple(sorted({*metric.boundaries, *(limit_s for limit_s in promised if limit_s is not None)}))


def _seconds(name: str, about: str, labels: tuple[str, ...], boundaries_s: tuple[float, ...] = LONG_S) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, unit="s", about=about, labels=labels, boundaries=boundaries_s)


def _counter(name: str, unit: str, about: str, labels: tuple[str, ...]) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, unit=unit, about=about, labels=labels)


def _gauge(name: str, unit: str, about: str, labels: tuple[str, ...]) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, about=about, labels=labels)


# -- once an attempt, under OpenTelemetry's names

CLIENT_DURATION = _seconds(
    "gen_ai.client.operation.duration", "One attempt at one endpoint, from sending to its end.", CLIENT, DURATION_S
)
CLIENT_FIRST_CHUNK = _seconds(
    "gen_ai.client.operation.time_to_first_chunk", "From sending to the first event of a stream.", CLIENT, DURATION_S
)
CLIENT_TOKENS = Metric(
    name="gen_ai.client.token.usage",
    kind=Kind.HISTOGRAM,
    unit="{token}",
    about="Tokens of one attempt, as the vendor bills them.",
    labels=(*CLIENT, TOKEN_TYPE),
    boundaries=TOKENS,
)

# -- once an attempt, under our own

_WHO = ("provider", "model", "region")
_TRY = (*_WHO, "outcome")

ATTEMPT_SERVICE = _seconds("paceline.attempt.service", "One attempt, from sending to its end.", _TRY)
ATTEMPT_TTFT = _seconds(
    "paceline.attempt.ttft", "From sending to the first text, reasoning, refusal or tool call.", _TRY, FIRST_TOKEN_S
)
ATTEMPT_TPOT = _seconds("paceline.attempt.tpot", "Per output token after the first.", _TRY, TOKEN_S)
ATTEMPT_GAP = _seconds("paceline.attempt.longest_gap", "The longest silence of an answer once it had begun.", _TRY)
ATTEMPT_CONNECT = _seconds("paceline.attempt.connect", "Opening a connection, where none was to be had.", _TRY)
ATTEMPT_TIMEOUTS = _counter(
    "paceline.attempt.timeouts", "{attempt}", "Attempts cut off, by the limit that passed.", (*_WHO, "reason")
)
KEEPALIVES = _counter(
    "paceline.stream.keepalives", "{event}", "Keep-alives before the first progress: queueing at the vendor.", _WHO
)
SLOT_WAIT = _seconds("paceline.slot.wait", "What an attempt waited for its slot.", ("endpoint",))

# -- once a call

_WHY = ("route", "reason")

ROUTE_DURATION = _seconds("paceline.route.duration", "One call, as its caller saw it.", ("route", "model", "outcome"))
ROUTE_TTFT = _seconds(
    "paceline.route.ttft",
    "From a call's arrival to its first progress, as its caller saw it.",
    ("route", "model", "outcome"),
    FIRST_TOKEN_S,
)
CALLS = _counter("paceline.calls", "{call}", "Calls that have ended.", ("route", "outcome", "reason"))
CALLS_IN_TIME = _counter("paceline.calls_in_time", "{call}", "Calls answered within the route's objective.", ("route",))
ATTEMPTS = _counter("paceline.attempts", "{attempt}", "Tries at endpoints.", ("route", "outcome", "reason"))
RETRIES = _counter("paceline.retries", "{retry}", "Tries after the first, by what had failed.", _WHY)
FALLBACKS = _counter("paceline.fallbacks", "{fallback}", "Models left for the next one of the route.", _WHY)
REFUSALS = _counter("paceline.refusals", "{call}", "Calls that failed before anything was sent.", _WHY)
DISCARDED = _counter("paceline.tokens.discarded", "{token}", "Tokens billed for what was no answer.", _WHY)

# -- read from the fleet when somebody collects

_ENDPOINT = ("endpoint", *_WHO)

SLOT_INFLIGHT = _gauge("paceline.slot.inflight", "{call}", "Calls in flight.", _ENDPOINT)
SLOT_LIMIT = _gauge("paceline.slot.limit", "{slot}", "Slots there are.", _ENDPOINT)
SLOT_QUEUE = _gauge("paceline.slot.queue_depth", "{call}", "Calls that wait for a slot.", _ENDPOINT)
SLOT_LOAD = _gauge("paceline.slot.load", "1", "Share of the slots in use.", _ENDPOINT)
STATS_SAMPLES = _gauge(
    "paceline.stats.samples", "{sample}", "Latencies in the window, seen to their end.", (*_ENDPOINT, "metric")
)
STATS_CENSORED = _gauge(
    "paceline.stats.censored", "{sample}", "Latencies in the window, cut off.", (*_ENDPOINT, "metric")
)
STATS_AGE = _gauge(
    "paceline.stats.age", "s", "Since the last latency: what is old says little.", (*_ENDPOINT, "metric")
)
EXPECTED_TTFT = _gauge("paceline.endpoint.expected_ttft", "s", "To the first token, as routing believes.", _ENDPOINT)
FAILING = _gauge("paceline.endpoint.failing", "1", "Share of the last few calls that failed.", _ENDPOINT)

METRICS = (
    CLIENT_DURATION, CLIENT_FIRST_CHUNK, CLIENT_TOKENS,
    ATTEMPT_SERVICE, ATTEMPT_TTFT, ATTEMPT_TPOT, ATTEMPT_GAP, ATTEMPT_CONNECT, ATTEMPT_TIMEOUTS, KEEPALIVES, SLOT_WAIT,
    ROUTE_DURATION, ROUTE_TTFT, CALLS, CALLS_IN_TIME, ATTEMPTS, RETRIES, FALLBACKS, REFUSALS, DISCARDED,
    SLOT_INFLIGHT, SLOT_LIMIT, SLOT_QUEUE, SLOT_LOAD, STATS_SAMPLES, STATS_CENSORED, STATS_AGE, EXPECTED_TTFT, FAILING,
)  # fmt: skip
"""All of them, in the order they are told in."""
