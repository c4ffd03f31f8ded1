"""OpenAI's completions, as they were before chat: a text goes in, and what comes after it comes out.

Open servers have it still, for base models, for ``suffix`` (what comes between two texts) and for ``echo`` with
``logprobs``, which tells how likely a given text is. Answers come in frames like those of a chat, with a ``text`` where
that has a ``delta``; so they are read as those are.

Source: OpenAI's API reference, "Completions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from ..router.errors import InvalidRequest, Unsupported
from .openai_request import encoded
from .openai_wire import NOTHING, Choice, Delta, ServedFrame, Tokens, VendorLogprobs

if TYPE_CHECKING:
    from ..router.call import Call

OURS = frozenset({"model", "prompt", "stream", "messages"})
"""Parameters that the router sets and a request may not."""

CAP = "max_tokens"
"""What the cap is called here, whatever it is called in a chat."""


def encode_completion(call: Call, *, ignored: frozenset[str] = frozenset()) -> bytes:
    """The request's JSON, for the call's target.

    ignored: parameters that the server would pass over without a word.

    Raises:
        InvalidRequest: a parameter is not for a request to set, or something in it is no JSON.
        Unsupported: a parameter would be ignored. In either case nothing was sent.
    """
    request, endpoint = call.request, call.target.endpoint
    params = request.params
    refuse_ours(params, OURS)
    asked = sorted(name for name in ignored & params.keys() if params[name] is not None and (name, params[name]) != ONE)
    if asked:
        told = f"this server passes over {', '.join(asked)} without a word: leave it out of the params"
        raise Unsupported(f"{told}, or route the request to an endpoint that heeds it", endpoint=endpoint.name)
    body: dict[str, object] = {"model": endpoint.deployment, "prompt": request.prompt, **params}
    if call.max_tokens is not None:
        given = params.get(CAP)
        body[CAP] = min(given, call.max_tokens) if isinstance(given, int) else call.max_tokens
    if request.stream:
        given = params.get("stream_options")
        options: dict[str, object] = {**cast("Mapping[str, object]", given)} if isinstance(given, Mapping) else {}
        body["stream"] = True
        body["stream_options"] = {**options, "include_usage": True}
    else:
        body.pop("stream_options", None)  # without a stream, vendors refuse them
    return encoded(body)


ONE = ("n", 1)
"""To ask for one answer is to ask for nothing."""


def refuse_ours(params: Mapping[str, object], ours: frozenset[str]) -> None:
    """Refuse parameters that the router sets itself.

    Raises:
        InvalidRequest: naming them.
    """
    taken = ours & params.keys()
    if taken:
        raise InvalidRequest(
            f"params may not set {', '.join(sorted(taken))}: the router sets that itself, from the fields of Request"
        )


class TextChoice(msgspec.Struct, frozen=True, gc=False):
    """One of the texts. Fields as in `Choice`."""

    index: int | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: VendorLogprobs | float | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = NOTHING


class TextFrame(msgspec.Struct, frozen=True, gc=False):
    """A ``text_completion``, whole or a piece of one, or the error that came in its place."""

    choices: list[TextChoice] | None = None
    usage: Tokens | None = None
    error: msgspec.Raw = NOTHING
    model: msgspec.Raw = NOTHING
    service_tier: msgspec.Raw = NOTHING


_decode = msgspec.json.Decoder(TextFrame).decode


def decode_text(data: bytes) -> ServedFrame:
    """A frame of JSON bytes, as if it were one of a chat. Raises `msgspec.DecodeError` for what is none."""
    frame = _decode(data)
    choices = None if frame.choices is None else [_choice(choice) for choice in frame.choices]
    return ServedFrame(
        choices=choices, usage=frame.usage, error=frame.error, model=frame.model, service_tier=frame.service_tier
    )


def _choice(said: TextChoice) -> Choice:
    return Choice(
        index=said.index,
        delta=Delta(content=said.text),
        finish_reason=said.finish_reason,
        logprobs=said.logprobs,
        usage=said.usage,
        error=said.error,
    )
