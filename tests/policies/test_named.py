"""Whatever of ours a stack is made of can be named in a configuration file, with all its options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

import pytest

import paceline.policies
from paceline.policies import balancers, stacks
from paceline.router.plugins import Catalogue, Shelf
from paceline.router.plugins.option import options_of
from paceline.router.plugins.plugin import Plugin

CATALOGUE = Catalogue.installed()
OURS = [
    (shelf, plugin)
    for shelf in (CATALOGUE.policies, CATALOGUE.stacks, CATALOGUE.parts)
    for plugin in shelf
    if plugin.package == "paceline"
]


def named(shelf: Shelf) -> set[object]:
    """What the names of ours on a shelf stand for."""
    return {shelf.load(plugin) for shelf_of_it, plugin in OURS if shelf_of_it is shelf}


def exported(package: object, is_meant: Callable[[type], bool]) -> set[object]:
    """The classes that a package exports, of some kind."""
    names: list[str] = getattr(package, "__all__")  # noqa: B009  a module is no object with attributes to type checkers
    values = (getattr(package, name) for name in names)
    return {value for value in values if inspect.isclass(value) and is_meant(cast("type", value))}


def test_every_policy_can_be_named() -> None:
    policies = exported(paceline.policies, lambda kind: inspect.iscoroutinefunction(getattr(kind, "__call__", None)))

    assert named(CATALOGUE.policies) == policies, "pyproject's entry points differ, or the install is an old one"


def test_every_balancer_can_be_named() -> None:
    assert exported(balancers, lambda kind: kind is not balancers.Balancer) <= named(CATALOGUE.parts)


def test_every_stack_can_be_named() -> None:
    functions = {
        value for _, value in inspect.getmembers(stacks, inspect.isfunction) if value.__module__ == stacks.__name__
    }

    assert named(CATALOGUE.stacks) == {function for function in functions if not function.__name__.startswith("_")}


@pytest.mark.parametrize(("shelf", "plugin"), OURS, ids=lambda it: it.name if isinstance(it, Plugin) else it.noun)
def test_the_types_of_all_its_options_can_be_read(shelf: Shelf, plugin: Plugin) -> None:
    kind = cast("Callable[..., object]", shelf.load(plugin))

    for option in options_of(kind).values():
        assert option.wanted() is not object, f"{plugin}: nothing is known of {option.name}"
