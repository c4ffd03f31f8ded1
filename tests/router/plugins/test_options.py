"""`build`: a plain table becomes an object, or every mistake in it is told."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    LiteralString,
    NewType,
    Protocol,
    TypeAlias,
    runtime_checkable,
)

import attrs
import pytest

from paceline.router import check
from paceline.router.errors import AttemptFailed, ConfigurationError, Gated, ProviderError
from paceline.router.plugins import Catalogue, Shelf, build
from paceline.router.plugins.plugin import Plugin

if TYPE_CHECKING:
    from decimal import Decimal

NOBODY = Catalogue(*(Shelf(group, "part", ()) for group in "abc"))

Pair: TypeAlias = "tuple[str, float]"


Tokens = NewType("Tokens", int)


class Weekday(enum.Enum):
    MONDAY = 0
    SUNDAY = 6


@runtime_checkable
class Strategy(Protocol):
    def choose(self) -> None: ...


class Unaskable(Protocol):
    def choose(self) -> None: ...


@attrs.frozen(kw_only=True)
class Window:
    begins: dt.time
    lasts_s: float = attrs.field(default=60.0, validator=check.positive)


def _upper(given: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(name.upper() for name in ((given,) if isinstance(given, str) else given))


def _anything(given: object) -> str:
    return str(given)


@attrs.frozen(kw_only=True)
class Everything:
    number: float = 1.0
    whole: int = 1
    text: str = ""
    yes: bool = False
    day: Weekday = Weekday.MONDAY
    maybe_s: float | None = None
    either: int | str = 1
    either_day: int | Weekday = 1
    exact: Fraction = attrs.field(default=Fraction(1, 2), converter=Fraction)
    word: Literal["a", "b"] = "a"
    noted: Annotated[int, "noted"] = 1
    row: tuple[str, int] = ("a", 1)
    pair: Pair = ("a", 1.0)
    many: tuple[int, ...] = ()
    plain_tuple: tuple = ()  # type: ignore[type-arg]
    several: Sequence[str] = ()
    each: Iterable[float] = ()
    listed: list[int] = attrs.field(factory=list[int])
    some: frozenset[str] = frozenset()
    table: Mapping[str, float] = attrs.field(factory=dict[str, float])
    plain_table: dict = attrs.field(factory=dict)  # type: ignore[type-arg]
    by_pair: Mapping[tuple[str, str], float] = attrs.field(factory=dict[tuple[str, str], float])
    errors: Mapping[type[AttemptFailed], int] = attrs.field(factory=dict[type[AttemptFailed], int])
    windows: tuple[Window, ...] = ()
    upper: tuple[str, ...] = attrs.field(default=(), converter=_upper)
    string: str = attrs.field(default="", converter=_anything)
    anything: Any = None
    on: dt.date | None = None
    strategy: Strategy | None = None
    unaskable: Unaskable | None = None
    kinds: type[int] = int
    call: Callable[[], None] | None = None
    money: Decimal | None = None
    never: LiteralString = ""
    mixed: LiteralString | int = 1
    new: Tokens = Tokens(1)


def everything(**table: object) -> Everything:
    return build(Everything, table, NOBODY)


@pytest.mark.parametrize(
    ("option", "value", "read"),
    [
        ("number", 2, 2.0),
        ("number", 2.5, 2.5),
        ("whole", 2, 2),
        ("text", "hello", "hello"),
        ("yes", True, True),
        ("day", "sunday", Weekday.SUNDAY),
        ("day", "Sunday", Weekday.SUNDAY),
        ("maybe_s", 2, 2.0),
        ("maybe_s", False, None),
        ("either", 5, 5),
        ("either", "five", "five"),
        ("either_day", "sunday", Weekday.SUNDAY),
        ("exact", 0.25, Fraction(1, 4)),
        ("word", "b", "b"),
        ("noted", 3, 3),
        ("new", 3, 3),
        ("row", ["x", 2], ("x", 2)),
        ("pair", ["x", 2], ("x", 2.0)),
        ("many", [1, 2, 3], (1, 2, 3)),
        ("plain_tuple", [1, "a"], (1, "a")),
        ("several", ["a", "b"], ("a", "b")),
        ("each", [1, 2], (1.0, 2.0)),
        ("listed", [1], [1]),
        ("some", ["a", "a"], frozenset({"a"})),
        ("table", {"a": 1}, {"a": 1.0}),
        ("plain_table", {"a": [1]}, {"a": [1]}),
        ("by_pair", {"a": {"b": 1, "c": 2}, "d": {}}, {("a", "b"): 1.0, ("a", "c"): 2.0}),
        ("errors", {"provider_error": 2, "gated": 1}, {ProviderError: 2, Gated: 1}),
        ("upper", "ab", ("AB",)),
        ("upper", ["ab", "c"], ("AB", "C")),
        ("string", "5", "5"),
        ("anything", {"a": 1}, {"a": 1}),
        ("on", dt.date(2026, 11, 21), dt.date(2026, 11, 21)),
    ],
)
def test_a_plain_value_becomes_what_the_option_wants(option: str, value: object, read: object) -> None:
    made = getattr(everything(**{option: value}), option)

    assert made == read
    assert type(made) is type(read)


def test_a_list_of_tables_becomes_a_list_of_objects() -> None:
    made = everything(windows=[{"begins": dt.time(2), "lasts_s": 5}, {"begins": dt.time(3)}])

    assert made.windows == (Window(begins=dt.time(2), lasts_s=5.0), Window(begins=dt.time(3)))


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("number", "2", "number must be a number, not '2'"),
        ("number", True, "number must be a number, not True"),
        ("number", float("inf"), "number must be a number, not inf"),
        ("whole", 2.0, "whole must be a whole number, not 2.0"),
        ("whole", True, "whole must be a whole number, not True"),
        ("text", 5, "text must be text, not 5"),
        ("yes", 1, "yes must be true or false, not 1"),
        ("day", "sonday", "day must be one of 'monday', 'sunday', not 'sonday': did you mean sunday?"),
        ("day", 6, "day must be one of 'monday', 'sunday', not 6"),
        ("maybe_s", "x", "maybe_s must be a number, not 'x'"),
        ("either", 1.5, "either must be a whole number or text, not 1.5"),
        ("exact", "x", "exact must be a Fraction, not 'x'"),
        ("word", "c", "word must be one of 'a', 'b', not 'c'"),
        ("row", ["x"], "row must be a list of 2, not of 1"),
        ("row", [1, 1], "row[0] must be text, not 1"),
        ("many", 5, "many must be a list of whole numbers, not 5"),
        ("several", "a", "several must be a list of text, not 'a'"),
        ("several", {"a": 1}, "several must be a list of text, not a table"),
        ("plain_tuple", 5, "plain_tuple must be a list, not 5"),
        ("table", [], "table must be a table, not a list"),
        ("table", {"a": "x"}, "table.a must be a number, not 'x'"),
        ("by_pair", {"a": 5}, "by_pair.a must be a table, not 5"),
        ("by_pair", {"a": {"b": "x"}}, "by_pair.a.b must be a number, not 'x'"),
        ("errors", {"gate": 1}, "errors key 'gate' must be the reason of an error, not 'gate': did you mean gated?"),
        ("errors", {"xyz": 1}, "errors key 'xyz' must be the reason of an error, not 'xyz'; there are failed, "),
        ("windows", [{"lasts_s": 0}], "windows: Window: begins is missing"),
        ("windows", [{"begins": dt.time(2), "lasts_s": 0}], "windows: Window: lasts_s must be a number above 0"),
        ("windows", [5], "windows[0] must be a Window, not 5"),
        ("on", "monday", "on must be a date, not 'monday'"),
        ("mixed", 1.5, "mixed must be typing.LiteralString or a whole number, not 1.5"),
        ("never", 5, "never cannot be given in a table: it is typing.LiteralString"),
        ("strategy", 5, "strategy must be a Strategy, not 5"),
        ("unaskable", 5, "unaskable must be a Unaskable, not 5"),
        ("kinds", "int", "kinds cannot be given in a table: it is type[int]"),
        ("call", "print", "no part is named 'print'"),
        (
            "money",
            5,
            "money cannot be given in a table: its type is Decimal | None, and Decimal is there for type check",
        ),
    ],
)
def test_a_value_of_another_kind_is_told_with_its_place(option: str, value: object, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        everything(**{option: value})

    assert told in str(caught.value)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build(Window, {"lasts": 5, "lasts_s": "x", "color": 1}, NOBODY)

    assert str(caught.value) == (
        "Window: lasts_s must be a number, not 'x'; there is no option 'lasts': did you mean lasts_s, in seconds?; "
        "there is no option 'color'; it takes begins, lasts_s; begins is missing"
    )


def test_options_are_those_of_the_class_that_declares_them() -> None:
    @attrs.frozen(kw_only=True)
    class Longer(Window):
        more: int = 0

    assert build(Longer, {"begins": dt.time(2), "more": 1}, NOBODY).lasts_s == 60.0


def test_an_ordinary_class_and_a_function_are_built_too() -> None:
    class Ordinary:
        def __init__(self, share: float, words: Sequence[str] = ()) -> None:
            self.given = (share, words)

    class Heir(Ordinary):
        pass

    def untyped(thing: Any, *rest: int, **more: int) -> object:
        return (thing, rest, more)

    del untyped.__annotations__["thing"]

    assert build(Heir, {"share": 1, "words": ["a"]}, NOBODY).given == (1.0, ("a",))
    assert build(untyped, {"thing": {"a": 1}}, NOBODY) == ({"a": 1}, (), {})
    with pytest.raises(
        ConfigurationError, match="untyped: there is no option 'rest'; it takes thing; thing is missing"
    ):
        build(untyped, {"rest": 1}, NOBODY)


def test_what_says_nothing_of_its_options_takes_none() -> None:
    assert build(dict, {}, NOBODY) == {}
    with pytest.raises(ConfigurationError, match=r"^dict: there is no option 'a'; it takes no options$"):
        build(dict, {"a": 1}, NOBODY)


def test_what_a_validator_of_attrs_refuses_is_told_in_its_words_alone() -> None:
    @attrs.frozen
    class Strict:
        number: int = attrs.field(validator=attrs.validators.gt(0))

    with pytest.raises(ConfigurationError, match=r"^Strict: 'number' must be > 0: 0$"):
        build(Strict, {"number": 0}, NOBODY)


def test_what_was_refused_without_a_word_is_told_by_the_class() -> None:
    def silent(number: int) -> None:
        raise ValueError

    with pytest.raises(ConfigurationError, match=r"^silent: $"):
        build(silent, {"number": 0}, NOBODY)


def test_a_field_that_says_nothing_of_its_type_takes_anything() -> None:
    untyped = attrs.make_class("Untyped", ["it"])

    assert build(untyped, {"it": {"a": 1}}, NOBODY).it == {"a": 1}  # type: ignore[attr-defined]


def test_a_package_without_a_name_is_still_listed() -> None:
    from importlib.metadata import EntryPoint  # noqa: PLC0415

    plugin = Plugin.of(EntryPoint("lost", "nowhere:Lost", "a"))

    assert str(Shelf("a", "policy", [plugin])) == "an unnamed package ?: lost"
    assert str(Shelf("a", "policy", [])) == "none"
