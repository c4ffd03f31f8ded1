"""`Chunk`: what is progress, and that an answer is not shown by accident."""

import pytest

from paceline.router import DISCARD, ChoiceDelta, Chunk, ToolCallDelta, Usage

TOOL = ToolCallDelta(index=0, id="1", name="look", arguments="{}")


@pytest.mark.parametrize(
    "chunk", [Chunk("a"), Chunk(" "), Chunk(reasoning="a"), Chunk(refusal="a"), Chunk(tool_calls=(TOOL,))], ids=repr
)
def test_what_a_person_sees_more_of_is_progress(chunk: Chunk) -> None:
    assert chunk.is_progress


@pytest.mark.parametrize(
    "chunk",
    [Chunk(), Chunk(finish_reason="stop"), Chunk(usage=Usage(output_tokens=1)), Chunk(raw=b"data: {}\n\n"), DISCARD],
    ids=["empty", "finish", "usage", "raw", "discard"],
)
def test_what_a_person_does_not_see_is_no_progress(chunk: Chunk) -> None:
    assert not chunk.is_progress


@pytest.mark.parametrize(
    ("others", "progress"),
    [
        ((ChoiceDelta(index=1, text="a"),), True),
        ((ChoiceDelta(index=1), ChoiceDelta(index=2, refusal="a")), True),
        ((ChoiceDelta(index=1, tool_calls=(TOOL,)),), True),
        ((ChoiceDelta(index=1, finish_reason="stop"),), False),
    ],
    ids=repr,
)
def test_a_word_of_another_answer_is_progress_too(others: tuple[ChoiceDelta, ...], *, progress: bool) -> None:
    assert Chunk(others=others).is_progress is progress


def test_another_answer_is_shown_by_its_index_alone() -> None:
    assert repr(ChoiceDelta(index=2, text="hidden")) == "ChoiceDelta(index=2)"


def test_a_repr_tells_sizes_and_never_words() -> None:
    chunk = Chunk(
        "hidden", reasoning="hidden too", refusal="hid", tool_calls=(TOOL,), finish_reason="stop", raw=b"hidden"
    )

    assert repr(chunk) == str(chunk) == "Chunk(text=6 chars, reasoning=10 chars, refusal=3 chars, finish_reason='stop')"
    assert repr(Chunk()) == "Chunk()"


def test_a_chunk_cannot_be_edited_in_place() -> None:
    with pytest.raises(AttributeError):
        Chunk("a").text = "b"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
