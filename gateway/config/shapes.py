"""Tables and lists of a parsed file, told from its other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast


def as_table(value: object) -> Mapping[str, object] | None:
    """*value*, if it is a table."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def as_list(value: object) -> list[object] | None:
    """*value*, if it is a list."""
    return cast("list[object]", value) if isinstance(value, list) else None
