"""The number of a prompt's beginning: the same for the same text, whatever comes after it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.prompt_prefix import MOST_KEPT, Prefixes, prefix_of
from paceline.router import Request

TEXTS = st.lists(st.text(max_size=20), min_size=1, max_size=6)


def said(*texts: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": text} for text in texts]


@given(texts=TEXTS, more=st.text(), characters=st.integers(1, 40))
def test_what_comes_after_it_does_not_matter(texts: list[str], more: str, characters: int) -> None:
    whole = "".join(texts)
    prefix = prefix_of(said(*texts), characters)
    assert (prefix is None) == (len(whole) < characters)
    if prefix is not None:
        assert prefix == prefix_of(said(whole[:characters] + more), characters)
        assert prefix == prefix_of(said(*texts, more), characters)


@given(one=st.text(min_size=8, max_size=8), other=st.text(min_size=8, max_size=8))
def test_other_texts_have_other_numbers(one: str, other: str) -> None:
    assert (prefix_of(said(one), 8) == prefix_of(said(other), 8)) == (one == other)


def test_a_prompt_that_is_too_short_has_none() -> None:
    assert prefix_of(said("1234567"), 8) is None
    assert prefix_of(said("1234", "5678"), 8) is not None


def test_of_a_content_in_parts_the_texts_count() -> None:
    parts: list[dict[str, object]] = [
        {"type": "text", "text": "1234"},
        {"type": "image_url", "image_url": {}},
        {"type": "text", "text": "5678"},
    ]
    assert prefix_of(said(parts), 8) == prefix_of(said("12345678"), 8)
    assert prefix_of(said(None, ["neither"], 7, "12345678"), 8) == prefix_of(said("12345678"), 8)


def test_a_text_that_is_no_valid_unicode_is_a_text() -> None:
    assert prefix_of(said("\ud800" * 8), 8) is not None


def test_it_is_the_same_in_every_process() -> None:
    assert prefix_of(said("12345678"), 8) == 0x9AE0DAAF


@given(texts=st.lists(st.text(alphabet="abé", max_size=12), max_size=20), characters=st.integers(1, 10))
def test_a_prefix_that_is_remembered_has_the_number_it_had(texts: list[str], characters: int) -> None:
    prefixes = Prefixes()
    for text in (*texts, *texts):
        request = Request(messages=text or "-")
        assert prefixes.of(request, characters) == prefix_of(request.messages, characters)


def test_prefixes_that_end_alike_are_told_apart() -> None:
    prefixes = Prefixes()
    one, other = Request(messages="a" * 100 + "z" * 100), Request(messages="b" * 100 + "z" * 100)
    assert prefixes.of(one, 200) != prefixes.of(other, 200)
    assert prefixes.of(one, 200) == prefixes.of(one, 200)


def test_prefixes_do_not_pile_up() -> None:
    prefixes = Prefixes()
    for number in range(1000, 1000 + 2 * MOST_KEPT):
        assert prefixes.of(Request(messages=f"{number} and more"), 4) is not None
    assert len(prefixes._known) <= MOST_KEPT
