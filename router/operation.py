"""What is asked of a model: to answer in a chat, to go on with a text, or to turn texts into vectors.

Not every endpoint can do all of them, so an endpoint says which it can (by default, those of its provider), and a call
is led to those that can do its own.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol, cast, runtime_checkable

from .errors import ConfigurationError


class Operation(enum.StrEnum):
    """What is asked for."""

    CHAT = "chat"
    """The next message of a conversation."""
    COMPLETION = "completion"
    """What comes after a text, as the models before chat were asked."""
    EMBEDDING = "embedding"
    """Vectors of texts. They come all at once: the first token is the answer."""


CHAT, COMPLETION, EMBEDDING = Operation
"""The same, for what every call passes: to look up a member of an enumeration takes Python 3.11 0.1 µs."""

CHAT_ALONE = frozenset({CHAT})
"""What a provider can do that does not say."""

EMBEDDING_ALONE = frozenset({EMBEDDING})

EVERY_OPERATION = frozenset(Operation)


@runtime_checkable
class Operates(Protocol):
    """A `Provider` that says what it can do."""

    @property
    def operations(self) -> AbstractSet[Operation]:
        """Not empty."""
        ...


def operations_of(provider: object) -> frozenset[Operation]:
    """What a provider can do: as it says, else chat alone."""
    return frozenset(provider.operations) if isinstance(provider, Operates) else CHAT_ALONE


def operations(given: object, what: str) -> frozenset[Operation]:
    """One operation, or an iterable of them.

    Raises:
        ConfigurationError: it is neither, or none; naming *what* it is for.
    """
    several = (given,) if isinstance(given, Operation) else given
    found = tuple(cast("Iterable[object]", several)) if isinstance(several, Iterable) else ()
    if not found or not all(isinstance(each, Operation) for each in found):
        raise ConfigurationError(f"{what} must be at least one of Operation's, not {given!r}")
    return cast("frozenset[Operation]", frozenset(found))


def told(several: Iterable[Operation]) -> str:
    """Operations in words, in the order in which they are listed above."""
    which = frozenset(several)
    return ", ".join(each.value for each in Operation if each in which) or "nothing"
