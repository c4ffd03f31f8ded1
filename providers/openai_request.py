"""The body of a chat completion request: what goes on the wire, and what may not.

A request's ``params`` go to the vendor as they are, so that a new parameter of a vendor needs no release of ours. Those
that the router decides itself cannot be among them: a parameter that silently changed the model or the messages would
make everything that is recorded about the call a lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from ..router.errors import InvalidRequest, Unsupported
from ..router.prompt import prompts_in

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.request import Request

OURS = frozenset({"model", "messages", "stream"})
"""Parameters that the router sets and a request may not."""

CAPS = ("max_tokens", "max_completion_tokens")
"""What the cap on an answer's length is called. The second is OpenAI's newer name, on which its reasoning models insist
and which most other servers do not know. Where a request gives one itself, that one stays."""

ANTHROPICS = frozenset({"thinking_blocks", "is_error"})
"""Fields of messages that mean something to Anthropic alone: reasoning that it sealed, and a mark on the result of a
tool that failed, which its words tell as well. OpenAI would refuse the whole request for them. A conversation that
began there can so go on here."""

BETAS = "betas"
"""A parameter for Anthropic alone: what of its own is to be switched on."""

CACHE_MARK = "cache_control"
"""Where a prompt is to be cached, on messages, their parts, tools and calls, or on the whole. Some servers of this form
take it from there to Anthropic. OpenAI caches unasked and refuses it."""

WITH_PARTS = ("content", "tool_calls")
"""Fields of a message whose elements may bear marks of their own."""

WITH_USAGE: Mapping[str, object] = {"include_usage": True}
"""Of a stream's options: what the answer cost is told at its end."""

TELLING = 4
"""Characters from which a text is looked for. Below that it would be found in half the words of any message."""


def _plain(value: object) -> object:
    """Messages and parameters may be any mapping; what is no JSON at all is refused."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    raise TypeError(f"a {type(value).__name__} is no JSON")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


def encode_request(
    call: Call, *, cap: str = CAPS[0], ignored: frozenset[str] = frozenset(), hints: frozenset[str] = ANTHROPICS
) -> bytes:
    """The request's JSON, for the call's target.

    cap: what the server calls the cap. ignored: parameters that the server would pass over without a word.
    hints: fields that are for other vendors and ask for nothing here; left out wherever they stand.

    Raises:
        InvalidRequest: a parameter is not for a request to set, or something in it is no JSON.
        Unsupported: a parameter would be ignored. In either case nothing was sent.
    """
    request = call.request
    params, max_tokens = request.params, call.max_tokens
    body: dict[str, object] = {
        "model": call.target.endpoint.deployment,
        "messages": _without(request.messages, hints),
    }
    if params:
        _refuse_what_cannot_be(call, ignored)
        body |= params if hints.isdisjoint(params) else _stripped(params, hints)
        tools = params.get("tools")
        if isinstance(tools, list | tuple):
            body["tools"] = _without(cast("Sequence[object]", tools), hints)
    if max_tokens is not None:
        for name in [name for name in CAPS if name in params] or [cap]:
            body[name] = _capped(params.get(name), max_tokens)
    if request.stream:
        given = params.get("stream_options")
        body["stream"] = True
        body["stream_options"] = WITH_USAGE
        if given is not None and isinstance(given, Mapping):
            body["stream_options"] = {**cast("Mapping[str, object]", given), **WITH_USAGE}
    elif params:
        body.pop("stream_options", None)  # without a stream, vendors refuse them
    if BETAS in params:
        del body[BETAS]  # they switch on what only Anthropic has; what a request asks for by them is in its fields
    return encoded(body)


def _refuse_what_cannot_be(call: Call, ignored: frozenset[str]) -> None:
    params = call.request.params
    taken = OURS & params.keys()
    if taken:
        raise InvalidRequest(
            f"params may not set {', '.join(sorted(taken))}: the router sets that itself, from the fields of Request"
        )
    if params.get("audio") is not None or "audio" in _listed(params.get("modalities")):
        raise InvalidRequest("params ask for a spoken answer: answers are text here, leave out audio and modalities")
    if ignored:
        _refuse_ignored(call, ignored)


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
    """Every text of the prompt that is long enough to give something away, to be kept out of messages.

    Addresses of images are among them: many are signed.
    """
    for message in request.messages:
        content = message.get("content")
        for part in _listed(content) or (content,):
            for text in _texts_in(part):
                if isinstance(text, str) and len(text) >= TELLING:
                    yield text
    if request.prompt is not None:
        for text in (*prompts_in(request.prompt), request.params.get("suffix")):
            if isinstance(text, str) and len(text) >= TELLING:
                yield text


def _texts_in(part: object) -> Iterator[object]:
    if not isinstance(part, Mapping):
        yield part
        return
    said = cast("Mapping[str, object]", part)
    yield said.get("text")
    image = said.get("image_url")
    yield cast("Mapping[str, object]", image).get("url") if isinstance(image, Mapping) else image


def _without(given: Sequence[object], hints: frozenset[str]) -> Sequence[object]:
    """*given* messages or tools without *hints*, and so their parts and calls. As they are, where there are none."""
    for one in given:
        if _is_marked(one, hints):
            break
    else:
        return given
    return [_stripped(cast("Mapping[str, object]", one), hints) if isinstance(one, Mapping) else one for one in given]


def _is_marked(one: object, hints: frozenset[str]) -> bool:
    if not (isinstance(one, dict) or isinstance(one, Mapping)):  # noqa: SIM101  most are the first, told in no time
        return False
    fields = cast("Mapping[str, object]", one)
    if not hints.isdisjoint(fields):
        return True
    for name in WITH_PARTS:
        parts = fields.get(name)
        if parts is None or isinstance(parts, str):  # as most are
            continue
        if isinstance(parts, list | tuple) and any(
            isinstance(part, dict | Mapping) and not hints.isdisjoint(cast("Mapping[str, object]", part))
            for part in cast("Sequence[object]", parts)
        ):
            return True
    return False


def _stripped(fields: Mapping[str, object], hints: frozenset[str]) -> dict[str, object]:
    left = {name: value for name, value in fields.items() if name not in hints}
    for name in WITH_PARTS:
        parts = left.get(name)
        if isinstance(parts, list | tuple):
            left[name] = _without(cast("Sequence[object]", parts), hints)
    return left


def _refuse_ignored(call: Call, ignored: frozenset[str]) -> None:
    params = call.request.params
    asked = {name for name in ignored & params.keys() if params[name] is not None}
    if call.request.choices == 1:
        asked.discard("n")
    if asked:
        raise Unsupported(
            f"this server passes over {', '.join(sorted(asked))} without a word: leave it out of the params, or route "
            "the request to an endpoint that heeds it",
            endpoint=call.target.endpoint.name,
        )


def _listed(given: object) -> Iterable[object]:
    return cast("Iterable[object]", given) if isinstance(given, list | tuple) else ()


def _capped(given: object, cap: int) -> int:
    """A parameter may ask for less than the cap, never for more."""
    return min(given, cap) if isinstance(given, int) else cap
