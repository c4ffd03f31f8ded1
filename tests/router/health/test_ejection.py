"""How long an ejection lasts, and how many may be out at once."""

import random

import pytest

from paceline.router.errors import ConfigurationError
from paceline.router.health.ejection import ejected_for_s, most_out
from paceline.router.health.rules import HealthRules

RULES = HealthRules(eject_for_s=5.0, eject_at_most_s=300.0)


@pytest.mark.parametrize(
    ("times", "longest_s"),
    [(1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 80.0), (6, 160.0), (7, 300.0), (8, 300.0), (10_000, 300.0)],
)
def test_each_ejection_is_twice_as_long_as_the_last_up_to_the_longest_and_never_below_its_half(
    times: int, longest_s: float
) -> None:
    dice = random.Random(1)
    drawn = [ejected_for_s(times, RULES, dice) for _ in range(1000)]
    assert longest_s / 2 <= min(drawn) < 0.51 * longest_s
    assert 0.99 * longest_s < max(drawn) <= longest_s


@pytest.mark.parametrize(
    ("share", "peers", "most"),
    [
        # Envoy: a tenth, but one at least.
        (0.1, 2, 1),
        (0.1, 10, 1),
        (0.1, 19, 1),
        (0.1, 20, 2),
        (0.1, 100, 10),
        (0.29, 100, 29),
        # A half, and the one only if another remains.
        (0.5, 1, 0),
        (0.5, 2, 1),
        (0.5, 3, 1),
        (0.5, 4, 2),
        (0.5, 5, 2),
        (0.5, 8, 4),
        (1.0, 1, 1),
        (1.0, 4, 4),
    ],
)
def test_so_many_of_a_model_may_be_out_at_once(share: float, peers: int, most: int) -> None:
    assert most_out(share, peers) == most


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures": 0},
        {"success_ratio": 1.1},
        {"window_s": 0.0},
        {"outcomes": 0},
        {"eject_for_s": 0.0},
        {"eject_for_s": 301.0},
        {"eject_at_most_s": 4.0},
        {"most_ejected": 0.0},
        {"slow_start_s": -1.0},
        {"aggression": 0.0},
    ],
)
def test_rules_that_cannot_be_followed_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        HealthRules(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
