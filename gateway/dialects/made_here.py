"""What an answer in OpenAI's form is called, when it was made and by whom, where no vendor's bytes tell it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...router import Answer


def drawn_id(kind: str) -> str:
    """A name of its own, such as ``chatcmpl-...``."""
    return f"{kind}-{secrets.token_hex(12)}"


def seconds_now() -> int:
    """By the calendar, since 1970."""
    return int(datetime.now(UTC).timestamp())


def model_of(answer: Answer) -> str:
    """The model in the vendor's own words, where it has told them."""
    for attempt in reversed(answer.attempts):
        if attempt.endpoint.name == answer.endpoint and attempt.served_model is not None:
            return attempt.served_model
    return answer.model
