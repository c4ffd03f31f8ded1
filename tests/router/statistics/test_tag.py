"""`Tag`: any name, in a form that histogram logs allow, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.errors import ConfigurationError
from paceline.router.statistics.interval import Series
from paceline.router.statistics.tag import Tag

from .keeping import SERIES


@given(st.builds(Tag, st.text(st.characters(), min_size=1), SERIES, st.booleans()))
def test_any_name_comes_back_from_a_tag_without_commas_spaces_and_line_breaks(tag: Tag) -> None:
    text = str(tag)

    assert Tag.read(text) == tag
    assert text.isascii()
    assert not set(text) & set(", \r\n\t")


@given(st.text(max_size=30))
def test_no_two_tags_are_of_one_distribution(text: str) -> None:
    tag = Tag.read(text)

    assert tag is None or str(tag) == text


def test_a_tag_can_be_read_by_a_person() -> None:
    assert str(Tag("gpt-4o.eu", Series("ttft", 5), censored=True)) == "gpt-4o.eu/ttft/size-5/censored"
    assert str(Tag("Köln, 1", Series("tpot"))) == "K%C3%B6ln%2C%201/tpot"


@pytest.mark.parametrize(
    "text",
    [
        "", "A", "/ttft", "eu/", "eu/TTFT", "eu/ttft/", "eu/ttft/censored/size-5", "eu/ttft/size-05", "eu/ttft/size-32",
        "eu/ttft/size-5/cut", "e u/ttft", "eu/ttft\n", "%65u/ttft", "%c3%b6/ttft", "%FF/ttft", "%/ttft", "ö/ttft",
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_no_tag_of_ours(text: str) -> None:
    assert Tag.read(text) is None


def test_a_metric_is_one_word() -> None:
    with pytest.raises(ConfigurationError, match="lower-case letters and underscores, not 'time, total'"):
        str(Tag("eu", Series("time, total")))
