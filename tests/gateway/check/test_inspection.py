"""What a check says of policies, of plugins that cannot be rehearsed, and of the program."""

from __future__ import annotations

from typing import Any

import attrs

from paceline.gateway.check.inspection import look_into
from paceline.gateway.config import Bind, Configuration, Settings, trial
from paceline.policies import Cap, Retry, Slots
from paceline.router import Call, Emit, Handler, Objective, Policy, Priority, Route, Secret, TtftGradient
from paceline.router.errors import PolicyFailed


async def bystander(call: Call, emit: Emit, next: Handler, /) -> None:
    await next(call, emit)


class Refuses:
    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        raise PolicyFailed("no")


def configuration(*policies: Policy, **changes: Any) -> Configuration:
    return attrs.evolve(trial(), policies=policies, **changes)


def test_only_options_that_are_not_as_by_default_are_told() -> None:
    found = look_into(lambda: configuration(bystander, Cap(max_tokens=9), Retry(), Slots(max_wait_s=1.0)))

    assert [(policy.name, policy.options) for policy in found.stack] == [
        ("bystander", ""),
        ("Cap", "max_tokens = 9"),
        ("Retry", ""),
        ("Slots", "max_wait_s = 1.0"),
    ]


def test_a_policy_that_is_no_attrs_class_is_told_by_its_repr() -> None:
    (policy,) = look_into(lambda: configuration(Refuses())).stack

    assert policy.name == "Refuses"
    assert "Refuses object" in policy.options


def test_a_stack_that_refuses_everything_shows_that_nobody_answers() -> None:
    (route,) = look_into(lambda: configuration(Refuses())).routes

    assert route.shares == []
    assert [path.ends for path in route.paths] == ["PolicyFailed", "PolicyFailed"]
    assert route.kept


def test_what_cannot_be_rehearsed_is_no_reason_to_refuse() -> None:
    count = 0

    def anew() -> Configuration:
        nonlocal count
        count += 1
        if count > 1:
            raise OSError("no server")
        return trial()

    (route,) = look_into(anew).routes

    assert route.unrehearsed == "OSError: no server"
    assert route.paths == []


def test_slots_are_told_in_a_word() -> None:
    one, other, third, *_ = trial().endpoints
    endpoints = (attrs.evolve(one, slots=None), attrs.evolve(other, slots=7), attrs.evolve(third, slots=TtftGradient()))

    found = look_into(lambda: configuration(Slots(), endpoints=endpoints, routes=(Route(name="r", models="mini"),)))

    assert [endpoint.slots for endpoint in found.endpoints] == ["no limit", "7", "ttftgradient"]


def test_the_program_is_told_in_a_line() -> None:
    settings = Settings(bind=Bind(port=9), keys=(Secret("a"), Secret("b")), watch_bind=Bind(port=10), workers=3)

    found = look_into(lambda: attrs.evolve(trial(), settings=settings))

    assert found.listens == "127.0.0.1:9, 2 keys, 3 processes; dashboard and metrics at 127.0.0.1:10"


def test_promises_are_told_in_words() -> None:
    route = Route(name="r", models="mini", priority=Priority.TOTAL, objective=Objective(total_s=8.0, success=0.995))

    (found,) = look_into(lambda: attrs.evolve(trial(), routes=(route,))).routes

    assert found.promises == "the whole answer counts; whole answer in 8s, 99.5% answered; budget 60s"
