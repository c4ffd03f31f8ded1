"""The prompt of what is no chat: a text, several, or their tokens, as OpenAI's completions and embeddings take it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

from .errors import InvalidRequest

Prompt: TypeAlias = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]
"""A text, texts, the tokens of one text, or those of several."""

One: TypeAlias = str | Sequence[int]
"""One text, or its tokens."""


def prompt_of(given: object) -> Prompt:
    """*given*, if it is a prompt; lists become tuples, so that nobody can alter them.

    Raises:
        InvalidRequest: it is none. The message never quotes it.
    """
    if isinstance(given, str):
        return given
    several = _listed(given)
    kinds = set(map(type, several))
    if kinds in ({str}, {int}):
        return cast("Prompt", several)
    if kinds and kinds <= {list, tuple}:
        tokens = tuple(map(_listed, several))
        if all(set(map(type, each)) == {int} for each in tokens):
            return cast("Prompt", tokens)
    raise InvalidRequest("prompt must be a text, a list of texts, a list of tokens, or a list of such lists; not empty")


def _listed(given: object) -> tuple[object, ...]:
    return tuple(cast("Iterable[object]", given)) if isinstance(given, list | tuple) else ()


def prompts_in(prompt: Prompt) -> Sequence[One]:
    """Each of the texts, or its tokens."""
    if isinstance(prompt, str) or isinstance(prompt[0], int):
        return (cast("One", prompt),)
    return cast("Sequence[One]", prompt)


def size_of(prompt: Prompt) -> tuple[int, int]:
    """Its characters, and its tokens, where those are what was given."""
    characters = tokens = 0
    for one in prompts_in(prompt):
        if isinstance(one, str):
            characters += len(one)
        else:
            tokens += len(one)
    return characters, tokens
