"""The body of ``POST /v1/completions``, from bytes to a `Request`.

As of a chat: what the router decides or needs to know is taken out and checked, everything else goes to the vendor as
it is. A cap of no tokens at all, with which a given text is only judged (``echo`` and ``logprobs``), is the vendor's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ...router import Operation, Request
from ...router.errors import InvalidRequest
from .dialect import Asked
from .openai_fields import cap_in, decoded, flag_in, params_in, text_in
from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...router import Prompt

CAP = "max_tokens"
OURS = frozenset({"model", "prompt", "stream", "stream_options", CAP})
"""Fields that are not handed on among the parameters."""


def read_completion(body: bytes) -> Asked:
    """What a body asks for.

    Raises:
        InvalidRequest: saying what is wrong with it, never what is in it.
    """
    fields = decoded(body)
    streamed = flag_in(fields, "stream")
    params = params_in(fields, OURS, streamed=streamed)
    cap = cap_in(fields, CAP, least=0)
    if cap == 0:
        params[CAP] = cap
    model, user = text_in(fields, "model"), text_in(fields, "user")
    request = request_of(
        "prompt",
        operation=Operation.COMPLETION,
        prompt=fields.get("prompt"),
        model=model,
        max_tokens=cap or None,
        user=user,
        stream=streamed,
        params=params,
    )
    return Asked(request=request, streamed=streamed, body=fields)


def request_of(
    field: str,
    *,
    operation: Operation,
    prompt: object,
    model: str | None,
    user: str | None,
    stream: bool,
    params: Mapping[str, object],
    max_tokens: int | None = None,
) -> Request:
    """A request with a prompt, which stands in *field*: the only thing that has not been looked at.

    Raises:
        Mistake: it is no prompt.
    """
    try:
        return Request(
            operation=operation,
            prompt=cast("Prompt", prompt),
            model=model,
            max_tokens=max_tokens,
            user=user,
            stream=stream,
            params=params,
        )
    except InvalidRequest as wrong:
        told = str(wrong)
        raise Mistake(told if field == "prompt" else told.replace("prompt", field, 1), param=field) from None
