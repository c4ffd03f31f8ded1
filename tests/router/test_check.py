"""The checks of what a person builds: what they let pass, and that their words name the field."""

import math

import attrs
import pytest

from paceline.router import check
from paceline.router.errors import ConfigurationError


def to_names(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Thing: names")


@attrs.frozen(kw_only=True)
class Thing:
    name: str = attrs.field(default="it", validator=check.named)
    above: float = attrs.field(default=1, validator=check.positive)
    least: float = attrs.field(default=0, validator=check.at_least_zero)
    part: float = attrs.field(default=1.0, validator=check.share)
    odds: float = attrs.field(default=0.0, validator=check.chance)
    several: int = attrs.field(default=2, validator=check.count(2))
    kind: object = attrs.field(default="", validator=check.one_of(str, bytes))
    maybe: int | None = attrs.field(default=None, validator=check.if_given(check.count(0)))
    names: frozenset[str] | None = attrs.field(default=None, converter=to_names)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("above", 1e-9), ("least", 0), ("part", 1), ("odds", 0), ("odds", 1.0), ("several", 2),
        ("kind", b""), ("maybe", None), ("maybe", 0), ("name", "x"),
    ],
)  # fmt: skip
def test_what_is_at_the_edge_of_its_range_passes(field: str, value: object) -> None:
    assert getattr(Thing(**{field: value}), field) == value  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("above", 0, "above must be a number above 0, not 0"),
        ("above", math.inf, "above must be a number above 0, not inf"),
        ("above", math.nan, "above must be a number above 0, not nan"),
        ("above", True, "above must be a number above 0, not True"),
        ("above", None, "above must be a number above 0, not None"),
        ("least", -1e-9, "least must be a number of at least 0"),
        ("least", math.inf, "least must be a number of at least 0"),
        ("part", 0, "part must be a share above 0 and up to 1"),
        ("part", 1.01, "part must be a share above 0 and up to 1"),
        ("odds", -0.01, "odds must be a chance from 0 to 1"),
        ("odds", 1.01, "odds must be a chance from 0 to 1"),
        ("several", 1, "several must be a whole number of at least 2"),
        ("several", 2.0, "several must be a whole number of at least 2"),
        ("kind", 5, "kind must be str or bytes, not int"),
        ("kind", int, r"kind is the class int: give an object of it, int\(\)"),
        ("maybe", -1, "maybe must be a whole number of at least 0"),
        ("name", "\t", "name must be a non-empty string"),
    ],
)
def test_what_is_outside_its_range_is_refused_in_the_fields_own_words(field: str, value: object, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^Thing.*: {says}"):
        Thing(**{field: value})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_thing_with_a_name_is_told_by_it() -> None:
    with pytest.raises(ConfigurationError, match=r"^Thing 'it': above must be"):
        Thing(above=0)


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ("eu", {"eu"}), (["eu", "us", "eu"], {"eu", "us"}), ((), set[str]())]
)
def test_names_become_a_set(given: object, kept: set[str] | None) -> None:
    assert Thing(names=given).names == kept  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_names_that_cannot_be_iterated_are_no_names() -> None:
    with pytest.raises(ConfigurationError, match="must be a name or several, not 5"):
        Thing(names=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
