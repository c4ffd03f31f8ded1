"""Secrets come from environment variables, and nothing that is said of them may show one.

Who pastes a key where the name of its variable belongs has written a secret into a file. That is told without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...router import Secret

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
"""What a name looks like that can be shown: keys have small letters, or more than this."""

SECRETIVE = re.compile(r"key|token|secret|password|credential|login", re.IGNORECASE)
"""In the name of a key or header: its value is one."""

TELLTALE = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|key)[-_][A-Za-z0-9_-]{8,}|\bAIza[A-Za-z0-9_-]{20,}|Bearer\s+[^\s'\"]+")
"""How vendors' keys begin."""


class Missing(Exception):
    """A variable cannot be used. Its words go on from the key: `` names EAST_KEY, which is not set``."""


def secret(name: object, environ: Mapping[str, str]) -> Secret:
    """What the variable called *name* holds.

    Raises:
        Missing: it holds nothing, or that is no name.
    """
    return Secret(_value(name, environ))


def secrets(name: object, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """The comma-separated secrets that the variable called *name* holds; at least one, each once.

    Raises:
        Missing: it holds none, or that is no name.
    """
    values = [value.strip() for value in _value(name, environ).split(",")]
    found = tuple(Secret(value) for value in dict.fromkeys(values) if value)
    if not found:
        raise Missing(f"names {name}, which holds nothing but commas")
    return found


def without_secrets(text: str) -> str:
    """A message, without what looks like a key of some vendor's."""
    return TELLTALE.sub("***", text)


def _value(name: object, environ: Mapping[str, str]) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Missing(
            "must be the name of an environment variable, such as EAST_KEY; what stands there is not shown, since it "
            "may be the secret itself"
        )
    value = environ.get(name, "").strip()
    if value:
        return value
    if not PLAIN.fullmatch(name):
        raise Missing(
            "names an environment variable that is not set; it is not shown, since it may be the secret itself"
        )
    raise Missing(f"names {name}, which is not set, or empty: export {name} before starting")
