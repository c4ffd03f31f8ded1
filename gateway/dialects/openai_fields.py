"""Fields that the bodies of OpenAI's API have in common, read and checked.

What is wrong is told by the field at fault, as OpenAI does, and never by what is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST_CHOICES = 128
"""As OpenAI's own limit on ``n``."""

_decode = msgspec.json.Decoder().decode


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


def text_in(fields: Mapping[str, object], name: str) -> str | None:
    """A text; None where there is none.

    Raises:
        Mistake: it is no text, or an empty one.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"{name} must be a non-empty string", param=name)
    return value


def flag_in(fields: Mapping[str, object], name: str) -> bool:
    """Whether it is true; what is not there is not.

    Raises:
        Mistake: it is something else.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise Mistake(f"{name} must be true or false", param=name)
    return bool(value)


def cap_in(fields: Mapping[str, object], name: str, *, least: int) -> int | None:
    """A cap on the answer, in tokens; None where there is none.

    Raises:
        Mistake: it is no whole number of at least *least*.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise Mistake(f"{name} must be a whole number of at least {least}", param=name)
    return value


def params_in(fields: Mapping[str, object], ours: Collection[str], *, streamed: bool) -> dict[str, object]:
    """What goes to the vendor as it is: all but *ours*, and of the options of a stream what is not ours either.

    Raises:
        Mistake: those options, or the number of answers, cannot be.
    """
    params = {name: value for name, value in fields.items() if name not in ours}
    options = _options_in(fields, streamed=streamed)
    if options:
        params["stream_options"] = options
    _check_choices(params.get("n"))
    return params


def _check_choices(value: object) -> None:
    """Refuse a number of answers that nobody gives.

    Raises:
        Mistake: it is none from 1 to 128.
    """
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_CHOICES:
        raise Mistake(f"n must be a whole number from 1 to {MOST_CHOICES}", param="n")


def _options_in(fields: Mapping[str, object], *, streamed: bool) -> dict[str, object]:
    """What is asked of a stream beyond the tokens, which are always asked for.

    Raises:
        Mistake: it is no object, or there is no stream.
    """
    options = fields.get("stream_options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise Mistake("stream_options must be an object", param="stream_options")
    if not streamed:
        raise Mistake("stream_options are for streams: set stream to true, or leave them out", param="stream_options")
    given = cast("dict[str, object]", options)
    flag_in(given, "include_usage")
    return {name: value for name, value in given.items() if name != "include_usage"}
