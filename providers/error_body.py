"""What a vendor says about a failure, read from whatever it sent.

The form is OpenAI's ``{"error": {"message", "type", "code"}}``, more or less: some put the error at the top or under
``detail``, some in a list, some send a bare string, and what stands in front of a vendor sends HTML. Reading it never
fails; what is not understood is left out. Only the fields named here are read, because a body may quote the prompt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from .retry_after import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding may raise: not JSON, or of another shape; not UTF-8; nested without end."""

MOST_SHOWN = 300
"""Characters of a vendor's message that are kept."""

KEY_LIKE = re.compile(r"\b(?:sk|pk|gsk|xai)[-_][\w*.-]{4,}")
"""Vendors quote a refused key with its middle starred out."""


class VendorError(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's account of a failure.

    message: in its own words; empty if it has none.
    words: its codes and types in lower case, the most specific first, such as ``insufficient_quota``.
    status: an HTTP status it names; None if none.
    retry_after_s: seconds to wait, where the body tells them.
    """

    message: str = ""
    words: tuple[str, ...] = ()
    status: int | None = None
    retry_after_s: float | None = None


def read_error(body: bytes) -> VendorError:
    """The error in *body*, be it JSON, text, HTML or nothing."""
    try:
        return _error_of(msgspec.json.decode(body))
    except NO_JSON:
        return VendorError(message=_text_of(body))


def scrubbed(message: str, hidden: Iterable[str]) -> str:
    """*message* on one line, short, and without any of the *hidden* strings or anything that looks like a key."""
    for secret in hidden:
        message = message.replace(secret, "***")
    message = KEY_LIKE.sub("***", message)
    message = " ".join(message.split())
    return message if len(message) <= MOST_SHOWN else message[: MOST_SHOWN - 3] + "..."


def _text_of(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    return "an HTML page" if text.startswith("<") else text


def _error_of(said: object) -> VendorError:
    if isinstance(said, str):
        return VendorError(message=said)
    if _is_list(said):
        return _error_of(said[0]) if said else VendorError()
    if not _is_object(said):
        return VendorError()
    inner = said.get("error")
    if inner and not isinstance(inner, bool):
        return _error_of(inner)
    detail = said.get("detail")
    if _is_object(detail) or _is_list(detail):
        return _error_of(detail)
    details = said.get("details")
    codes = [said.get(name) for name in ("code", "type", "status")]
    if _is_object(details):
        codes.insert(0, details.get("error_code"))  # Anthropic's
    words = [code.lower() for code in codes if isinstance(code, str) and not code.isdigit()]
    return VendorError(
        message=_first_text(said, "message", "detail", "msg"),
        words=(*words, *_of_moderation(said.get("metadata"))),
        status=next(_statuses(codes), None),
        retry_after_s=_delay(details),
    )


def _statuses(codes: Iterable[object]) -> Iterator[int]:
    """HTTP statuses among *codes*, as numbers or as text."""
    for code in codes:
        number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) == 3 else code
        if isinstance(number, int) and 400 <= number <= 599:
            yield number


def _of_moderation(metadata: object) -> Iterator[str]:
    """OpenRouter's 403 for a prompt that was flagged is told from others by its metadata alone."""
    if _is_object(metadata) and _is_list(metadata.get("reasons")):
        yield "flagged"


def _delay(details: object) -> float | None:
    """Google's ``RetryInfo`` among the *details*."""
    for detail in details if _is_list(details) else ():
        told = detail.get("retryDelay") if _is_object(detail) else None
        if isinstance(told, str):
            return seconds_of(told)
    return None


def _first_text(said: dict[str, object], *names: str) -> str:
    for name in names:
        text = said.get(name)
        if isinstance(text, str) and text:
            return text
    return ""


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
