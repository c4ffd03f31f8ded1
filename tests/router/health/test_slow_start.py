"""The ramp of one that has returned, against Envoy's figures."""

import pytest

from paceline.router.health.slow_start import ramp


@pytest.mark.parametrize(
    ("since_s", "aggression", "weight"),
    [
        (0.0, 1.0, 0.10),
        (1.0, 1.0, 0.10),
        (3.0, 1.0, 0.10),
        (15.0, 1.0, 0.50),
        (30.0, 1.0, 1.00),
        (1.0, 2.0, 0.18),
        (3.0, 2.0, 0.32),
        (15.0, 2.0, 0.71),
        (30.0, 2.0, 1.00),
    ],
)
def test_the_weight_is_the_published_one(since_s: float, aggression: float, weight: float) -> None:
    assert round(ramp(since_s, 30.0, aggression), 2) == weight


@pytest.mark.parametrize("aggression", [0.5, 1.0, 3.0])
def test_the_weight_never_falls_and_ends_at_one(aggression: float) -> None:
    weights = [ramp(tenth / 10.0, 30.0, aggression) for tenth in range(400)]
    assert weights == sorted(weights)
    assert 0.1 <= weights[0] < weights[299] < weights[300] == weights[-1] == 1.0


@pytest.mark.parametrize("window_s", [0.0, 0.5, 1.0])
def test_a_ramp_of_a_second_or_less_is_none(window_s: float) -> None:
    assert ramp(0.0, window_s) == 1.0
