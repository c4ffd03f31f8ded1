"""What a run comes to in figures, what it costs, and which profile is recommended."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from paceline.gateway.bench.figures import ENOUGH, ENOUGH_FOR_P95, Measured, Outcome, Profile, measured, money
from paceline.gateway.bench.measure import Record
from paceline.gateway.bench.plan import Plan
from paceline.gateway.bench.price import ASK_ABOVE, price
from paceline.router import Endpoint
from paceline.router.testing import Behaviour, Scripted, endpoint

from .run import benched, came_of, simulated

EAST = endpoint("east", Scripted(), price_in_per_m=1.0, price_out_per_m=4.0)


def answered(ttft_s: float = 0.2, tokens_per_s: float | None = 50.0, late_s: float = 0.0) -> Record:
    return Record(
        endpoint="east", at_s=0.0, late_s=late_s, ttft_s=ttft_s, total_s=ttft_s + 1.0, tokens_per_s=tokens_per_s,
        input_tokens=1000, output_tokens=100,
    )  # fmt: skip


def test_a_profile_has_three_digits_and_is_a_line_of_toml() -> None:
    profile = measured(EAST, [answered(0.12345 + number / 1000) for number in range(ENOUGH_FOR_P95)]).profile

    assert profile == Profile(ttft_ms=172.0, ttft_p95_ms=217.0, tokens_per_s=50.0)
    assert tomllib.loads(str(profile))["profile"] == {"ttft_ms": 172, "ttft_p95_ms": 217, "tokens_per_s": 50}


def test_a_profile_says_nothing_of_what_was_not_seen_often_enough() -> None:
    assert measured(EAST, [answered()] * (ENOUGH - 1)).profile is None
    assert measured(EAST, [answered(tokens_per_s=None)] * (ENOUGH_FOR_P95 - 1)).profile == Profile(ttft_ms=200.0)


def test_money_is_that_of_the_tokens_that_were_billed() -> None:
    assert measured(EAST, [answered()] * 10).cost == pytest.approx((10_000 * 1.0 + 1000 * 4.0) / 1e6)


def test_without_prices_nothing_is_known_of_money() -> None:
    half = endpoint("half", Scripted(), price_in_per_m=1.0)

    assert money(half, 1000, 1000) is None
    assert measured(half, [answered()]).cost is None


def test_a_loop_that_is_a_moment_late_is_no_queue() -> None:
    found = measured(EAST, [answered(late_s=0.001), answered(late_s=0.5), answered(late_s=1.5)])

    assert (found.late, found.late_s.p50) == (2, 0.5)


def test_nothing_is_known_of_nothing() -> None:
    found = measured(EAST, [])

    assert (found.sent, found.success, found.ttft_s.p50, found.profile) == (0, None, None, None)


NAMES: dict[type[msgspec.Struct], str] = {
    Outcome: "format source interrupted calls rate_per_s prompt_tokens max_tokens at_once timeout_s seed endpoints",
    Measured: "endpoint provider model region sent answered success failures told ttft_s total_s tokens_per_s late "
    "late_s connections connect_s input_tokens output_tokens cost profile",
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_names_of_the_json_are_a_promise(kind: type[msgspec.Struct]) -> None:
    assert " ".join(kind.__struct_fields__) == NAMES[kind]


def test_an_outcome_is_read_back_as_it_was_written() -> None:
    outcome = came_of(benched(simulated(a=Behaviour(error_rate=0.3)), Plan(calls=30)))

    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome
    assert 0 < outcome.endpoints[0].answered < 30


# -- what it will cost


def test_the_price_is_that_of_answers_as_long_as_they_may_be() -> None:
    cost = price([EAST], Plan(calls=100, prompt_tokens=1000, max_tokens=100))

    assert cost.known == pytest.approx(0.1 + 0.04)
    assert str(cost) == "It costs at most 0.1400 at the configured prices."


@pytest.mark.parametrize(("calls", "asks"), [(10, False), (1000, True)])
def test_who_spends_little_is_not_asked(calls: int, asks: bool) -> None:  # noqa: FBT001  a parameter of a test
    cost = price([EAST], Plan(calls=calls, prompt_tokens=1000, max_tokens=100))

    assert cost.asks is asks
    assert (cost.known > ASK_ABOVE) is asks


def test_an_unknown_price_is_not_taken_for_nothing() -> None:
    cost = price([EAST, endpoint("else", Scripted(), url="https://llm.example/v1")], Plan(calls=1))

    assert cost.unknown == ("else",)
    assert cost.asks
    assert "nobody knows how much at else" in str(cost)


def test_what_runs_on_this_machine_costs_nothing() -> None:
    here = [endpoint(f"{host}", Scripted(), url=f"http://{host}:9/v1") for host in ("localhost", "127.0.0.1", "[::1]")]
    fleet: list[Endpoint] = [*here, *simulated(a=Behaviour())]

    assert not price(fleet, Plan(calls=1000)).asks
    assert price([endpoint("free", Scripted(), url="http://localhost/v1", price_in_per_m=9e9, price_out_per_m=0.0)],
                 Plan()).asks  # fmt: skip
