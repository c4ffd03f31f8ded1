"""`Join`: for every text and every place it broke off at, the continuation joins to the letter or is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paceline.policies.join import LEAST_ANCHOR, Join, Unjoinable, anchor_of

WORDS = ("the ", "the ", "quick", " brown\n", "fox, ", "ha", "  ", "\n\n", "| --- ", "0 0 ", "Ürümqi ", "…", "a", "b")

texts = st.lists(st.sampled_from(WORDS), max_size=40).map("".join) | st.text("ab \n", max_size=80)
"""Texts that repeat themselves, which is what makes a seam hard to find."""


def pieces(text: str, sizes: Sequence[int]) -> list[str]:
    """*text* in pieces of these sizes, in turn."""
    cut: list[str] = []
    at = 0
    while at < len(text):
        size = sizes[len(cut) % len(sizes)]
        cut.append(text[at : at + size])
        at += size
    return cut


def joined(said: str, continuation: str, sizes: Sequence[int], *, prefilled: bool) -> str:
    """All that the caller has in the end."""
    join = Join(said, prefilled=prefilled)
    new = [join.feed(piece) for piece in pieces(continuation, sizes)]
    return said + "".join(new) + join.end()


sizes = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@given(text=texts, data=st.data(), sizes=sizes)
def test_one_that_repeats_the_last_words_or_more_loses_and_doubles_nothing(
    text: str, data: st.DataObject, sizes: list[int]
) -> None:
    at = data.draw(st.integers(0, len(text)))
    said, anchor = text[:at], anchor_of(text[:at])
    latest = said.rfind(anchor) if anchor else 0
    start = data.draw(st.integers(0, latest))
    space = data.draw(st.sampled_from(["", "\n", "  "])) if anchor else ""

    assert joined(said, space + text[start:], sizes, prefilled=False) == text


@given(text=texts, data=st.data(), sizes=sizes)
def test_one_that_goes_on_to_the_letter_loses_and_doubles_nothing(
    text: str, data: st.DataObject, sizes: list[int]
) -> None:
    at = data.draw(st.integers(0, len(text)))
    said = text[:at]
    rest = text[len(said.rstrip()) :]
    anchor = anchor_of(said)
    assume(len(anchor) < LEAST_ANCHOR or anchor not in rest.lstrip()[: 2 * len(said)])

    assert joined(said, rest, sizes, prefilled=True) == text


@given(text=texts, data=st.data(), sizes=sizes)
def test_one_that_leaves_out_the_space_it_was_not_sent_doubles_nothing(
    text: str, data: st.DataObject, sizes: list[int]
) -> None:
    said = text[: data.draw(st.integers(0, len(text)))]
    assume(said.strip())

    assert joined(said, "next", sizes, prefilled=True) == said + "next"


@given(said=texts, continuation=texts, sizes=sizes)
def test_whatever_else_it_says_it_is_refused_or_what_comes_is_the_end_of_it(
    said: str, continuation: str, sizes: list[int]
) -> None:
    try:
        whole = joined(said, continuation, sizes, prefilled=False)
    except Unjoinable:
        assert not continuation.lstrip().startswith(said.lstrip() or "never")
        return
    assert whole.startswith(said)
    assert continuation.endswith(whole[len(said) :])


@given(said=texts, continuation=texts, one=sizes, other=sizes, prefilled=st.booleans())
def test_how_it_is_cut_into_chunks_makes_no_difference(
    said: str, continuation: str, one: list[int], other: list[int], *, prefilled: bool
) -> None:
    def whole(sizes: list[int]) -> str | None:
        try:
            return joined(said, continuation, sizes, prefilled=prefilled)
        except Unjoinable:
            return None

    assert whole(one) == whole(other)


@given(said=texts)
def test_an_anchor_ends_what_was_said_and_stands_in_it_once(said: str) -> None:
    anchor = anchor_of(said)

    assert said.rstrip().endswith(anchor)
    assert anchor == anchor.strip()
    if anchor:
        assert said.find(anchor) == said.rfind(anchor)
        assert len(anchor) >= min(LEAST_ANCHOR, len(said.strip()))


@pytest.mark.parametrize("chars", range(1, 60))
def test_one_that_echoes_the_whole_prefill_or_its_end_doubles_nothing(chars: int) -> None:
    said = "It was the best of times, it was the worst of times,"
    echoed = said[-chars:] if chars >= len(anchor_of(said)) else said

    assert joined(said, f"{echoed} it was the age of wisdom.", [5], prefilled=True) == (
        f"{said} it was the age of wisdom."
    )


def test_an_anchor_begins_with_a_whole_word() -> None:
    assert anchor_of("Call me Ishmael. Some years ago, never mind how long") == "ago, never mind how long"
    assert anchor_of("A last word" + " " * 60 + "b") == "word" + " " * 60 + "b"
    assert anchor_of("no\u00a0spaces" * 5) == "no\u00a0spaces" * 5, "all of it, where less would stand there twice"
    assert anchor_of("never mind how long precise") == "never mind how long precise"


def test_an_anchor_is_longer_where_the_last_words_are_not_new() -> None:
    refrain = "and the rest is silence. "

    assert anchor_of(f"Once: {refrain}Twice: {refrain}") == "rest is silence. Twice: and the rest is silence."


def test_what_is_not_settled_is_held_back() -> None:
    join = Join("The quick brown fox jumps over", prefilled=False)

    assert (join.feed("The quick brown "), join.is_settled) == ("", False)
    assert (join.feed("fox jumps over the lazy"), join.is_settled) == (" the lazy", True)
    assert (join.feed(" dog"), join.end()) == (" dog", "")


@pytest.mark.parametrize("reply", ["Sure! Here is the rest:", "", "The quick brown", " the lazy dog"])
def test_a_reply_that_does_not_begin_as_agreed_is_refused(reply: str) -> None:
    join = Join("The quick brown fox jumps over", prefilled=False)

    with pytest.raises(Unjoinable):
        _ = join.feed(reply) + join.end()
