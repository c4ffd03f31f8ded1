"""Figures out of records: what is counted where, and what stays unknown."""

from __future__ import annotations

import msgspec
import pytest

from paceline.gateway.demo import summary
from paceline.gateway.demo.scene import incident

from .telling import answered, failed

RUN_KEYS = {"all", "before", "brownout", "after", "by_route"}
PHASE_KEYS = {"calls", "ok", "success", "ttft_s", "total_s", "within_objective", "retries", "fallbacks", "by_endpoint"}


def test_a_percentile_lies_between_its_neighbours_in_proportion() -> None:
    assert summary.percentile([4.0, 1.0, 3.0, 2.0, 5.0], 50) == 3.0
    assert summary.percentile([0.0, 1.0], 95) == pytest.approx(0.95)
    assert summary.percentile([7.0], 99) == 7.0
    assert summary.percentile([], 50) is None


def test_a_failed_call_counts_against_success_and_objective_and_has_no_latency() -> None:
    phase = summary.phase([answered(ttft_s=0.3), answered(ttft_s=0.5), failed(), failed(failure="timeout")])

    assert (phase.calls, phase.ok, phase.success) == (4, 2, 0.5)
    assert phase.within_objective == 0.5
    assert phase.ttft_s.p50 == pytest.approx(0.4)
    assert phase.failures == {"provider_error": 1, "timeout": 1}


def test_a_late_answer_is_a_success_that_missed_its_objective() -> None:
    phase = summary.phase([answered(ttft_s=5.0), answered(route="report", total_s=9.0), answered(route="report")])

    assert phase.success == 1.0
    assert phase.within_objective == pytest.approx(1 / 3)


def test_retries_are_counted_by_reason_and_answers_by_endpoint() -> None:
    phase = summary.phase(
        [answered(retries=("timeout", "timeout")), answered(retries=("rate_limited",), fallbacks=1, endpoint="other")]
    )

    assert phase.retries == {"timeout": 2, "rate_limited": 1}
    assert phase.fallbacks == 1
    assert phase.by_endpoint == {"atlas-70b.us-west": 1, "other": 1}


def test_of_no_calls_nothing_is_known() -> None:
    phase = summary.phase([])

    assert (phase.calls, phase.success, phase.within_objective, phase.tokens_per_s) == (0, None, None, None)
    assert (phase.ttft_s.p50, phase.total_s.p99) == (None, None)


def test_a_call_belongs_to_the_phase_and_route_it_arrived_in() -> None:
    records = [
        answered(0.0, total_s=100.0),
        answered(10.0),
        failed(19.9),
        answered(20.0),
        answered(29.0, route="report"),
    ]

    run = summary.run(records, incident(30.0))

    assert [phase.calls for phase in (run.all, run.before, run.brownout, run.after)] == [5, 1, 2, 2]
    assert {route: phase.calls for route, phase in run.by_route.items()} == {"chat": 4, "report": 1}


def test_the_json_has_the_promised_shape() -> None:
    encoded = msgspec.to_builtins(summary.run([answered()], incident(30.0)))

    assert set(encoded) == RUN_KEYS
    for phase in (encoded["all"], encoded["after"], *encoded["by_route"].values()):
        assert set(phase) >= PHASE_KEYS
        assert set(phase["ttft_s"]) == set(phase["total_s"]) == {"p50", "p95", "p99"}
    assert encoded["after"]["success"] is None
