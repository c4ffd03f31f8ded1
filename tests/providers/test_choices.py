"""Several answers to one question: none is mixed with another, and none may be missing."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers import OpenAICompatible
from paceline.providers.openai_choices import Choices
from paceline.providers.openai_wire import decode_frame
from paceline.router import Answer, ChoiceDelta, Chunk, Collector, Outcome
from paceline.router.errors import CallError, ProviderError, StreamInterrupted, TruncatedAnswer

from .loopback import DONE, Say, asking, frame, replies, streams
from .vendors.asking import answer_of, chunks_of, routed
from .vendors.compatible_server import CompatibleServer
from .vendors.scene import THREE


def said(index: int, text: str = "", finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}


def of_three(*frames: dict[str, object]) -> list[Chunk]:
    choices = Choices(3)
    return [choices.chunk(decode_frame(msgspec.json.encode(one)), b"") for one in frames]


def test_a_chunk_is_of_the_first_answer_and_takes_the_others_along() -> None:
    first, second, both = of_three(
        said(0, "a"),
        said(2, "c"),
        {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "A"}}]},
    )
    assert first == Chunk("a")
    assert second == Chunk(others=(ChoiceDelta(index=2, text="c"),))
    assert both == Chunk("A", others=(ChoiceDelta(index=1, text="b"),))


def test_the_last_to_end_ends_the_answer_with_the_firsts_reason() -> None:
    chunks = of_three(said(0, finish="stop"), said(2, finish="length"), said(1, "b"), said(1, finish="tool_calls"))
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert [other.finish_reason for chunk in chunks for other in chunk.others] == ["length", None, "tool_calls"]


def test_an_answer_nobody_asked_for_stands_for_none_that_was() -> None:
    chunks = of_three(*(said(index, finish="stop") for index in (0, 1, 3, 2)))
    assert [chunk.finish_reason for chunk in chunks] == [None, None, None, "stop"]


def test_what_comes_after_the_end_does_not_end_it_again() -> None:
    *_, end, usage = of_three(
        *(said(index, finish="stop") for index in range(3)), {"choices": [], "usage": {"completion_tokens": 9}}
    )
    assert (end.finish_reason, usage.finish_reason) == ("stop", None)
    assert usage.usage is not None


def test_annotations_without_a_delta_say_nothing() -> None:
    (chunk,) = of_three({"choices": [{"index": 1, "content_filter_offsets": {}, "finish_reason": None}]})
    assert chunk == Chunk(others=(ChoiceDelta(index=1),))
    assert not chunk.is_progress


A_CALL: dict[str, object] = {"tool_calls": [{"id": "a"}]}


@pytest.mark.parametrize("piece", [{"content": "x"}, {"reasoning": "x"}, {"refusal": "x"}, A_CALL])
def test_the_first_word_of_any_answer_is_progress(piece: dict[str, object]) -> None:
    (chunk,) = of_three({"choices": [{"index": 2, "delta": piece}]})
    assert chunk.is_progress


answers = st.lists(st.lists(st.text(min_size=1, max_size=3), max_size=4), min_size=2, max_size=4)


@given(answers, st.randoms(use_true_random=False))
def test_however_they_are_interleaved_each_is_put_together_from_its_own_pieces(
    texts: list[list[str]], dice: Random
) -> None:
    left = [
        [said(index, piece) for piece in pieces] + [said(index, finish="stop")] for index, pieces in enumerate(texts)
    ]
    choices, collector, ends = Choices(len(texts)), Collector(), 0
    while any(left):
        frames = dice.choice([pieces for pieces in left if pieces])
        chunk = choices.chunk(decode_frame(msgspec.json.encode(frames.pop(0))), b"")
        collector.add(chunk)
        ends += chunk.finish_reason is not None
    assert ends == 1
    assert collector._first.text == "".join(texts[0])
    assert {index: pieces.text for index, pieces in (collector._others or {}).items()} == {
        index: "".join(pieces) for index, pieces in enumerate(texts) if index > 0
    }


# -- over the wire


async def asked_for_two(say: Say, *, stream: bool = True) -> Answer:
    async with asking(say) as asked:
        return await asked.complete(stream=stream, params={"n": 2})


@pytest.mark.parametrize(
    ("say", "missing"),
    [
        (streams(frame(said(0, "a")), frame(said(1, "b")), frame(said(0, finish="stop")), DONE), 1),
        (streams(frame(said(0, "a")), frame(said(1, "b")), frame(said(1, finish="stop"))), 1),
        (streams(frame(said(0, "a", "stop")), DONE), 1),
        (streams(frame(said(0, "a")), DONE), 2),
        (replies({"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}), 1),
    ],
)
def test_an_answer_that_is_missing_or_cut_fails_them_all(say: Say, missing: int) -> None:
    with pytest.raises(TruncatedAnswer, match=f"{missing} of the 2 answers asked for"):
        asyncio.run(asked_for_two(say))


def test_one_that_was_given_up_fails_them_all() -> None:
    say = streams(frame(said(0, "a", "stop")), frame(said(1, finish="error")), DONE)
    with pytest.raises(ProviderError, match="gave up"):
        asyncio.run(asked_for_two(say))


def test_the_first_to_end_does_not_end_the_stream() -> None:
    async def main() -> None:
        heard: list[Chunk] = []
        async with asking(streams(frame(said(0, "a", "stop")), frame(said(1, "b")))) as asked:
            with pytest.raises(StreamInterrupted):
                await asked.stream_into(heard, params={"n": 2})
        assert [chunk.finish_reason for chunk in heard] == [None, None]

    asyncio.run(main())


def test_a_call_for_one_answer_takes_the_first_of_several() -> None:
    async def main() -> Answer:
        say = streams(
            frame(said(1, "b")), frame(said(0, "a")), frame(said(1, finish="stop")), frame(said(0, finish="length"))
        )
        async with asking(say) as asked:
            return await asked.complete()

    answer = asyncio.run(main())
    assert (answer.text, answer.finish_reason, answer.others) == ("a", "length", ())


def test_they_are_streamed_and_timed_as_one_answer() -> None:
    async def main() -> None:
        server = CompatibleServer(THREE)
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            answer = await answer_of(router, stream=True, params={"n": 3})
            heard = await chunks_of(router, params={"n": 3})
        (attempt,) = answer.attempts
        assert (attempt.choices, attempt.outcome, attempt.finish_reason) == (3, Outcome.OK, "stop")
        assert [(other.index, other.text, other.finish_reason) for other in answer.others] == [
            (1, "Tails!", "length"),
            (2, "", "tool_calls"),
        ]
        assert "".join(chunk.text for chunk in heard) == "Heads"
        assert [chunk.finish_reason for chunk in heard if chunk.finish_reason] == ["stop"]

    asyncio.run(main())


def test_several_are_refused_by_whoever_would_send_one() -> None:
    async def main() -> None:
        async with asking(streams(DONE), provider=OpenAICompatible(ignores=frozenset({"n"}))) as asked:
            with pytest.raises(CallError, match="passes over n without a word"):
                await asked.complete(params={"n": 2})
            assert asked.vendor.bodies == []

    asyncio.run(main())
