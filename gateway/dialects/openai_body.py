"""The body of ``POST /v1/chat/completions``, from bytes to a `Request`.

What the router decides or needs to know is taken out and checked; everything else goes to the vendor as it is, so that
a new parameter of OpenAI's needs no release of ours. What is wrong is told by the field at fault, as OpenAI does.

The cap has two names in OpenAI's API, ``max_tokens`` and ``max_completion_tokens``, and each vendor insists on one. It
is taken out as one number, and the adapter gives it the name that its vendor knows.

Of a key that stands twice in an object the last one counts, for our checks as for the vendor: what is sent on is
encoded anew from what was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from ...router import Request
from ...router.errors import InvalidRequest
from .dialect import Asked
from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"})
"""Fields that are not handed on among the parameters."""

CAPS = ("max_completion_tokens", "max_tokens")
MOST_CHOICES = 128
"""As OpenAI's own limit on ``n``."""

_decode = msgspec.json.Decoder().decode


def read_body(body: bytes) -> Asked:
    """What a body asks for.

    Raises:
        InvalidRequest: saying what is wrong with it, never what is in it.
    """
    fields = decoded(body)
    streamed = _flag(fields, "stream")
    params = {name: value for name, value in fields.items() if name not in OURS}
    options = _options(fields, streamed=streamed)
    if options:
        params["stream_options"] = options
    _check_choices(params.get("n"))
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Mistake("messages must be a list of at least one message", param="messages")
    model, user, cap = _text(fields, "model"), _text(fields, "user"), _cap(fields)
    try:
        request = Request(
            messages=cast("list[Mapping[str, object]]", messages),
            model=model,
            max_tokens=cap,
            user=user,
            stream=streamed,
            params=params,
        )
    except InvalidRequest as wrong:  # everything but the messages has been looked at
        raise Mistake(str(wrong), param="messages") from None
    return Asked(request=request, streamed=streamed, body=fields)


def decoded(body: bytes) -> dict[str, object]:
    """The JSON object in *body*.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        fields: object = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Their words name a place and a byte, never a value.
        raise Mistake(f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise Mistake("the body is nested too deeply") from None
    if not isinstance(fields, dict):
        raise Mistake("the body must be a JSON object")
    return cast("dict[str, object]", fields)


def wants_usage(body: Mapping[str, object]) -> bool:
    """Whether the client asked for the tokens at the end of its stream."""
    options = body.get("stream_options")
    return isinstance(options, dict) and cast("dict[str, object]", options).get("include_usage") is True


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"{name} must be a non-empty string", param=name)
    return value


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise Mistake(f"{name} must be true or false", param=name)
    return bool(value)


def _cap(fields: Mapping[str, object]) -> int | None:
    """The least that is given under either name; None where neither is."""
    cap: int | None = None
    for name in CAPS:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Mistake(f"{name} must be a whole number of at least 1", param=name)
        cap = value if cap is None else min(cap, value)
    return cap


def _check_choices(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_CHOICES:
        raise Mistake(f"n must be a whole number from 1 to {MOST_CHOICES}", param="n")


def _options(fields: Mapping[str, object], *, streamed: bool) -> dict[str, object]:
    """What is asked of a stream beyond the tokens, which are always asked for."""
    options = fields.get("stream_options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise Mistake("stream_options must be an object", param="stream_options")
    if not streamed:
        raise Mistake("stream_options are for streams: set stream to true, or leave them out", param="stream_options")
    given = cast("dict[str, object]", options)
    _flag(given, "include_usage")
    return {name: value for name, value in given.items() if name != "include_usage"}
