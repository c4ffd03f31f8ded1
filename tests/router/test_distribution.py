"""`Fleet.distribution`: a model or a region looked at as one, by adding up histograms and never percentiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Router
from paceline.router.errors import ConfigurationError
from paceline.router.statistics.learned import METRICS
from paceline.router.testing import Scripted, endpoint

from .stack import routed

PLACES = {"eu": ("best", "eu"), "us": ("best", "us"), "fast": ("fast", "us")}
MILLISECONDS = st.lists(st.integers(1, 60_000), max_size=20)
SHARES = (0.01, 0.5, 0.9, 0.99, 1.0)
SHORT, LONG = 7, 11


def fleet() -> Router:
    return routed(*(endpoint(name, Scripted(), model=model, region=region) for name, (model, region) in PLACES.items()))


def measured(**milliseconds: list[int]) -> Router:
    """Whole answers by endpoint."""
    router = fleet()
    for name, values in milliseconds.items():
        for value in values:
            router.fleet[name].learned.total.measured.record(value / 1000, 0.0)
    return router


@given(MILLISECONDS, MILLISECONDS, MILLISECONDS)
def test_quantiles_of_several_endpoints_are_those_of_all_their_samples(
    eu: list[int], us: list[int], fast: list[int]
) -> None:
    router, alone = measured(eu=eu, us=us, fast=fast), measured(eu=[*eu, *us, *fast])

    together = router.fleet.distribution("total", 0.5)

    expected = alone.fleet["eu"].learned.total.measured.fold(0.5)
    assert together.count == len(eu) + len(us) + len(fast)
    assert [together.quantile(q) for q in SHARES] == [expected.quantile(q) for q in SHARES]


def test_it_is_not_an_average_of_percentiles() -> None:
    router = measured(eu=[100] * 99, us=[10_000])

    p90_s = router.fleet.distribution("total", 0.5, model="best").quantile(0.9)

    assert p90_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("model", "region", "count"),
    [(None, None, 7), ("best", None, 3), ("fast", None, 4), (None, "us", 6), ("best", "us", 2), ("best", "eu", 1)],
)
def test_a_model_or_a_region_or_both_are_looked_at(model: str | None, region: str | None, count: int) -> None:
    router = measured(eu=[100], us=[200] * 2, fast=[300] * 4)

    assert router.fleet.distribution("total", 0.5, model=model, region=region).count == count


def test_first_tokens_are_looked_at_by_class_of_size_or_all_together() -> None:
    router = fleet()
    for name in ("eu", "us"):
        router.fleet[name].learned.ttft.record(0.25, SHORT, 0.0)
        router.fleet[name].learned.ttft.record_censored(4.0, LONG, 0.0)

    every, short, long, none = (router.fleet.distribution("ttft", 0.5, size=size) for size in (None, 3, 5, 9))

    assert [(of.count, of.censored) for of in (every, short, long, none)] == [(2, 2), (2, 0), (0, 2), (0, 0)]
    assert none.quantile(0.5) is None


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_may_be_asked_for_and_is_unknown_at_first(metric: str) -> None:
    assert fleet().fleet.distribution(metric, 0.5).quantile(0.5) is None


def test_what_has_left_the_windows_is_left_out() -> None:
    assert measured(eu=[100]).fleet.distribution("total", 60.0).count == 0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"metric": "mood"}, "no metric is named 'mood'; there are ttft, total, tpot, gap, slot_wait, network"),
        ({"metric": "total", "model": "worst"}, "no endpoint of model 'worst'"),
        ({"metric": "total", "model": "fast", "region": "eu"}, "no endpoint of model 'fast' lies in region 'eu'"),
    ],
    ids=["metric", "model", "both"],
)
def test_what_there_is_not_cannot_be_looked_at(asked: dict[str, str], told: str) -> None:
    metric = asked.pop("metric")

    with pytest.raises(ConfigurationError, match=told):
        fleet().fleet.distribution(metric, 0.5, **asked)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
