"""Which levels ignore health, against the published figures of Envoy."""

import pytest

from paceline.policies.panic import panicking

HALF = 0.5


@pytest.mark.parametrize(
    ("near", "far", "panics"),
    [
        (100, 100, (False, False)),
        (72, 72, (False, False)),
        (71, 71, (False, False)),
        (50, 100, (False, False)),
        (50, 60, (False, False)),
        (25, 100, (False, False)),
        (25, 25, (True, True)),
        (5, 65, (True, False)),
        (0, 100, (False, False)),
    ],
)
def test_two_levels_of_a_hundred_are_in_panic_as_published(near: int, far: int, panics: tuple[bool, bool]) -> None:
    assert panicking([(near, 100), (far, 100)], HALF) == panics


@pytest.mark.parametrize(("healthy", "panics"), [(100, False), (71, False), (50, False), (49, True), (0, True)])
def test_a_level_alone_is_in_panic_below_a_half(healthy: int, panics: bool) -> None:  # noqa: FBT001
    assert panicking([(healthy, 100)], HALF) == (panics,)


def test_an_empty_level_bears_nothing_and_is_never_in_panic() -> None:
    assert panicking([(1, 4), (0, 0)], HALF) == (True, False)


def test_below_nothing_there_is_no_panic() -> None:
    assert panicking([(0, 4), (1, 4)], 0.0) == (False, False)
