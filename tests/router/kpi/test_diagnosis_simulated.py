"""`diagnose` on calls that went through a router to simulated endpoints, of which something befell one half-way."""

import random

import pytest

from paceline.policies import Fallback, Retry, RoundRobin, Slots
from paceline.router import Endpoint, Policy, Profile, Request, Route
from paceline.router.kpi.diagnosis import diagnose
from paceline.router.kpi.diagnosis_result import Cause, Diagnosis, Headline, Verdict
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated

from .listening import Rows, heard

SEEDS = range(5)
HALF_S = 400.0


def question(dice: random.Random) -> Request:
    return Request(messages="hello", route="chat", expected_tokens=1 + int(min(1_000.0, dice.lognormvariate(4.5, 0.6))))


def incident(*, slower: float = 1.0, error_rate: float = 0.0) -> tuple[Incident]:
    return (Incident(from_s=HALF_S, to_s=2 * HALF_S, slower=slower, error_rate=error_rate),)


def told(
    seed: int,
    policies: list[Policy],
    *,
    of: Headline = Headline.TOTAL,
    sick: Behaviour | None = None,
    rates: tuple[float, float] = (1.0, 1.0),
    slots: int | None = None,
    models: tuple[str, str] = ("m", "m"),
) -> Diagnosis:
    """The second half of two, against the first. *sick*: how the first of two endpoints behaves."""
    well = Behaviour(tail=0.0, tokens_per_chunk=10)
    provider = Simulated(behaviour=well, by_endpoint={} if sick is None else {"one": sick}, seed=seed)
    endpoints = [
        Endpoint(name=name, provider=provider, model=model, slots=slots, profile=Profile(ttft_s=0.3), region=name)
        for name, model in zip(("one", "two"), models, strict=True)
    ]
    rows = Rows()
    heard(
        endpoints,
        Route(name="chat", models=tuple(dict.fromkeys(models))),
        policies,
        rows,
        seed=seed,
        request=question,
        phases=[(rate, HALF_S) for rate in rates],
    )
    return diagnose(rows.between(0.0, HALF_S), rows.between(HALF_S, 2 * HALF_S + 60.0), of=of)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_endpoint_that_slows_down_begins_later(seed: int) -> None:
    sick = Behaviour(tail=0.0, tokens_per_chunk=10, incidents=incident(slower=8.0))

    diagnosis = told(seed, [RoundRobin()], of=Headline.TTFT, sick=sick)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, Cause.PROVIDER_QUEUE)
    assert diagnosis.contributions[0].place == "one"


@pytest.mark.parametrize("seed", SEEDS)
def test_an_endpoint_that_slows_down_writes_more_slowly(seed: int) -> None:
    sick = Behaviour(tail=0.0, tokens_per_chunk=10, incidents=incident(slower=8.0))

    diagnosis = told(seed, [RoundRobin()], sick=sick)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, Cause.DECODE_SPEED)
    assert diagnosis.contributions[0].place == "one"


@pytest.mark.parametrize("seed", SEEDS)
def test_an_endpoint_that_fails_late_costs_retries(seed: int) -> None:
    sick = Behaviour(tail=0.0, tokens_per_chunk=10, error_after_s=4.0, incidents=incident(error_rate=0.4))

    diagnosis = told(seed, [Retry(), RoundRobin()], of=Headline.TTFT, sick=sick)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, Cause.RETRIES)
    assert "mostly after provider_error" in diagnosis.conclusion


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_that_fails_at_once_leaves_its_calls_to_the_slower_one(seed: int) -> None:
    sick = Behaviour(tail=0.0, ttft_s=0.1, tokens_per_s=200.0, tokens_per_chunk=10, incidents=incident(error_rate=1.0))

    diagnosis = told(seed, [Fallback(), Retry(), RoundRobin()], sick=sick, models=("fast", "slow"))

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, Cause.ENDPOINT_MIX)
    assert "calls go elsewhere: 100% -> " in diagnosis.conclusion
    assert diagnosis.conclusion.endswith("% of all calls at two.")


@pytest.mark.parametrize("seed", SEEDS)
def test_more_traffic_than_slots_waits_for_them(seed: int) -> None:
    diagnosis = told(seed, [Slots(max_wait_s=20.0)], of=Headline.TTFT, rates=(0.5, 2.2), slots=3)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, Cause.OWN_QUEUE)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_halves_alike_are_steady(seed: int) -> None:
    assert told(seed, [RoundRobin()]).verdict is Verdict.STEADY
