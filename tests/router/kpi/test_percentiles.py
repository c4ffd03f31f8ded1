"""Percentiles: of the values as they are, and of a sample as if every value were there."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.router.kpi.percentiles import Percentiles, Values
from paceline.router.testing import quantile

numbers = st.floats(min_value=0.0, max_value=100.0)


def of(values: list[float]) -> Percentiles:
    kept = Values()
    kept.add(values)
    return kept.percentiles()


def test_of_nothing_nothing_is_known() -> None:
    assert of([]) == Percentiles(samples=0, p50=None, p95=None, p99=None)


def test_one_in_a_hundred_is_the_99th() -> None:
    assert of([float(value) for value in range(100, 0, -1)]) == Percentiles(samples=100, p50=50.0, p95=95.0, p99=99.0)


@given(st.lists(numbers, min_size=1))
def test_they_are_those_of_the_values(values: list[float]) -> None:
    found = of(values)

    assert (found.p50, found.p95, found.p99) == tuple(quantile(values, share) for share in (0.5, 0.95, 0.99))
    assert found.samples == len(values)


@given(st.lists(st.tuples(numbers, st.integers(min_value=1, max_value=5)), min_size=1))
def test_a_value_counts_for_as_many_as_it_stands_for(weighted: list[tuple[float, int]]) -> None:
    kept = Values()
    for value, weight in weighted:
        kept.add([value], float(weight))
    everyone = [value for value, weight in weighted for _ in range(weight)]

    found = kept.percentiles()

    assert (found.p50, found.p95, found.p99) == tuple(quantile(everyone, share) for share in (0.5, 0.95, 0.99))
    assert found.samples == len(weighted)


@given(st.lists(numbers), st.lists(numbers))
def test_two_sets_merge_into_the_percentiles_of_all(some: list[float], others: list[float]) -> None:
    one, other = Values(), Values()
    one.add(some)
    other.add(others)

    one.merge(other)

    assert one.percentiles() == of([*some, *others])
