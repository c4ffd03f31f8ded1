"""Every option says its default and its range, keeps to it, and refuses what is outside when it is built.

The options are found, not listed: all that people build out of `paceline.router` and `paceline.policies`. So a new one
that says nothing of itself, or takes nonsense, fails here.
"""

from __future__ import annotations

import inspect
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from paceline import policies, router
from paceline.policies import Cap, Chaos, CostLimit, Injection, Latency, Quota, Shadow, Silence, Weighted
from paceline.router import Answer, Choice, Endpoint, Keys, Prior, Profile, Request, Route, Steps, TokenSource
from paceline.router.errors import ConfigurationError
from paceline.router.testing import Scripted

Built = type[attrs.AttrsInstance]

NOT_BUILT = {
    Answer,  # what comes of a call
    Choice,  # likewise: another answer to the same question
    Prior,  # what a `Profile` gives the statistics, its numbers checked
    Request,  # made for every call, so that checks cost; see tests/router/test_request.py
}
"""What is made of other things rather than built as an option."""

NEEDED: dict[type, dict[str, Any]] = {
    Cap: {"max_tokens": 1},
    Chaos: {"injections": [Injection(fault=Silence(), share=1.0)], "seed": 1},
    CostLimit: {"money": 1.0},
    Endpoint: {"name": "a", "provider": Scripted(), "model": "m"},
    Injection: {"fault": Silence(), "share": 1.0},
    Keys: {"keys": ["k"]},
    Latency: {"least_s": 0.0},
    Profile: {"ttft_s": 1.0},
    Quota: {"endpoints": "a", "requests_per_min": 1.0},
    Route: {"name": "chat", "models": "m"},
    Shadow: {"to": "a", "share": 1.0},
    Steps: {"great_s": 1.0, "fine_s": 2.0, "slow_s": 3.0},
    TokenSource: {"fetch": lambda: "t"},
    Weighted: {"weights": {"a": 1.0}},
}
"""What has no default, or must be given one of several."""

BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("Aimd", "most"): {"initial": 1},
    ("TtftGradient", "most"): {"initial": 1},
    ("DecorrelatedJitter", "cap_s"): {"base_s": 1e-9},
    ("Breaker", "eject_at_most_s"): {"eject_for_s": 1e-9},
    ("Latency", "most_s"): {"least_s": 1e-9},
    ("Stall", "most_s"): {"least_s": 1e-9},
    ("Steps", "fine_s"): {"great_s": 1e-9},
    ("Steps", "slow_s"): {"great_s": 1e-9, "fine_s": 1e-9},
    ("Profile", "ttft_p95_s"): {"ttft_s": 1e-9},
    ("Profile", "total_p95_s"): {"ttft_s": 1e-9, "tokens_per_s": 1e15},
}
"""What else must be given for an option to be as low as it may: it has to be at least the other."""

INSTEAD: dict[tuple[str, str], dict[str, Any]] = {
    ("Cap", "max_tokens"): {"cost": CostLimit(money=1.0)},
    ("Chaos", "seed"): {"dice": random.Random(1)},
    ("Quota", "requests_per_min"): {"tokens_per_min": 1.0},
}
"""What must be given for an option to be None: one of them has to be."""

NUMBER = re.compile(r"\b(int|float|Fraction)\b")

SAID = {
    "above 0": (0, False),
    "above 1": (1, False),
    "above *": (0, False),  # another one, which is 0
    "at least *": (0, False),  # another one, which is above 0
    "at least 0": (0, True),
    "must not be negative": (0, True),
    "at least 1": (1, True),
    "at least 1.1": (1.1, True),
    "at least 2": (2, True),
    "0 to 1": (0, True),
}
"""How a docstring says the lower end of a range: the number, and whether it is within."""

SAID_MOST = {"up to 1": (1, True), "up to 30": (30, True), "0 to 1": (1, True), "below 1": (1, False)}
"""And the upper end. Nothing said: there is none."""


