"""What somebody who wrote a name that is not there will have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LIKE = 0.6
"""Least likeness of a suggestion, from 0 to 1: difflib's own default, which lets two letters in five differ."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``: did you mean ...?``, or nothing, where no known name is like *word*. Case and hyphens do not count."""
    by_form = {_form(name): name for name in known}
    found = get_close_matches(_form(word), by_form, n=1, cutoff=LIKE)
    if not found:
        return ""
    meant = by_form[found[0]]
    return f": did you mean {meant}{', in seconds' if meant.endswith('_s') and not meant.endswith('_per_s') else ''}?"


def _form(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
