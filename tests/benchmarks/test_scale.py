"""`benchmarks.scale` measures by endpoints, by calls in flight, by memory and by import."""

from __future__ import annotations

import asyncio
import json

import pytest

from benchmarks import scale
from benchmarks.apart import fresh
from benchmarks.scale_imports import Import, by_imports, import_table, import_verdict
from benchmarks.scale_memory import FLOOR


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> scale.Measured:
    monkeypatch.setattr(scale, "ENDPOINTS", (1, 10, 20))
    monkeypatch.setattr(scale, "IN_FLIGHT", (1, 30))
    monkeypatch.setattr(scale, "FEWEST_CALLS", 5)
    measured = scale.Measured()
    asyncio.run(scale.by_endpoints(measured, rounds=2, calls=5))
    asyncio.run(scale.by_calls(measured, rounds=1))
    return measured


def test_every_stack_is_measured_with_every_number_of_endpoints_and_calls(small: scale.Measured) -> None:
    small.memory = {("interactive", 20, 1, "traced"): {"per_endpoint": 2048.0, "per_call": 0.0}}

    endpoints, calls = scale.endpoint_table(small).splitlines(), scale.call_table(small).splitlines()

    assert len(endpoints) == 2 + 2 * 3
    assert endpoints[-1].endswith("| 2.0 |")
    assert len(calls) == 2 + 3 * 2
    assert all(cost > 0 for costs in small.cost_us.values() for cost in costs)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    measured = scale.Measured({("s", 10, "how"): [1.0, 10.0, 2.0], ("s", 1000, "how"): [3.0, 30.0, 2.0]})

    assert measured.of_ten("s", 1000, "how") == 3.0


def test_the_verdict_says_by_how_much_an_aim_was_missed(small: scale.Measured) -> None:
    for how in (scale.BUSY, scale.QUIET):
        small.cost_us["interactive", 10, how] = [10.0, 10.0]
        small.cost_us["interactive", 20, how] = [80.0, 80.0]
    imports = {"aiohttp": Import(100.0, 30.0), "router and policies": Import(180.0, 28.0)}

    said = scale.verdicts(small, imports)

    assert "8.0 times its cost with ten; missed, 2.0 times the aim of 4 times." in said
    assert "80 ms of CPU more than aiohttp: within the aim of 100 ms" in said
    assert json.dumps(scale.figures(small, imports))


def test_memory_of_a_call_is_more_than_that_of_a_task_that_waits() -> None:
    def per_call(subject: str) -> float:
        said = fresh("-m", "benchmarks.scale_memory", subject, "3", "200", "traced")
        return float(json.loads(said)["per_call"])

    assert 0 < per_call(FLOOR) < per_call("minimal")


def test_imports_are_timed_in_processes_of_their_own() -> None:
    found = by_imports(rounds=1)

    assert found["nothing"].ms < found["aiohttp"].ms
    assert "| aiohttp |" in import_table(found)
    assert "aim" in import_verdict(found)
