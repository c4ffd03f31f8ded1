"""What Anthropic itself streams goes on to its clients in the bytes it came in, for as long as nothing changes it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from paceline.gateway.dialects import Anthropic
from paceline.gateway.dialects.anthropic_stream import AnthropicWriter
from paceline.gateway.dialects.openai import OpenAI
from paceline.providers import Anthropic as Provider
from paceline.providers.anthropic_answer import MessagesAnswer
from paceline.providers.sse import SseDecoder
from paceline.router import DISCARD, Chunk, Endpoint
from paceline.router.errors import AttemptFailed, StreamInterrupted
from paceline.router.ledger import Attempt
from tests.providers.anthropic_server import MODEL, Reply, event, text, thinking, tool_use
from tests.providers.test_anthropic_sdk import CITED, REPLIES

from .messages_read import Json, message_in

ASKED = b'{"model": "chat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}'
STOP = Chunk(finish_reason="stop")


def writer() -> AnthropicWriter:
    dialect = Anthropic(new_id=lambda: "ours")
    return dialect.writer(dialect.read(ASKED))


def unexpected(_: object) -> AttemptFailed:
    raise AssertionError("the vendor reports no failure here")


def chunks_of(reply: Reply) -> list[Chunk]:
    """As Anthropic's adapter hands them on."""
    return chunks_in(b"".join(reply.events()))


def chunks_in(stream: bytes) -> list[Chunk]:
    answer = MessagesAnswer(Attempt(Endpoint(name="claude", provider=Provider(), model=MODEL), 1, 0.0), unexpected)
    made = [answer.chunk(event) for event in SseDecoder().feed(stream)]
    return [chunk for chunk in made if chunk is not None]


def streamed(*chunks: Chunk) -> bytes:
    out = writer()
    return b"".join([*(out.chunk(chunk) for chunk in chunks), out.end()])


def without_bytes(chunk: Chunk) -> Chunk:
    """As a policy leaves one that it has changed."""
    return replace(chunk, raw=b"")


def read(stream: bytes) -> Json:
    """The message, as strictly as it may be read: keep-alives stand anywhere, and of several ends the last counts."""
    frames = [frame + b"\n\n" for frame in stream.split(b"\n\n")[:-1] if not frame.startswith(b"event: ping\n")]
    ends = [place for place, frame in enumerate(frames) if frame.startswith(b"event: message_delta\n")]
    return message_in(b"".join(frame for place, frame in enumerate(frames) if place not in ends[:-1]))


@pytest.mark.parametrize("name", REPLIES)
def test_the_bytes_are_the_vendors(name: str) -> None:
    assert streamed(*chunks_of(REPLIES[name])) == b"".join(REPLIES[name].events())


def test_events_of_kinds_that_nobody_knows_yet_go_along() -> None:
    begin, *rest = Reply().events()
    stream = b"".join((begin, event("usage_so_far", tokens=3), *rest))
    assert streamed(*chunks_in(stream)) == stream


@pytest.mark.parametrize("indent", [0, 2])
def test_json_that_is_written_in_another_way_is_the_same_answer(indent: int) -> None:
    reply = REPLIES["thinking"]
    spread = [replace(chunk, raw=msgspec.json.format(chunk.raw, indent=indent)) for chunk in chunks_of(reply)]
    frames = streamed(*spread).split(b"\n\n")[:-1]
    assert [name for name, *_ in (frame.split(b"\n") for frame in frames)] == [
        said.split(b"\n")[0] for said in reply.events()
    ]
    lines = [[line.removeprefix(b"data: ") for line in frame.split(b"\n")[1:]] for frame in frames]
    assert [b"\n".join(several) for several in lines] == [chunk.raw for chunk in spread]


blocks: st.SearchStrategy[Json] = (
    st.text(min_size=1, max_size=9).map(text)
    | st.text(min_size=1, max_size=9).map(thinking)
    | st.just({"type": "redacted_thinking", "data": "xyz"})
    | st.text(max_size=9).map(lambda city: tool_use("toolu_1", "look", city=city))
    | st.just(tool_use("toolu_1", "now"))
)


@given(st.lists(blocks, min_size=1, max_size=4), st.integers(0, 40))
def test_from_where_a_piece_was_changed_events_are_made_here_and_the_message_is_the_same(
    content: list[Json], at: int
) -> None:
    reply = Reply(content=tuple(content), piece=3, stop_reason="stop_sequence")
    whole = chunks_of(reply)
    changed = [*whole[:at], *(without_bytes(chunk) for chunk in whole[at : at + 1]), *whole[at + 1 :]]
    said = read(streamed(*changed))
    assert said["content"] == [*reply.content]
    has_told_the_end = all(chunk.usage is None for chunk in whole[max(1, at) : at + 1])
    assert said["stop_reason"] == "stop_sequence" or not has_told_the_end


