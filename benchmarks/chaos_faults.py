"""What can go wrong with a vendor's server, as data: the bytes it sends, when, and how it ends.

A step is bytes to send or seconds to wait. What is sent is HTTP as it is on the wire, so a fault needs no code of its
own, only a row.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from typing import TypeAlias

import attrs

WORDS = tuple(f" word{number}" for number in range(10))
TEXT = "".join(WORDS)
"""The whole of a right answer."""

FIRST_S, EVERY_S = 0.02, 0.002
"""A server that is well begins after so long, and sends a word so often."""

Step: TypeAlias = bytes | float


class Ending(enum.Enum):
    """What becomes of the connection once everything is sent."""

    KEEP = "keep"
    """It waits for the next request."""
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"
    """It stays open, and nothing more comes."""


@attrs.frozen
class Fault:
    """One way of answering. steps: what is sent, and the pauses between; may never end."""

    steps: Iterable[Step] = ()
    ending: Ending = Ending.KEEP


def chunk(data: bytes) -> bytes:
    """As a chunk of HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(said: object) -> bytes:
    """An event of the stream."""
    return chunk(b"data: " + json.dumps(said).encode() + b"\n\n")


def delta(finish_reason: str | None = None, **fields: str) -> bytes:
    """A piece of the answer."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def refusal(status: str, code: str, *headers: bytes) -> Fault:
    """An answer that is an error."""
    body = json.dumps({"error": {"message": "no", "type": code, "code": code}}).encode()
    return Fault([_whole(status, body, b"application/json", *headers)])


def _whole(status: str, body: bytes, content_type: bytes, *headers: bytes) -> bytes:
    lines = [
        b"HTTP/1.1 " + status.encode(),
        b"Content-Type: " + content_type,
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
ROLE = delta(role="assistant", content="")
USAGE = {"prompt_tokens": 9, "completion_tokens": len(WORDS), "total_tokens": 9 + len(WORDS)}
END = delta("stop") + event({"id": "chatcmpl-1", "model": "m", "choices": [], "usage": USAGE})
DONE = chunk(b"data: [DONE]\n\n") + LAST
BROKEN = event({"error": {"message": "no", "type": "server_error", "code": "server_error"}})


def words(pause_s: float = EVERY_S, up_to: int | None = None) -> list[Step]:
    """The answer's words, each after a pause."""
    return [step for word in WORDS[:up_to] for step in (pause_s, delta(content=word))]


def answer(first_s: float = FIRST_S, pause_s: float = EVERY_S) -> list[Step]:
    """A right answer, as slow as told."""
    return [first_s, HEAD, ROLE, *words(pause_s), END, DONE]


BEGUN: list[Step] = [FIRST_S, HEAD, ROLE, *words(up_to=4)]
"""An answer of which four words have come."""

KEEPALIVES: list[Step] = [0.05, chunk(b": keep-alive\n\n")] * 200
"""Ten seconds of them: longer than any client waits."""

LOGIN = _whole("200 OK", b"<html>Sign in</html>", b"text/html")

WELL = Fault(answer())
NO_FAULT, REFUSED = "none", "refused"

FAULTS: Mapping[str, Fault] = {
    NO_FAULT: WELL,
    REFUSED: WELL,  # nobody listens, so nobody says it
    "reset before headers": Fault([FIRST_S], Ending.RESET),
    "closed before headers": Fault([FIRST_S], Ending.CLOSE),
    "silent": Fault([], Ending.HANG),
    "headers, then silent": Fault([FIRST_S, HEAD], Ending.HANG),
    "keep-alives for ever": Fault([HEAD, *KEEPALIVES], Ending.HANG),
    "slow to begin (0.6 s)": Fault(answer(first_s=0.6)),
    "401": refusal("401 Unauthorized", "invalid_api_key"),
    "404": refusal("404 Not Found", "model_not_found"),
    "429, back in 7 s": refusal("429 Too Many Requests", "rate_limit_exceeded", b"Retry-After: 7"),
    "429 of quota": refusal("429 Too Many Requests", "insufficient_quota"),
    "500": refusal("500 Internal Server Error", "server_error"),
    "503": refusal("503 Service Unavailable", "overloaded"),
    "a login page": Fault([LOGIN]),
    "garbage first": Fault([FIRST_S, HEAD, chunk(b"data: {nonsense\n\n")], Ending.CLOSE),
    "an empty stream": Fault([FIRST_S, HEAD, LAST]),
    "an error for a first event": Fault([FIRST_S, HEAD, ROLE, BROKEN, LAST]),
    "an error in the middle": Fault([*BEGUN, BROKEN, LAST]),
    "ends in the middle, cleanly": Fault([*BEGUN, LAST]),
    "reset in the middle": Fault(BEGUN, Ending.RESET),
    "silent in the middle": Fault(BEGUN, Ending.HANG),
    "drip (0.3 s a word)": Fault(answer(pause_s=0.3)),
}

EVERY_FIFTH = "every fifth call fails"
"""The one fault that is not the same for each call."""

QUICK = (NO_FAULT, REFUSED, "silent", "429, back in 7 s", "500", "a login page", "ends in the middle, cleanly")


def plays(name: str) -> Iterator[Fault]:
    """How a server with this fault answers one request after another."""
    if name == EVERY_FIFTH:
        return cycle([WELL, WELL, WELL, WELL, FAULTS["500"]])
    return cycle([FAULTS[name]])
