"""`together` and `openai_alike`: what came in one read is handed on in few chunks, and says the same."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paceline.policies import Chaos, CutOff, Injection
from paceline.providers import OpenAICompatible
from paceline.providers.error_body import VendorError
from paceline.providers.openai_answer import ChatAnswer
from paceline.providers.sse import Event
from paceline.providers.together import says_only_text
from paceline.router import Chunk, Endpoint
from paceline.router.errors import AttemptFailed, ProviderError, StreamInterrupted
from paceline.router.ledger import Attempt

from .anthropic_server import Reply, chunks
from .anthropic_server import text as block
from .loopback import DONE, STOP, USAGE, asking, frame, question, streams, text

ROLE: dict[str, object] = {"model": "m-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
LOGPROBS = {"content": [{"token": "x", "logprob": -0.5}]}
WORDS = ["The", " quick", " brown", " fox", " jumps"]

Units = list[Chunk | tuple[str, tuple[bytes, ...]]]


def attempt(*, choices: int = 1) -> Attempt:
    endpoint = Endpoint(name="e", provider=OpenAICompatible(), url="http://127.0.0.1:1/v1", model="m")
    return Attempt(endpoint=endpoint, number=1, sent_s=0.0, choices=choices)


def refuse(error: VendorError) -> AttemptFailed:
    return ProviderError(error.message)


def heard_of(*frames: bytes, policies: Any = ()) -> list[Chunk]:
    """What a caller is given of *frames* that come in one piece, whatever the end."""
    heard: list[Chunk] = []

    async def take(chunk: Chunk) -> None:
        heard.append(chunk)

    async def main() -> None:
        async with asking(streams(b"".join(frames)), policies=policies) as asked:
            try:
                await asked.router.send(question(), take)
            except StreamInterrupted:
                heard.append(Chunk("(broken off)"))

    asyncio.run(main())
    return heard


def test_words_that_came_at_once_are_one_chunk_but_for_the_first() -> None:
    heard = heard_of(frame(ROLE), *(frame(text(word)) for word in WORDS), frame(STOP), frame(USAGE), DONE)

    assert [chunk.text for chunk in heard] == ["", "The", "".join(WORDS[1:]), "", ""]
    assert [chunk.pieces for chunk in heard] == [1, 1, len(WORDS) - 1, 1, 1]
    assert heard[2].raw.split(b"\n") == [msgspec.json.encode(text(word)) for word in WORDS[1:]]
    assert heard[3].finish_reason == "stop"
    assert heard[4].usage is not None


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"content": "x", "reasoning": "hm"},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "assistant", "content": ""},
    ],
)
def test_what_says_more_than_text_stays_in_its_place(delta: dict[str, object]) -> None:
    other = {"model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    words = [frame(text(word)) for word in "abcdef"]
    heard = heard_of(*words[:3], frame(other), *words[3:], frame(STOP), DONE)

    (place,) = (place for place, chunk in enumerate(heard) if chunk.raw == msgspec.json.encode(other))
    assert "".join(chunk.text for chunk in heard[:place]) == "abc"
    assert [chunk.text for chunk in heard[place + 1 :]] == ["def", ""]


def test_words_that_came_before_a_failure_are_told_first() -> None:
    failed = frame({"error": {"message": "no room", "code": "overloaded"}})
    for words in (WORDS, ["\u00e9\\", "\n", '"', "\u00e9\n"]):
        heard = heard_of(*(frame(text(word)) for word in words), failed)
        assert "".join(chunk.text for chunk in heard) == "".join(words) + "(broken off)"


def test_who_meddles_with_pieces_is_given_them_one_by_one() -> None:
    chaos = Chaos(injections=[Injection(fault=CutOff(after=3), share=1.0)], seed=1)
    heard = heard_of(*(frame(text(word)) for word in WORDS), frame(STOP), DONE, policies=[chaos])

    assert [chunk.text for chunk in heard] == [*WORDS[:3], "(broken off)"]


def test_nothing_is_read_beyond_the_end_marker() -> None:
    late = (frame(text("late")), frame({"error": "late"}))
    for words in (WORDS, ["\n"] * 5):
        heard = heard_of(*(frame(text(word)) for word in words), frame(STOP), DONE, *late)
        assert "".join(chunk.text for chunk in heard) == "".join(words)


def test_several_answers_are_kept_apart() -> None:
    def of(index: int, content: str, reason: str | None = None) -> bytes:
        choice = {"index": index, "delta": {"content": content}, "finish_reason": reason}
        return msgspec.json.encode({"choices": [choice]})

    lines = [of(0, "a"), of(1, "b"), of(0, "c"), of(0, "d"), of(1, "e", "stop"), of(0, "", "stop")]
    answer = ChatAnswer(attempt(choices=2), refuse)
    heard = list(answer.chunks(b"\n".join(lines)))

    assert "".join(chunk.text for chunk in heard) == "acd"
    assert "".join(other.text for chunk in heard for other in chunk.others) == "be"
    assert heard[-1].finish_reason == "stop"


def test_the_words_of_a_messages_block_are_one_chunk_too() -> None:
    heard = chunks(Reply(content=(block("one two three four five six seven"),)))
    words = [chunk for chunk in heard if chunk.text]

    assert "".join(chunk.text for chunk in words) == "one two three four five six seven"
    assert all(len(chunk.raw.split(b"\n")) == chunk.pieces for chunk in words)


# -- whatever the frames are

alike_text = st.text(max_size=4) | st.sampled_from(["another text", "m-1", '"', "\\", "\n", '"}}]}', "\U0001f680"])
plain = alike_text.map(text)
ODD: list[dict[str, object]] = [
    ROLE,
    STOP,
    USAGE,
    text("w", usage={"prompt_tokens": 1, "completion_tokens": 1}),
    text("w", x="y"),
    {"choices": [{"index": 0, "delta": {"content": "w"}, "logprobs": LOGPROBS}]},
    {"choices": [{"index": 1, "delta": {"content": "w"}}]},
    {"choices": []},
    {"error": {"message": "broken"}},
]
lines = st.one_of(plain, plain, plain, st.sampled_from(ODD)).map(msgspec.json.encode) | st.sampled_from(
    [
        b"",
        b"[DONE]",
        b'{"model":"m-1","choices":[{"index":0,"delta":{"content":"a","content":"b"},"finish_reason":null}]}',
        b'{"model":"m-1","choices":[{"index":0,"delta":{"content":"\\"},"finish_reason":null}]}',
        b'{"model":"m-1","choices":[{"index":0,"delta":{"content":"\xff"},"finish_reason":null}]}',
        b'{"model":"m-1","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]',
    ]
)


def units_of(heard: list[Chunk]) -> Units:
    """Chunks, with text that stands side by side put together."""
    units: Units = []
    for chunk in heard:
        plain_text = chunk.pieces > 1 or says_only_text(chunk)
        last = units[-1] if units else None
        if not plain_text:
            units.append(chunk)
        elif isinstance(last, tuple):
            units[-1] = (last[0] + chunk.text, (*last[1], *chunk.raw.split(b"\n")))
        else:
            units.append((chunk.text, tuple(chunk.raw.split(b"\n"))))
    return units


def without_empty(units: Units) -> Units:
    """Of frames that have an empty text, and are alike but for that, it does not matter with whom they go along."""
    return [unit for unit in units if isinstance(unit, tuple) or unit != Chunk(raw=unit.raw)]


def one_by_one(reads: list[list[bytes]]) -> tuple[list[Chunk], str]:
    answer, heard = ChatAnswer(attempt(), refuse), list[Chunk]()
    try:
        for read in reads:
            for line in read:
                chunk = answer.chunk(Event(line))
                if chunk is not None:
                    heard.append(chunk)
                if answer.done:
                    return heard, "done"
    except AttemptFailed as failed:
        return heard, type(failed).__name__
    return heard, ""


def at_once(reads: list[list[bytes]]) -> tuple[list[Chunk], str]:
    record = attempt()
    answer, heard = ChatAnswer(record, refuse), list[Chunk]()
    try:
        for read in reads:
            for chunk in answer.chunks(b"\n".join(read)):
                heard.append(chunk)
                if chunk.is_progress:
                    record.first_progress_s = 0.0
            if answer.done:
                return heard, "done"
    except AttemptFailed as failed:
        return heard, type(failed).__name__
    return heard, ""


@given(st.lists(st.lists(lines, min_size=1, max_size=8), max_size=4))
@example([[msgspec.json.encode(text(word)) for word in ("a", "b", "", "c", "\n", "d")]])
def test_what_is_handed_on_together_says_what_it_says_piece_by_piece(reads: list[list[bytes]]) -> None:
    (apart, apart_end), (joined, joined_end) = one_by_one(reads), at_once(reads)

    assert joined_end == apart_end
    assert "".join(chunk.text for chunk in joined) == "".join(chunk.text for chunk in apart)
    assert [raw for chunk in joined for raw in chunk.raw.split(b"\n")] == [chunk.raw for chunk in apart]
    assert [unit for unit in without_empty(units_of(joined)) if isinstance(unit, Chunk)] == [
        unit for unit in without_empty(units_of(apart)) if isinstance(unit, Chunk)
    ]
    assert all(chunk == Chunk(chunk.text, raw=chunk.raw, pieces=chunk.pieces) for chunk in joined if chunk.pieces > 1)
