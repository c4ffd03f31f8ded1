"""The body of ``POST /v1/messages``, from bytes to a `Request`.

Every field takes one of four ways, so that none gets lost:

- OpenAI's form has it under another name or in another form: translated, so that every vendor is asked for it.
- It is Anthropic's alone (``top_k``, ``thinking`` with a budget, ``context_management``, ...): it goes along as it is.
  An endpoint of Anthropic's takes it back, and others refuse it by name.
- It is OpenAI's alone (``n``, ``seed``, ...): refused, as Anthropic refuses it. In this API it means nothing.
- It asks for what cannot come back through here, such as what servers of the vendor's find: refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...router import Request
from ...router.errors import InvalidRequest
from .anthropic_fields import Fields, Json, list_at, mistaken, object_at, only, text_at
from .anthropic_tools import choice_of, tools_of
from .anthropic_turns import conversation
from .dialect import Asked
from .openai_fields import decoded
from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAIS = frozenset(
    (
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "stop",
        "store",
        "stream_options",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    )
)
"""Parameters of OpenAI's that would be taken for what they are there."""

ELSEWHERE = frozenset(("mcp_servers", "container"))
"""What has the vendor run something of its own, whose doings come back in blocks that have no place here."""

IN_A_HEADER = "betas"
"""What Anthropic's clients call what they send as ``anthropic-beta``: nothing for a body."""

TAKEN = frozenset(("model", "messages", "system", "stream", "max_tokens"))
"""Fields that are not handed on among the parameters."""

TIERS = {"auto": "auto", "standard_only": "default"}
EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))
ANSWER = "answer"
"""What a schema of the answer is called: OpenAI wants a name for it, Anthropic has none."""

HOTTEST = 1


def read_body(body: bytes) -> Asked:
    """What a body asks for.

    Raises:
        InvalidRequest: saying what is wrong with it, never what is in it.
    """
    fields = decoded(body)
    given = {name: value for name, value in fields.items() if value is not None}
    for name in sorted(given.keys() & (OPENAIS | {IN_A_HEADER})):
        mistaken(name, "Extra inputs are not permitted")
    for name in sorted(given.keys() & ELSEWHERE):
        mistaken(name, "it is not to be had here: what comes of it cannot be passed on")
    model = text_at(given, "model", "model")
    streamed = given.get("stream", False)
    if not isinstance(streamed, bool):
        mistaken("stream", "Input should be a boolean")
    cap = _cap(given)
    if "messages" not in given:
        mistaken("messages", "Field required")
    messages: list[Mapping[str, object]] = [*conversation(given.get("system"), given["messages"])]
    params = _params({name: value for name, value in given.items() if name not in TAKEN})
    user = params.get("user")
    try:
        request = Request(
            messages=messages,
            model=model,
            max_tokens=cap,
            user=user if isinstance(user, str) else None,
            stream=streamed,
            params=params,
        )
    except InvalidRequest as wrong:  # everything but the messages has been looked at
        raise Mistake(str(wrong), param="messages") from None
    return Asked(request=request, streamed=streamed, body=fields)


def _cap(given: Fields) -> int:
    cap = given.get("max_tokens")
    if cap is None:
        mistaken("max_tokens", "Field required")
    if not isinstance(cap, int) or isinstance(cap, bool) or cap < 1:
        mistaken("max_tokens", "Input should be a whole number greater than or equal to 1")
    return cap


def _params(given: Json) -> Json:
    """What goes to the vendor beside the messages, in OpenAI's words where it has them."""
    params = dict(given)
    for name in ("temperature", "top_p"):
        _check_share(given.get(name), name)
    if "tools" in given:
        tools = tools_of(params.pop("tools"))
        if tools:
            params["tools"] = tools
    if "tool_choice" in given:
        params |= choice_of(params.pop("tool_choice"))
    if "stop_sequences" in given:
        stops = _stops(params.pop("stop_sequences"))
        if stops:
            params["stop"] = stops
    if "metadata" in given:
        params |= _user(params.pop("metadata"))
    if "service_tier" in given:
        params["service_tier"] = _tier(given["service_tier"])
    if "output_config" in given:
        params |= _format(params.pop("output_config"))
    _effort(params)
    return params


def _check_share(value: object, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= HOTTEST:
        mistaken(name, f"Input should be a number from 0 to {HOTTEST}")


def _stops(given: object) -> list[object]:
    stops = list_at(given, "stop_sequences")
    for place, stop in enumerate(stops):
        if not isinstance(stop, str):
            mistaken(f"stop_sequences.{place}", "Input should be a string")
    return stops


def _user(given: object) -> Json:
    metadata = object_at(given, "metadata")
    only(metadata, frozenset(("user_id",)), "metadata")
    if "user_id" not in metadata:
        return {}
    return {"user": text_at(metadata, "user_id", "metadata.user_id")}


def _tier(given: object) -> str:
    if not isinstance(given, str) or given not in TIERS:
        mistaken("service_tier", f"Input should be one of {', '.join(TIERS)}")
    return TIERS[given]


def _format(given: object) -> Json:
    """A schema of the answer, and what else the output's configuration says, as it is."""
    config = dict(object_at(given, "output_config"))
    made: Json = {}
    if "format" in config:
        form = object_at(config.pop("format"), "output_config.format")
        only(form, frozenset(("type", "schema")), "output_config.format")
        if form.get("type") != "json_schema":
            mistaken("output_config.format.type", "Input should be 'json_schema'")
        object_at(form.get("schema"), "output_config.format.schema")
        schema: Json = {"name": ANSWER, "schema": form["schema"], "strict": True}
        made["response_format"] = {"type": "json_schema", "json_schema": schema}
    if config:
        made["output_config"] = config
    return made


def _effort(params: Json) -> None:
    """How hard to think, where OpenAI's ``reasoning_effort`` says just the same."""
    thinking = params.get("thinking")
    if thinking is None:
        return
    told = object_at(thinking, "thinking")
    text_at(told, "type", "thinking.type")
    if told == {"type": "disabled"}:
        del params["thinking"]
        params["reasoning_effort"] = "none"
        return
    left = dict(object_at(params.get("output_config", {}), "output_config"))
    effort = left.pop("effort", None)
    if told != {"type": "adaptive"} or not isinstance(effort, str) or effort not in EFFORTS:
        return
    del params["thinking"], params["output_config"]
    params["reasoning_effort"] = effort
    if left:
        params["output_config"] = left
