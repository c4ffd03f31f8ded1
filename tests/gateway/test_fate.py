"""What a call meets at an endpoint: published, repeatable, and worse only where there is a reason."""

from __future__ import annotations

from collections import Counter
from statistics import median

import pytest

from paceline.gateway.demo.fate import REPLICAS, Failure, draw, tpot_under_load, ttft_under_load
from paceline.gateway.demo.published import ANYSCALE_70B, CELLS_CONCURRENCY, STRAGGLES_S
from paceline.gateway.demo.quantiles import Quantiles

LOTS = [f"lot {number}" for number in range(4000)]


def test_a_table_gives_its_own_entries_back() -> None:
    table = Quantiles((0.0, 0.5, 1.0), (1.0, 4.0, 9.0))

    assert [table.at(share) for share in table.shares] == pytest.approx([1.0, 4.0, 9.0])


def test_between_entries_the_logarithm_is_interpolated() -> None:
    assert Quantiles((0.0, 1.0), (1.0, 16.0)).median == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("shares", "values"),
    [((0.0, 1.0), (2.0, 1.0)), ((0.0, 1.0), (1.0,)), ((0.1, 1.0), (1.0, 2.0)), ((0.0, 0.9), (1.0, 2.0))],
)
def test_a_table_that_is_none_is_refused(shares: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"quantiles|fall"):
        Quantiles(shares, values)


def test_one_lot_has_one_fate() -> None:
    assert draw(ANYSCALE_70B, "7/12/atlas", failing=0.2) == draw(ANYSCALE_70B, "7/12/atlas", failing=0.2)


def test_many_lots_have_the_published_medians_and_tails() -> None:
    fates = [draw(ANYSCALE_70B, lot, failing=0.0) for lot in LOTS]

    assert median(fate.ttft_s for fate in fates) == pytest.approx(0.213, rel=0.03)
    assert median(fate.tpot_s for fate in fates) == pytest.approx(0.01384, rel=0.03)
    assert 0.002 < sum(fate.ttft_s >= STRAGGLES_S[0] for fate in fates) / len(fates) < 0.009


def test_the_share_that_fails_fails_in_every_way() -> None:
    failures = Counter(draw(ANYSCALE_70B, lot, failing=0.2).failure for lot in LOTS)

    assert sum(failures[kind] for kind in Failure) / len(LOTS) == pytest.approx(0.2, abs=0.02)
    assert min(failures[kind] for kind in Failure) > 0.05 * len(LOTS)


def test_a_call_that_is_spared_is_as_fast_as_without_failures() -> None:
    for lot in LOTS[:100]:
        calm, rough = draw(ANYSCALE_70B, lot, failing=0.0), draw(ANYSCALE_70B, lot, failing=0.5)
        assert (calm.ttft_s, calm.tpot_s) == (rough.ttft_s, rough.tpot_s)


def test_load_costs_nothing_up_to_what_the_cells_were_measured_at() -> None:
    at_most = REPLICAS * CELLS_CONCURRENCY

    assert {ttft_under_load(n) for n in range(1, at_most + 1)} == {1.0}
    assert {tpot_under_load(n) for n in range(1, at_most + 1)} == {1.0}


def test_load_beyond_that_costs_ever_more() -> None:
    stretches = [ttft_under_load(REPLICAS * machine) for machine in (5, 8, 16, 32, 64)]

    assert stretches == sorted(set(stretches))
    assert stretches[-1] > 5.0
