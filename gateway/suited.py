"""A small question to an endpoint, whatever it can do: for who measures or tries one without a client's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..router import Operation

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..router import Request


def suited(chat: Request, text: str, able: Collection[Operation]) -> Request:
    """*chat*, which says *text*; or the like of it, for who cannot chat.

    able: what the endpoints asked can do, at least one thing.
    """
    if Operation.CHAT in able:
        return chat
    if Operation.COMPLETION in able:
        return attrs.evolve(chat, messages=(), operation=Operation.COMPLETION, prompt=text)
    return attrs.evolve(chat, messages=(), operation=Operation.EMBEDDING, prompt=text, max_tokens=None)
