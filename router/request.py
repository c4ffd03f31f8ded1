"""What a caller wants: the question, and how soon it must be answered."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import attrs

from . import check
from .errors import ConfigurationError, InvalidRequest
from .operation import CHAT, EMBEDDING, Operation
from .prompt import Prompt, prompt_of, prompts_in, size_of

Message: TypeAlias = Mapping[str, object]
"""One message in OpenAI's form: ``{"role": "user", "content": "..."}`` and what else the vendor takes."""

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English text; used only where the caller gives no count. No tokenizer runs in a decision."""

TOKENS_PER_IMAGE = 765
"""An image of 1024 by 1024 pixels as OpenAI's GPT-4o reads it in detail: four tiles of 170 tokens, and 85."""

DEFAULT_EXPECTED_TOKENS = 128
"""Near the median answer (129 tokens) of the public Azure conversation trace (Splitwise, ISCA 2024)."""


class Priority(enum.StrEnum):
    """What "fast" means for a call."""

    TTFT = "ttft"
    """Time to first token: someone is watching."""
    TOTAL = "total"
    """Time to the last token: something waits for the whole answer."""
    THROUGHPUT = "throughput"
    """As TOTAL, for an answer as long as it may become: the speed per token decides."""


class Urgency(enum.IntEnum):
    """Who gets a slot first where slots are short. Says nothing of where a call goes, nor of what "fast" means."""

    INTERACTIVE = 10
    """Someone is watching."""
    NORMAL = 20
    BACKGROUND = 30
    """Nobody would notice if it came later. The first to be sent away from a full queue."""


