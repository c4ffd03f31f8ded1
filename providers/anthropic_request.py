"""The body of a Messages request, from a call in OpenAI's form.

Every parameter takes one of four ways, so that none gets lost (``betas`` go into a header, see `anthropic_betas`):

- Anthropic has it under another name or in another form: translated (`_Body`).
- OpenAI has it and Anthropic has not: refused by its name, unless its value asks for nothing (`NEUTRAL`).
- The router sets it itself: refused, as for every vendor.
- Anything else is taken for Anthropic's own (``top_k``, ``thinking``, ``container``, ...) and goes out as it is;
  Anthropic refuses what it does not know.

``stream_options`` ask for what Anthropic always sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..router.errors import InvalidRequest, Unsupported
from .anthropic_messages import conversation
from .anthropic_parts import Fields, Json, fields_of, list_of, mistaken, refuse, text_of
from .anthropic_thinking import Thinking
from .anthropic_tools import choice_of, tools_of
from .openai_request import BETAS, OURS, encoded

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.request import Request

NEUTRAL: dict[str, tuple[object, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": (),
    "functions": (),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"], ("text",)),
    "moderation": (),
    "n": (1,),
    "prediction": (),
    "presence_penalty": (0,),
    "prompt_cache_key": (),
    "prompt_cache_retention": (),
    "seed": (),
    "store": (False,),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""OpenAI's parameters that Anthropic cannot express, each with the values that ask for nothing; null always does."""

TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
"""OpenAI's service tiers in Anthropic's words. Its others have no equal."""

HOTTEST = 1.0
"""OpenAI's temperatures go to 2."""


@attrs.frozen(kw_only=True)
class Encoder:
    """Makes the bodies of requests.

    max_tokens: the cap where nobody sets one. thinking: how the model is told to think.
    """

    max_tokens: int
    thinking: Thinking

    def __call__(self, call: Call) -> bytes:
        """The request's JSON, for the call's target.

        Raises:
            InvalidRequest: something in it is a mistake.
            Unsupported: something in it cannot be sent to Anthropic. Either says what, and nothing was sent.
        """
        endpoint = call.target.endpoint
        try:
            return encoded(self.body(call.request, endpoint.deployment, call.max_tokens))
        except Unsupported as told:
            raise Unsupported(str(told), endpoint=endpoint.name) from None

    def body(self, request: Request, model: str, max_tokens: int | None) -> Json:
        """The body of a *request* to *model*.

        max_tokens: the cap of the call; None if it has none.

        Raises:
            InvalidRequest, Unsupported: as above.
        """
        taken = OURS & request.params.keys()
        if taken:
            told = "the router sets that itself, from the fields of Request"
            raise InvalidRequest(f"params may not set {', '.join(sorted(taken))}: {told}")
        given = {name: value for name, value in request.params.items() if value is not None and name != BETAS}
        system, turns = conversation(request.messages)
        body = _Body(given)
        body.said["model"] = model
        body.said["messages"] = turns
        if system:
            body.said["system"] = system
        body.cap(max_tokens, self)
        body.tools()
        body.sampling()
        body.format()
        body.identity()
        if request.stream:
            body.said["stream"] = True
        return body.rest()


class _Body:
    """One body in the making. Each step takes what it knows of the *given* parameters; the rest is Anthropic's own."""

    __slots__ = ("_given", "said")

    def __init__(self, given: Json) -> None:
        self._given = given
        self.said: Json = {}

    def rest(self) -> Json:
        """The body, once every step is done: with what is left, after what has no place in it was refused."""
        self._given.pop("stream_options", None)
        for name, neutral in NEUTRAL.items():
            if name in self._given and self._given.pop(name) not in neutral:
                refuse(name, "it has no such parameter, so leave it out or route the call elsewhere")
        for name in sorted(self._given.keys() & self.said.keys()):
            mistaken(name, "another parameter says the same, so leave one of them out")
        return {**self._given, **self.said}

    def cap(self, most: int | None, encoder: Encoder) -> None:
        """``max_tokens``, and what has to share it: thinking."""
        for name in ("max_tokens", "max_completion_tokens"):
            asked = self._given.pop(name, None)
            if isinstance(asked, int):
                most = asked if most is None else min(asked, most)
            elif asked is not None:
                mistaken(name, f"it must be a whole number, not {type(asked).__name__}")
        effort = self._given.pop("reasoning_effort", None)
        if effort is None:
            self.said["max_tokens"] = encoder.max_tokens if most is None else most
            return
        thought = encoder.thinking.thought(text_of(effort, "reasoning_effort"), most, encoder.max_tokens)
        self.said["max_tokens"] = thought.max_tokens
        if thought.effort is None or "thinking" not in self._given:
            self.said["thinking"] = thought.thinking
        if thought.effort is not None:
            self._configure("effort", thought.effort, "reasoning_effort")

    def tools(self) -> None:
        """``tools``, ``tool_choice`` and ``parallel_tool_calls``."""
        given = self._given
        tools = tools_of(given.pop("tools", ()))
        if tools:
            self.said["tools"] = tools
        choice = choice_of(
            given.pop("tool_choice", None), given.pop("parallel_tool_calls", None), has_tools=bool(tools)
        )
        if choice is not None:
            self.said["tool_choice"] = choice

    def sampling(self) -> None:
        """``stop``, and a check of ``temperature``, which otherwise goes out as it is."""
        stop = self._given.pop("stop", None)
        if stop is not None:
            self.said["stop_sequences"] = [stop] if isinstance(stop, str) else list_of(stop, "stop")
        temperature = self._given.get("temperature")
        if isinstance(temperature, int | float) and temperature > HOTTEST:
            refuse("temperature", f"it goes up to {HOTTEST:g} there, not to {temperature:g}")

    def format(self) -> None:
        """``response_format``: a schema, or none."""
        given = self._given.pop("response_format", None)
        if given is None:
            return
        form = fields_of(given, "response_format")
        if form.get("type") == "text":
            return
        if form.get("type") != "json_schema":
            refuse("response_format", f"it knows no {form.get('type')!r}: give a json_schema")
        told = fields_of(form.get("json_schema"), "response_format.json_schema")
        schema = dict(fields_of(told.get("schema"), "response_format.json_schema.schema"))
        if told.get("description") is not None:
            schema.setdefault("description", told["description"])
        self._configure("format", {"type": "json_schema", "schema": schema}, "response_format")

    def identity(self) -> None:
        """``user`` or its newer name, ``metadata`` and ``service_tier``."""
        given = self._given
        metadata = dict(fields_of(given.pop("metadata", {}), "metadata"))
        if metadata.keys() - {"user_id"}:
            refuse("metadata", "it takes a user_id alone; what is for yourself belongs into Request.metadata")
        for name in ("user", "safety_identifier"):
            user = given.pop(name, None)
            if user is not None and metadata.setdefault("user_id", user) != user:
                mistaken(name, "another parameter names another user, so leave one of them out")
        if metadata:
            self.said["metadata"] = metadata
        tier = given.pop("service_tier", None)
        if tier is not None:
            self.said["service_tier"] = TIERS.get(text_of(tier, "service_tier"))
            if self.said["service_tier"] is None:
                refuse("service_tier", f"it must be one of {', '.join(TIERS)}")

    def _configure(self, name: str, value: object, parameter: str) -> None:
        """Put *value* into ``output_config``, which may have been given in part."""
        config: Fields = fields_of(
            self.said.get("output_config", self._given.pop("output_config", {})), "output_config"
        )
        if name in config:
            mistaken(parameter, f"output_config.{name} says the same, so leave one of them out")
        self.said["output_config"] = {**config, name: value}
