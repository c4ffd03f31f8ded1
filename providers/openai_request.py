"""The body of a chat completion request: what goes on the wire, and what may not.

A request's ``params`` go to the vendor as they are, so that a new parameter of a vendor needs no release of ours. Those
that the router decides itself cannot be among them: a parameter that silently changed the model or the messages would
make everything that is recorded about the call a lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from ..router.errors import InvalidRequest

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.request import Request

OURS = frozenset({"model", "messages", "stream"})
"""Parameters that the router sets and a request may not."""

NEWER_CAP = "max_completion_tokens"
"""OpenAI's newer name of the cap, which its reasoning models insist on."""

TELLING = 4
"""Characters from which a text is looked for. Below that it would be found in half the words of any message."""


def _plain(value: object) -> object:
    """Messages and parameters may be any mapping; what is no JSON at all is refused."""
    if isinstance(value, Mapping):
        return dict(cast(Mapping[str, object], value))
    raise TypeError(f"a {type(value).__name__} is no JSON")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


def encode_request(call: Call) -> bytes:
    """The request's JSON, for the call's target.

    Raises:
        InvalidRequest: a parameter is not for a request to set, or something in it is no JSON. Nothing was sent.
    """
    request = call.request
    params = request.params
    taken = OURS & params.keys()
    if taken:
        raise InvalidRequest(
            f"params may not set {', '.join(sorted(taken))}: the router sets that itself, from the fields of Request"
        )
    if params.get("n", 1) not in (None, 1):
        raise InvalidRequest("params ask for several answers with 'n': a call has one, so make a call for each")
    body: dict[str, object] = {"model": call.target.endpoint.deployment, "messages": request.messages, **params}
    if call.max_tokens is not None:
        name = NEWER_CAP if NEWER_CAP in params else "max_tokens"
        body[name] = _capped(params.get(name), call.max_tokens)
    if request.stream:
        given = params.get("stream_options")
        options: dict[str, object] = {**cast(Mapping[str, object], given)} if isinstance(given, Mapping) else {}
        body["stream"] = True
        body["stream_options"] = {**options, "include_usage": True}
    else:
        body.pop("stream_options", None)  # without a stream, vendors refuse them
    return encoded(body)


def encoded(body: Mapping[str, object]) -> bytes:
    """*body* as JSON.

    Raises:
        InvalidRequest: something in it is no JSON.
    """
    try:
        return _encode(body)
    except (TypeError, UnicodeEncodeError, OverflowError, RecursionError) as error:
        # Other errors' own words may quote what could not be encoded, which is the prompt.
        told = error if isinstance(error, TypeError) else type(error).__name__
        raise InvalidRequest(f"messages or params cannot be sent as JSON: {told}") from None


def texts_of(request: Request) -> Iterator[str]:
    """Every text of the prompt that is long enough to give something away, to be kept out of messages."""
    for message in request.messages:
        content = message.get("content")
        parts = cast(Iterable[object], content) if isinstance(content, list | tuple) else (content,)
        for part in parts:
            text = cast(Mapping[str, object], part).get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str) and len(text) >= TELLING:
                yield text


def _capped(given: object, cap: int) -> int:
    """A parameter may ask for less than the cap, never for more."""
    return min(given, cap) if isinstance(given, int) else cap
