"""`compose`: policies around a leaf, the first outermost, and what cannot be a stack refused with its reason."""

import functools
from typing import Any, ClassVar

import pytest

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.router import Call, Emit, Handler, Layer, Policy, compose
from paceline.router.errors import ConfigurationError, ImpossibleOrder, NotAPolicy
from paceline.router.pipeline import ONCE, WHY, check_order, check_policy, name_of
from paceline.router.testing import Scripted, answers, endpoint, run

from .stack import ask, full_stack, routed


class Noting:
    """Notes its name on the way in and on the way out."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.log.append(f"> {self.name}")
        await next(call, emit)
        self.log.append(f"< {self.name}")


class Synchronous:
    def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Not a coroutine."""


class TakesTwo:
    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """Not for a pipeline."""


class NotCallable:
    """Nothing to call."""


class Hedging:
    layer: ClassVar[Layer] = Layer.HEDGE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)


async def plain(call: Call, emit: Emit, next: Handler) -> None:
    await next(call, emit)


async def nothing(call: Call, emit: Emit) -> None:
    """A leaf."""


def test_the_first_policy_sees_the_call_first_and_the_end_last() -> None:
    log: list[str] = []

    async def main() -> None:
        async with routed(
            endpoint("a", Scripted(answers(0.0))), policies=[Noting("outer", log), Noting("inner", log)]
        ) as router:
            await router.complete(ask())

    run(main)

    assert log == ["> outer", "> inner", "< inner", "< outer"]


def test_without_policies_the_leaf_is_the_handler() -> None:
    assert compose([], nothing) is nothing


def of_all_kinds(log: list[str]) -> list[Policy]:
    """Policies in every form that Python has for them."""

    class Inheriting(Noting):
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            await super().__call__(call, emit, next)

    class WithMore:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /, more: str = "one argument more") -> None:
            log.append(more)
            await next(call, emit)

    async def closure(call: Call, emit: Emit, next: Handler) -> None:
        log.append("closure")
        await next(call, emit)

    @functools.wraps(closure)
    async def wrapped(*arguments: Any, **named: Any) -> None:
        log.append("wrapped")
        await closure(*arguments, **named)

    return [Inheriting("object", log), WithMore(), closure, wrapped]


def test_whatever_form_a_policy_has_it_is_called_with_what_comes_next() -> None:
    log: list[str] = []

    async def main() -> None:
        async with routed(endpoint("a", Scripted(answers(0.0))), policies=of_all_kinds(log)) as router:
            for _ in range(2):
                await router.complete(ask())

    run(main)

    told = ["> object", "one argument more", "closure"]
    assert log == [*told, "wrapped", "closure", "< object"] * 2


def test_one_policy_may_stand_in_two_places() -> None:
    log: list[str] = []

    async def main() -> None:
        async with routed(
            endpoint("a", Scripted(answers(0.0))), policies=[twice := Noting("it", log), twice]
        ) as router:
            await router.complete(ask())

    run(main)

    assert log == ["> it", "> it", "< it", "< it"]


def test_a_plain_async_function_is_a_policy() -> None:
    check_policy(plain)

    assert name_of(plain) == "plain"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Slots, r"Slots is a class: put an object of it into the stack, Slots\(\)"),
        (None, "None is not a policy: it must be callable as async"),
        ("slots", "'slots' is not a policy: it must be callable"),
        (NotCallable(), "is not a policy: it must be callable"),
        (Synchronous(), "Synchronous is not a policy: write it as 'async def __call__'"),
        (print, "is not a policy: write it as 'async def __call__'"),
        (TakesTwo(), r"TakesTwo is not a policy: it must take \(call, emit, next\), but too many positional"),
        (nothing, r"nothing is not a policy: it must take \(call, emit, next\)"),
    ],
)
def test_what_is_not_a_policy_is_refused_and_told_what_it_is(wrong: object, says: str) -> None:
    stack: list[Policy] = [wrong]  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]

    with pytest.raises(NotAPolicy, match=says):
        routed(endpoint("a", Scripted()), policies=stack)


def test_the_full_stack_and_every_part_of_it_left_out_can_be_built() -> None:
    for left_out in range(len(full_stack())):
        stack = full_stack()
        del stack[left_out]
        check_order(stack)
    check_order(full_stack())


@pytest.mark.parametrize("place", range(4))
def test_two_neighbours_turned_round_are_refused_by_their_names(place: int) -> None:
    stack = full_stack()
    outer, inner = stack[place], stack[place + 1]
    stack[place], stack[place + 1] = inner, outer

    with pytest.raises(ImpossibleOrder) as caught:
        routed(endpoint("a", Scripted()), policies=stack)

    told = str(caught.value)
    assert f"put {name_of(outer)} before {name_of(inner)}" in told
    assert WHY[getattr(outer, "layer")] in told  # noqa: B009  a protocol without it
    assert WHY[getattr(inner, "layer")] in told  # noqa: B009


def test_a_slot_outside_a_hedge_is_refused() -> None:
    with pytest.raises(ImpossibleOrder, match="Hedging stands inside Slots and belongs outside it"):
        check_order([Slots(), Hedging()])


@pytest.mark.parametrize(
    ("twice", "layer"),
    [([Slots(), RoundRobin()], "SLOT"), ([Retry(), Retry()], "RETRY"), ([Fallback(), Fallback()], "MODEL")],
)
def test_two_that_would_multiply_attempts_are_refused(twice: list[Policy], layer: str) -> None:
    with pytest.raises(ImpossibleOrder, match=f"both work at layer {layer}: keep one of them"):
        check_order(twice)


def test_two_that_only_narrow_may_stand_together() -> None:
    check_order([Regions(), Regions(), LatencyBudget(), LatencyBudget()])


def test_a_policy_without_a_layer_may_stand_anywhere() -> None:
    stack = full_stack()

    for place in range(len(stack) + 1):
        check_order([*stack[:place], plain, *stack[place:]])


def test_every_layer_has_its_reason() -> None:
    assert set(WHY) == set(Layer)
    assert set(Layer) > ONCE


def test_what_is_wrong_with_a_stack_is_a_configuration_error() -> None:
    assert issubclass(ImpossibleOrder, ConfigurationError)
    assert issubclass(NotAPolicy, ConfigurationError)
