"""Sizes of prompts, rounded: octaves to ask by, classes of two octaves to learn by."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.statistics.size_class import (
    class_of,
    middle_of,
    middle_of_class,
    octave_of,
    octaves_of,
    size_class,
    told,
)

TOKENS = st.integers(1, 2**31)


@given(TOKENS)
def test_a_size_lies_in_its_octave_and_in_its_class(tokens: int) -> None:
    assert 2 ** octave_of(tokens) <= tokens < 2 ** (octave_of(tokens) + 1)
    assert 4 ** size_class(tokens) <= tokens < 4 ** (size_class(tokens) + 1)


@given(TOKENS)
def test_the_octaves_of_a_class_are_two(tokens: int) -> None:
    assert size_class(tokens) == class_of(octave_of(tokens))
    assert octave_of(tokens) in octaves_of(size_class(tokens))
    assert {class_of(octave) for octave in octaves_of(size_class(tokens))} == {size_class(tokens)}


@pytest.mark.parametrize("tokens", [0, -1])
def test_what_is_below_one_token_counts_as_one(tokens: int) -> None:
    assert octave_of(tokens) == octave_of(1) == 0


@pytest.mark.parametrize("octave", [0, 1, 10, 20])
def test_the_middle_of_an_octave_is_as_many_times_its_least_as_its_most_is_the_middle(octave: int) -> None:
    assert middle_of(octave) == pytest.approx(math.sqrt(2**octave * 2 ** (octave + 1)))


@pytest.mark.parametrize("size", [0, 1, 5, 10])
def test_the_middle_of_a_class_lies_between_those_of_its_octaves(size: int) -> None:
    assert middle_of_class(size) == pytest.approx(math.sqrt(middle_of(2 * size) * middle_of(2 * size + 1)))


@pytest.mark.parametrize(("size", "words"), [(0, "1-4 tokens"), (4, "256-1k tokens"), (6, "4k-16k tokens")])
def test_a_class_reads_as_its_range(size: int, words: str) -> None:
    assert told(size) == words
