"""What a table of the file may hold: the options of what it describes, in the words and units of a file.

They are read from the class or function itself, so that nothing is declared twice. Two things differ from Python:

- a duration may be given in milliseconds, which is what people say of latency: ``ttft_ms = 800`` for ``ttft_s``;
- a secret is never in the file: ``api_key_env = "EAST_KEY"`` names the environment variable that holds it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from typing import Any, cast, get_args

import attrs

from ...router import Secret
from ...router.plugins.option import Option, options_of
from ...router.plugins.wording import UNIONS, Misread
from .shapes import as_list, as_table

SECONDS, MILLISECONDS, RATE = "_s", "_ms", "_per_s"
VARIABLE = "_env"


class Form(enum.Enum):
    """How the value of a key becomes that of its option."""

    AS_IT_IS = enum.auto()
    MILLISECONDS = enum.auto()
    VARIABLE = enum.auto()
    """It names an environment variable."""


@attrs.frozen(kw_only=True)
class Key:
    """A key of a table. name: in the file. option: what it is for. form: how it is given."""

    name: str
    option: Option
    form: Form


def keys_of(maker: Callable[..., object], hidden: Collection[str] = ()) -> dict[str, Key]:
    """The keys of a table that describes what *maker* makes, in the order of its options.

    hidden: options that are given in another way.
    """
    keys: list[Key] = []
    for name, option in options_of(maker).items():
        if name in hidden:
            continue
        if is_secret(option):
            keys.append(Key(name=f"{name}{VARIABLE}", option=option, form=Form.VARIABLE))
            continue
        keys.append(Key(name=name, option=option, form=Form.AS_IT_IS))
        if name.endswith(SECONDS) and not name.endswith(RATE):
            in_ms = name.removesuffix(SECONDS) + MILLISECONDS
            keys.append(Key(name=in_ms, option=option, form=Form.MILLISECONDS))
    return {key.name: key for key in keys}


def is_secret(option: Option) -> bool:
    """Whether it is something that may not stand in a file."""
    try:
        return Secret in arms_of(option.wanted())
    except Misread:
        return False


def arms_of(wanted: Any) -> tuple[Any, ...]:
    """The types that a value may have, one of them at a time."""
    origin = getattr(wanted, "__origin__", None)
    if type(wanted) in UNIONS or origin in UNIONS:
        return get_args(wanted)
    return (wanted,)


def described_by(wanted: Any) -> type | None:
    """The class that a table without a ``kind`` describes; None: a table is something else here."""
    found = [arm for arm in arms_of(wanted) if isinstance(arm, type) and attrs.has(cast("type[Any]", arm))]
    return found[0] if len(found) == 1 and Secret not in arms_of(wanted) else None


def in_seconds(value: object) -> object:
    """Milliseconds as seconds: a number, or the numbers in a list or a table."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value / 1000.0
    table, several = as_table(value), as_list(value)
    if table is not None:
        return {key: in_seconds(each) for key, each in table.items()}
    return value if several is None else [in_seconds(each) for each in several]
