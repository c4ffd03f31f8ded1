"""Every name, unit, label and boundary that is exported, in full: a change of one is a line here."""

import re

import pytest

from paceline.router import Objective, Route
from paceline.router.export import names
from paceline.router.export.names import METRICS, Kind, Metric, boundaries

CLIENT = (
    "gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.response.model server.address server.port "
    "cloud.region error.type"
)
TRY = "provider model region outcome"
ENDPOINT = "endpoint provider model region"

PUBLISHED = [
    ("gen_ai.client.operation.duration", "s", "gen_ai_client_operation_duration_seconds", CLIENT),
    (
        "gen_ai.client.operation.time_to_first_chunk",
        "s",
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        CLIENT,
    ),
    ("gen_ai.client.token.usage", "{token}", "gen_ai_client_token_usage", f"{CLIENT} gen_ai.token.type"),
    ("paceline.attempt.service", "s", "paceline_attempt_service_seconds", TRY),
    ("paceline.attempt.ttft", "s", "paceline_attempt_ttft_seconds", TRY),
    ("paceline.attempt.tpot", "s", "paceline_attempt_tpot_seconds", TRY),
    ("paceline.attempt.longest_gap", "s", "paceline_attempt_longest_gap_seconds", TRY),
    ("paceline.attempt.connect", "s", "paceline_attempt_connect_seconds", TRY),
    ("paceline.attempt.timeouts", "{attempt}", "paceline_attempt_timeouts_total", "provider model region reason"),
    ("paceline.stream.keepalives", "{event}", "paceline_stream_keepalives_total", "provider model region"),
    ("paceline.slot.wait", "s", "paceline_slot_wait_seconds", "endpoint"),
    ("paceline.route.duration", "s", "paceline_route_duration_seconds", "route model outcome"),
    ("paceline.route.ttft", "s", "paceline_route_ttft_seconds", "route model outcome"),
    ("paceline.calls", "{call}", "paceline_calls_total", "route outcome reason"),
    ("paceline.calls_in_time", "{call}", "paceline_calls_in_time_total", "route"),
    ("paceline.attempts", "{attempt}", "paceline_attempts_total", "route outcome reason"),
    ("paceline.retries", "{retry}", "paceline_retries_total", "route reason"),
    ("paceline.fallbacks", "{fallback}", "paceline_fallbacks_total", "route reason"),
    ("paceline.refusals", "{call}", "paceline_refusals_total", "route reason"),
    ("paceline.tokens.discarded", "{token}", "paceline_tokens_discarded_total", "route reason"),
    ("paceline.slot.inflight", "{call}", "paceline_slot_inflight", ENDPOINT),
    ("paceline.slot.limit", "{slot}", "paceline_slot_limit", ENDPOINT),
    ("paceline.slot.queue_depth", "{call}", "paceline_slot_queue_depth", ENDPOINT),
    ("paceline.slot.load", "1", "paceline_slot_load_ratio", ENDPOINT),
    ("paceline.stats.samples", "{sample}", "paceline_stats_samples", f"{ENDPOINT} metric"),
    ("paceline.stats.censored", "{sample}", "paceline_stats_censored", f"{ENDPOINT} metric"),
    ("paceline.stats.age", "s", "paceline_stats_age_seconds", f"{ENDPOINT} metric"),
    ("paceline.endpoint.expected_ttft", "s", "paceline_endpoint_expected_ttft_seconds", ENDPOINT),
    ("paceline.endpoint.failing", "1", "paceline_endpoint_failing_ratio", ENDPOINT),
]

RECOMMENDED_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
RECOMMENDED_TOKENS = (
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
)  # fmt: skip
SERVER_TTFT_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
SERVER_TPOT_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)


def test_the_published_list_is_the_whole_list() -> None:
    told = [(metric.name, metric.unit, metric.prometheus, " ".join(metric.labels)) for metric in METRICS]

    assert told == PUBLISHED


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_keep_to_the_rules_of_prometheus(metric: Metric) -> None:
    assert re.fullmatch(r"(paceline|gen_ai)(_[a-z]+)+", metric.prometheus)
    assert metric.prometheus.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.prometheus.endswith("_seconds") == (metric.unit == "s")
    assert metric.prometheus.endswith("_ratio") == (metric.unit == "1")
    assert all(re.fullmatch(r"[a-z_]+", names.label_in_prometheus(label)) for label in metric.labels)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_only_histograms_have_boundaries_and_theirs_rise(metric: Metric) -> None:
    assert bool(metric.boundaries) == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.boundaries) == sorted(set(metric.boundaries))


@pytest.mark.parametrize(
    ("metric", "published"),
    [
        (names.CLIENT_DURATION, RECOMMENDED_S),
        (names.CLIENT_FIRST_CHUNK, RECOMMENDED_S),
        (names.CLIENT_TOKENS, RECOMMENDED_TOKENS),
    ],
)
def test_the_conventions_metrics_have_the_conventions_boundaries(metric: Metric, published: tuple[float, ...]) -> None:
    assert metric.boundaries == published


@pytest.mark.parametrize(
    ("metric", "published"),
    [
        (names.ROUTE_DURATION, RECOMMENDED_S),
        (names.ROUTE_TTFT, SERVER_TTFT_S),
        (names.ATTEMPT_SERVICE, RECOMMENDED_S),
        (names.ATTEMPT_TTFT, SERVER_TTFT_S),
        (names.ATTEMPT_TPOT, SERVER_TPOT_S),
        (names.ATTEMPT_GAP, RECOMMENDED_S),
        (names.SLOT_WAIT, RECOMMENDED_S),
    ],
)
def test_our_own_boundaries_are_the_recommended_ones_and_go_further(
    metric: Metric, published: tuple[float, ...]
) -> None:
    assert set(metric.boundaries) > set(published)
    assert metric.boundaries[-1] == (2.5 if metric is names.ATTEMPT_TPOT else 120.0)


def test_each_objective_is_a_boundary_of_its_own_metric_alone() -> None:
    routes = [
        Route(name="chat", models="m", objective=Objective(ttft_s=0.8)),
        Route(name="report", models="m", objective=Objective(ttft_s=1.0, total_s=45.0)),
        Route(name="whatever", models="m"),
    ]

    assert set(boundaries(names.ROUTE_TTFT, routes)) - set(names.FIRST_TOKEN_S) == {0.8}
    assert set(boundaries(names.ROUTE_DURATION, routes)) - set(names.LONG_S) == {45.0}
    assert list(boundaries(names.ROUTE_TTFT, routes)) == sorted(boundaries(names.ROUTE_TTFT, routes))
    assert boundaries(names.ATTEMPT_TTFT, routes) == names.FIRST_TOKEN_S
    assert boundaries(names.CLIENT_DURATION, routes) == RECOMMENDED_S