def _asked(validator: check.Validator) -> check.Validator:
    """*validator*, for an optional field of a request: what is wrong with a request is `InvalidRequest`."""

    def checked(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is None:
            return
        try:
            validator(instance, attribute, value)
        except ConfigurationError as wrong:
            raise InvalidRequest(str(wrong)) from None

    return checked


def _nothing() -> Mapping[str, object]:
    return {}


def _messages(value: str | Sequence[Message]) -> tuple[Message, ...]:
    if isinstance(value, str):
        return ({"role": "user", "content": value},) if value.strip() else ()
    given: object = value  # whatever the types promise
    if not isinstance(given, (list, Iterable)):
        raise InvalidRequest(f"messages must be a string or a list of messages, not {type(value).__name__}")
    return tuple(value)


def _regions(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    try:
        return check.names_or_none(value, "Request: residency")
    except ConfigurationError as wrong:
        raise InvalidRequest(str(wrong)) from None


@attrs.frozen(kw_only=True, eq=False, slots=False)  # one is made a call, and frozen slots fill slowly
class Request:
    """One question to a route or a model.

    operation: what is asked for. Default a chat.
    messages: of a chat, in OpenAI form, at least one; a string stands for one user message. Never shown in a repr.
    prompt: of every other operation: the text to go on with, or to turn into a vector; or several, at least one; or
        their tokens. Never shown.
    route: name of the route. Not needed where the router has only one.
    model: name of a model. With a route it narrows the route to this model; alone it is served by any endpoint of
        this model, under no route's caps and residency, unless a route has that name.
    budget_s: seconds the caller will wait for the whole answer, above 0. Default: the route's, then the router's.
    max_tokens: the most tokens the answer may have, at least 1. Default: the route's, then the vendor's.
    expected_tokens: how long the answer is likely to be, for predictions. Default: as long as the route's answers of
        late, as far as ``max_tokens`` allows. An embedding has none.
    prompt_tokens: how long the prompt is, if known. Default: estimated at four characters a token, and 765 an image.
    priority: what "fast" means; default the route's.
    urgency: who gets a slot first where slots are short; default the route's.
    min_quality: the least quality tier an endpoint must have.
    residency: regions that may see this call; with a route's own residency, the regions in both.
    user: stable identity of the end user, for sticky regions. Never shown, never a label.
    location: the region the end user is in; default, where the router is.
    stream: ask the vendor for a stream, also when the caller takes the answer whole. Default True: a stream is how
        the first token is seen, and what is seen is learned. False costs less CPU, and the answer counts as started
        only when it is complete. An embedding comes at once, and is its own first token: True, whatever is given. The
        best of several completions (``best_of`` among the params) cannot be streamed: False, whatever is given.
    params: parameters passed to the vendor as they are, such as ``temperature`` or ``tools``.
    metadata: for the caller's own use; kept, never sent.
    """

    messages: tuple[Message, ...] = attrs.field(default=(), converter=_messages, repr=False)
    operation: Operation = CHAT
    prompt: Prompt | None = attrs.field(default=None, repr=False)
    route: str | None = attrs.field(default=None)
    model: str | None = attrs.field(default=None)
    budget_s: float | None = attrs.field(default=None, validator=_asked(check.positive))
    max_tokens: int | None = attrs.field(default=None, validator=_asked(check.count(1)))
    expected_tokens: int | None = attrs.field(default=None, validator=_asked(check.count(1)))
    prompt_tokens: int | None = attrs.field(default=None, validator=_asked(check.count(1)))
    priority: Priority | None = attrs.field(default=None, validator=_asked(check.one_of(Priority)))
    urgency: Urgency | None = attrs.field(default=None, validator=_asked(check.one_of(Urgency)))
    min_quality: int | None = attrs.field(default=None, validator=_asked(check.count(0)))
    residency: frozenset[str] | None = attrs.field(default=None, converter=_regions)
    user: str | None = attrs.field(default=None, repr=False)
    location: str | None = attrs.field(default=None)
    stream: bool = True
    params: Mapping[str, object] = attrs.field(factory=_nothing, repr=False)
    metadata: Mapping[str, object] = attrs.field(factory=_nothing, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what no vendor could answer.

        Raises:
            InvalidRequest: no message, or a message without a role; or no prompt, where one is needed.
        """
        if self.operation is not CHAT or self.prompt is not None:
            self._check_prompt()
        elif not self.messages:
            raise InvalidRequest("messages is empty: give at least one message, or a non-empty string")
        for position, message in enumerate(self.messages):
            given: object = message  # whatever the types promise
            if not isinstance(given, (dict, Mapping)) or not isinstance(message.get("role"), str):
                raise InvalidRequest(f"messages[{position}] must be a mapping with a 'role', as OpenAI's are")
        if self.residency is not None and not self.residency:
            raise InvalidRequest("residency is an empty set, which allows no region: leave it out to allow all")

    def _check_prompt(self) -> None:
        """Refuse what is no prompt, and settle what follows from there being one.

        Raises:
            InvalidRequest: there is none, or it is for a chat; or an embedding is asked for with a cap.
        """
        operation: object = self.operation  # whatever the types promise
        if not isinstance(operation, Operation):
            raise InvalidRequest(f"operation must be one of Operation's, not {operation!r}")
        if operation is CHAT:
            raise InvalidRequest("prompt is not for a chat: give messages, or another operation")
        if self.messages:
            raise InvalidRequest(f"messages are for a chat: the operation {operation.value} takes a prompt")
        object.__setattr__(self, "prompt", prompt_of(self.prompt))
        if operation is EMBEDDING:
            if self.max_tokens is not None:
                raise InvalidRequest("an embedding has no tokens to be capped: leave out max_tokens")
            object.__setattr__(self, "expected_tokens", None)
            object.__setattr__(self, "stream", True)
        elif self._is_chosen_by_vendor:
            object.__setattr__(self, "stream", False)

    @property
    def _is_chosen_by_vendor(self) -> bool:
        """Whether more completions are made than are asked for, of which the vendor then chooses the best."""
        best_of, n = self.params.get("best_of"), self.params.get("n")
        return isinstance(best_of, int) and best_of > (n if isinstance(n, int) else 1)

    @property
    def choices(self) -> int:
        """Answers asked for: the ``n`` among the params, 1 without; of several prompts, so many for each.

        Of an embedding, one for each prompt.

        Raises:
            InvalidRequest: it is no whole number of at least 1.
        """
        asked = self.params.get("n")
        if asked is None:
            asked = 1
        elif not isinstance(asked, int) or isinstance(asked, bool) or asked < 1:
            raise InvalidRequest(f"params: n must be a whole number of at least 1, not {asked!r}")
        if self.prompt is None:
            return asked
        texts = len(prompts_in(self.prompt))
        return texts if self.operation is EMBEDDING else asked * texts

    def estimated_prompt_tokens(self) -> int:
        """Tokens of the prompt: as given, else characters of its text divided by four and 765 an image, at least 1."""
        if self.prompt_tokens is not None:
            return self.prompt_tokens
        if self.prompt is not None:
            characters, tokens = size_of(self.prompt)
            return max(1, characters // CHARACTERS_PER_TOKEN + tokens)
        characters = images = 0
        for message in self.messages:
            content = message.get("content")
            if isinstance(content, str):
                characters += len(content)
            elif isinstance(content, list | tuple):
                for part in cast("Iterable[object]", content):
                    text = cast("Message", part).get("text") if isinstance(part, Mapping) else None
                    characters += len(text) if isinstance(text, str) else 0
                    images += isinstance(part, Mapping) and "image_url" in part
        return characters // CHARACTERS_PER_TOKEN + images * TOKENS_PER_IMAGE or 1


def expected_tokens(request: Request, cap: int | None) -> int:
    """Tokens the answer is likely to have: as given, else 128, never above *cap*."""
    expected = DEFAULT_EXPECTED_TOKENS if request.expected_tokens is None else request.expected_tokens
    return expected if cap is None else min(expected, cap)