NO_NUMBERS = {
    "text": "1", "nothing": "", "bool": True, "list": [1], "object": object(), "class": int,
    "nan": math.nan, "inf": math.inf, "minus inf": -math.inf, "negative": -1,
}  # fmt: skip


def built() -> list[Built]:
    """Every public class that people build."""
    public = [getattr(module, name) for module in (router, policies) for name in module.__all__]
    return [each for each in public if inspect.isclass(each) and attrs.has(each) and each not in NOT_BUILT]


def options(kind: Built) -> Iterator[attrs.Attribute[Any]]:
    return (field for field in attrs.fields(kind) if field.init)


def numbers() -> Iterator[Any]:
    """Every numeric option, with its class."""
    for kind in built():
        for option in options(kind):
            of = str(option.type)
            if NUMBER.search(of) and "[" not in of:
                yield pytest.param(kind, option, id=f"{kind.__name__}.{option.name}")


def entries(kind: Built) -> dict[str, str]:
    """What a docstring says of each name: of ``a, b: words`` the words, for both."""
    said: dict[str, str] = {}
    names: list[str] = []
    for line in (inspect.getdoc(kind) or "").splitlines():
        begins = re.match(r"(\w+(?:, \w+)*): ", line)
        if begins:
            names = begins[1].split(", ")
        elif not line.startswith("    "):
            names = []
        for name in names:
            said[name] = f"{said.get(name, '')} {line.strip()}"
    return said


def make(kind: Built, option: attrs.Attribute[Any], value: object, **others: object) -> attrs.AttrsInstance:
    beside = BESIDE.get((kind.__name__, option.name), {})
    return kind(**{**NEEDED.get(kind, {}), **beside, **others, option.name: value})


@pytest.mark.parametrize("kind", built(), ids=lambda kind: kind.__name__)
def test_every_option_is_told_with_its_default(kind: Built) -> None:
    said = entries(kind)

    assert [option.name for option in options(kind) if option.name not in said] == []
    optional = [option.name for option in options(kind) if option.default is not attrs.NOTHING]
    assert [name for name in optional if "efault" not in said[name]] == []


@pytest.mark.parametrize(("kind", "option"), [*numbers()])
def test_every_number_says_its_range_and_keeps_to_it(kind: Built, option: attrs.Attribute[Any]) -> None:
    words = entries(kind)[option.name]
    least, within = next(bound for phrase, bound in sorted(SAID.items(), reverse=True) if phrase in words)
    a_little = 1 if "int" in str(option.type) else 1e-6

    make(kind, option, least if within else least + a_little)
    refused(kind, option, least - a_little if within else least)
    for phrase, (most, is_within) in SAID_MOST.items():
        if phrase in words:
            make(kind, option, most if is_within else most - a_little)
            refused(kind, option, most + a_little if is_within else most)


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize(("kind", "option"), [*numbers()])
def test_no_number_may_be_something_else(kind: Built, option: attrs.Attribute[Any], value: object) -> None:
    refused(kind, option, value)


@pytest.mark.parametrize(("kind", "option"), [*numbers()])
def test_none_is_refused_unless_it_means_something(kind: Built, option: attrs.Attribute[Any]) -> None:
    if "None" in str(option.type):
        make(kind, option, None, **INSTEAD.get((kind.__name__, option.name), {}))
    else:
        refused(kind, option, None)


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        pytest.param(kind, option, id=f"{kind.__name__}.{option.name}")
        for kind in built()
        for option in options(kind)
        if not NUMBER.search(str(option.type))
    ],
)
def test_an_option_that_is_no_number_is_not_any_object(kind: Built, option: attrs.Attribute[Any]) -> None:
    refused(kind, option, object())
    refused(kind, option, 7)


def refused(kind: Built, option: attrs.Attribute[Any], value: object) -> None:
    """An error that names the class and the option, and says what is wanted."""
    with pytest.raises(ConfigurationError) as error:
        make(kind, option, value)
    told = str(error.value)
    assert option.name in told
    assert kind.__name__ in told
    assert "must" in told