def test_words_from_elsewhere_go_on_in_the_block_that_is_open() -> None:
    stream = streamed(*chunks_of(Reply(content=(text("Hello "),), piece=9))[:4], Chunk("there"), STOP)
    assert read(stream)["content"] == [text("Hello there")]


def test_what_another_endpoint_of_anthropics_goes_on_with_is_numbered_anew() -> None:
    broken_off = chunks_of(Reply(content=(text("Hello"), text(" there"))))[:-3]
    rest = chunks_of(Reply(content=(thinking("hm"), text(", you"))))
    content = read(streamed(*broken_off, *rest))["content"]
    assert content == [text("Hello"), text(" there"), thinking("hm"), text(", you")]


def test_a_piece_of_a_block_that_never_began_here_is_not_passed_on_as_it_is() -> None:
    first, second = (chunks_of(Reply(content=(text("one"), text("two")), piece=9)) for _ in range(2))
    begin, ping, start, one = first[:4]
    two = next(chunk for chunk in second if chunk.text == "two")
    assert read(streamed(begin, ping, start, one, two, STOP))["content"] == [text("onetwo")]


def test_a_restart_ends_what_is_open_and_the_answer_begins_anew() -> None:
    reply = Reply(content=({"type": "server_tool_use", "id": "srvtoolu_1", "name": "look", "input": {}}, text("so")))
    out = writer()
    begun = b"".join(out.chunk(chunk) for chunk in chunks_of(reply)[:3])
    assert begun == b"".join([*reply.events()][:3])
    discarded = out.chunk(DISCARD)
    assert discarded.startswith(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n')
    assert discarded.endswith(b'event: paceline.discard\ndata: {"type":"paceline.discard"}\n\n')
    assert b'"index":1' in out.chunk(Chunk("anew"))


def test_what_breaks_off_ends_in_an_error_and_no_end() -> None:
    out = writer()
    events = [*Reply().events()][:4]
    passed = b"".join(out.chunk(chunk) for chunk in chunks_in(b"".join(events)))
    last = out.broken(StreamInterrupted("it broke off", delivered=4))
    assert passed == b"".join(events)
    assert last.startswith(b"event: error\n")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"no JSON", id="no JSON"),
        pytest.param(b'{"type":"message_stop"}', id="an end without a beginning"),
        pytest.param(b'{"type":"a\\nb"}', id="a name that is none"),
        pytest.param(b'{"id":"chatcmpl-1","choices":[{"delta":{"content":"Hello"}}]}', id="another form"),
    ],
)
def test_what_is_no_beginning_of_anthropics_is_made_here(raw: bytes) -> None:
    said = read(streamed(Chunk("Hello", raw=raw), STOP))
    assert (said["id"], said["content"]) == ("ours", [text("Hello")])


@pytest.mark.parametrize("name", [b"", b"a\\nb"])
def test_an_event_without_a_usable_name_is_no_event(name: bytes) -> None:
    odd = Chunk("there", raw=b'{"type":"%b"}' % name)
    stream = streamed(*chunks_of(Reply(content=(text("Hello "),), piece=9))[:4], odd, STOP)
    assert read(stream)["content"] == [text("Hello there")]


def test_openais_clients_get_frames_of_openais_whatever_a_tool_is_called_with() -> None:
    dialect = OpenAI(new_id=lambda: "ours", now=lambda: 1)
    out = dialect.writer(dialect.read(b'{"messages": [{"role": "user", "content": "hi"}]}'))
    given: dict[str, Any] = {"choices": [], "delta": {}}
    start = event("content_block_start", index=0, content_block=tool_use("toolu_1", "pick", **given))
    begin = next(Reply().events())
    stream = b"".join(out.chunk(chunk) for chunk in chunks_in(begin + start))
    assert b"content_block" not in stream
    assert b'"name":"pick"' in stream


def test_citations_stand_where_they_stood() -> None:
    reply = Reply(content=(text("I say "), text("so it is", citations=[CITED]), text(", I say")))
    assert streamed(*chunks_of(reply)) == b"".join(reply.events())


@pytest.mark.parametrize("name", REPLIES)
def test_the_bytes_are_the_vendors_where_many_events_came_at_once(name: str) -> None:
    stream = b"".join(REPLIES[name].events())
    record = Attempt(Endpoint(name="claude", provider=Provider(), model=MODEL), 1, 0.0, first_progress_s=0.0)
    together = list(MessagesAnswer(record, unexpected).chunks(SseDecoder().read(stream)))

    assert streamed(*together) == stream


def test_words_that_came_at_once_and_fit_into_no_block_are_told_all_the_same() -> None:
    begin, *_ = chunks_of(Reply())
    lost = Chunk("one two", raw=b'{"type":"content_block_delta"}\n{"type":"content_block_delta"}', pieces=2)
    assert message_in(streamed(begin, lost, STOP))["content"] == [{"type": "text", "text": "one two"}]
