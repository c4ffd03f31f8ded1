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

from ...router import Request
from ...router.errors import InvalidRequest
from .dialect import Asked
from .openai_fields import cap_in, decoded, flag_in, params_in, text_in
from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"})
"""Fields that are not handed on among the parameters."""

CAPS = ("max_completion_tokens", "max_tokens")


def read_body(body: bytes) -> Asked:
    """What a body asks for.

    Raises:
        InvalidRequest: saying what is wrong with it, never what is in it.
    """
    fields = decoded(body)
    streamed = flag_in(fields, "stream")
    params = params_in(fields, OURS, streamed=streamed)
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Mistake("messages must be a list of at least one message", param="messages")
    model, user, cap = text_in(fields, "model"), text_in(fields, "user"), _cap(fields)
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


def _cap(fields: Mapping[str, object]) -> int | None:
    """The least that is given under either name; None where neither is."""
    cap: int | None = None
    for name in CAPS:
        value = cap_in(fields, name, least=1)
        if value is not None:
            cap = value if cap is None else min(cap, value)
    return cap
