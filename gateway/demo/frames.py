"""The bytes of OpenAI's chat completions, as a vendor reads and writes them.

A chunk is not a token: vendors send several at a time, and so does this one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

TOKENS_A_FRAME = 4
WORDS = (" the", " call", " goes", " where", " it", " is", " answered", " soonest")
"""Said over and over, a token each."""

CREATED = 1_700_000_000
"""A fixed date: nothing here depends on the day."""


class StreamOptions(msgspec.Struct, frozen=True):
    """Of a request: whether the usage is to be told at the end."""

    include_usage: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a request that this vendor minds."""

    model: str
    messages: list[dict[str, object]]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    metadata: dict[str, str] = {}

    @property
    def most_tokens(self) -> int | None:
        """Cap of the answer, by either of its names."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def prompt_tokens(self) -> int:
        """Characters by four: what is counted here is what `traffic` planned."""
        return max(1, sum(len(text) for m in self.messages if isinstance(text := m.get("content"), str)) // 4)

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with its usage."""
        return self.stream_options is not None and self.stream_options.include_usage


_question = msgspec.json.Decoder(Question)


def question(body: bytes) -> Question:
    """Read a request.

    Raises:
        msgspec.DecodeError: it is not JSON, or not such a request.
    """
    return _question.decode(body)


def portions(tokens: int) -> Iterator[tuple[int, int]]:
    """The frames of an answer: position of the first token of each, and how many it holds. The first holds one."""
    yield 0, 1
    for first in range(1, tokens, TOKENS_A_FRAME):
        yield first, min(TOKENS_A_FRAME, tokens - first)


def said(first: int, count: int) -> str:
    """Text of so many tokens."""
    return "".join(WORDS[position % len(WORDS)] for position in range(first, first + count))


def role(asked: Question) -> bytes:
    """The first frame: the role, and no text yet."""
    return _chunk(asked, {"role": "assistant", "content": ""})


def content(asked: Question, first: int, count: int) -> bytes:
    """A frame of text."""
    return _chunk(asked, {"content": said(first, count)})


def finish(asked: Question, tokens: int) -> bytes:
    """What ends a stream: the finish reason, the usage if asked for, the end marker."""
    end = _chunk(asked, {}, finish_reason=_reason(asked, tokens))
    if asked.wants_usage:
        no_choices: list[object] = []
        end += _event(_head(asked, "chat.completion.chunk") | {"choices": no_choices, "usage": _usage(asked, tokens)})
    return end + b"data: [DONE]\n\n"


def broken() -> bytes:
    """An error inside a stream that had begun well."""
    return b"data: " + error("server_error", "the server had an error while generating", None) + b"\n\n"


def whole(asked: Question, tokens: int) -> bytes:
    """The answer in one piece."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": said(0, tokens)},
        "finish_reason": _reason(asked, tokens),
    }
    head = _head(asked, "chat.completion")
    return msgspec.json.encode(head | {"choices": [choice], "usage": _usage(asked, tokens)})


def error(kind: str, message: str, code: str | None) -> bytes:
    """An error object."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


def _reason(asked: Question, tokens: int) -> str:
    return "length" if asked.most_tokens is not None and tokens >= asked.most_tokens else "stop"


def _usage(asked: Question, tokens: int) -> dict[str, int]:
    prompt = asked.prompt_tokens
    return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def _head(asked: Question, kind: str) -> dict[str, object]:
    name = f"chatcmpl-{asked.metadata.get('call', '0')}"
    return {"id": name, "object": kind, "created": CREATED, "model": asked.model}


def _chunk(asked: Question, delta: dict[str, str], *, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _event(_head(asked, "chat.completion.chunk") | {"choices": [choice]})


def _event(told: dict[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(told) + b"\n\n"
