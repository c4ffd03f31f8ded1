"""Whom the gateway lets in: bearer keys, compared so that the time it takes tells nothing.

Keys are compared as digests of one length, and always with all of them: neither how much of a key was right, nor which
one, nor how long they are can be timed. Where the API's clients put the key differs: OpenAI's send ``Authorization:
Bearer``, Anthropic's ``x-api-key``, Azure's ``api-key``; all are looked at. A browser has a way of its own, the
password of HTTP's basic form, so that the dashboard can be opened.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...router import Secret

IN_HEADERS = ("x-api-key", "api-key")


class KeyRing:
    """The keys of one door. keys: empty lets anyone in."""

    __slots__ = ("_digests", "keys")

    def __init__(self, keys: Sequence[Secret]) -> None:
        self.keys = tuple(keys)
        self._digests = tuple(_digest(key.reveal()) for key in self.keys)

    @property
    def is_open(self) -> bool:
        """There are no keys: anyone is let in."""
        return not self._digests

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers may pass."""
        if not self._digests:
            return True
        shown = shown_key(headers)
        if shown is None:
            return False
        digest, known = _digest(shown), False
        for ours in self._digests:
            known |= hmac.compare_digest(ours, digest)
        return known


def shown_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request shows; None if it shows none."""
    kind, _, value = headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    if kind.lower() == "basic":
        return _password(value)
    return next((headers[name] for name in IN_HEADERS if headers.get(name)), None)


def _password(value: str) -> str | None:
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return pair.partition(":")[2] or None


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()
