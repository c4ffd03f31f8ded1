"""Policies, stacks and their parts by name: what a configuration file's words stand for.

A *policy* is named in a list, the outermost first, by its name or by a table with its options:

    policies = [
        "fallback",
        {kind = "retry", wait = {kind = "decorrelated-jitter", base_s = 0.5}},
        {kind = "slots", balancer = "peak-ewma", max_wait_s = 5},
    ]

A *stack* is a whole such list under one name, ``policies = {kind = "interactive", here = "us-east"}``. A *part* is a
strategy that is an option of a policy or an endpoint: a balancer, a jitter, a limit of slots. Options are called as in
Python, units in their names.

What an entry point names may be a class; a function with annotated parameters that makes the object; or, of a policy, a
function that is one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConfigurationError, NotAPolicy
from ..pipeline import check_policy
from .options import Table, build
from .shelf import Shelf
from .values import KIND
from .wording import Misread

if TYPE_CHECKING:
    from ..pipeline import Policy
    from .plugin import Plugin

POLICIES = "paceline.policies"
STACKS = "paceline.stacks"
PARTS = "paceline.parts"


class Catalogue:
    """What can be had by name.

    policies, stacks, parts: what is installed of each; to be looked through without importing any of it.
    """

    __slots__ = ("parts", "policies", "stacks")

    def __init__(self, policies: Shelf, stacks: Shelf, parts: Shelf) -> None:
        self.policies = policies
        self.stacks = stacks
        self.parts = parts

    @classmethod
    def installed(cls) -> Catalogue:
        """Everything that is installed now. Takes milliseconds: it reads the metadata of every installed package."""
        return cls(
            Shelf.installed(POLICIES, "policy"), Shelf.installed(STACKS, "stack"), Shelf.installed(PARTS, "part")
        )

    def policy(self, given: str | Table) -> Policy:
        """One policy, by its name or by a table of its ``kind`` and its options.

        Raises:
            PluginError: it cannot be had.
            ConfigurationError: its options are wrong; the message tells all that is.
        """
        name, options = _kind_and_options(given, "policy")
        plugin = self.policies.find(name)
        found = self.policies.load(plugin)
        if inspect.iscoroutinefunction(found):
            if options:
                raise ConfigurationError(f"{name}: is a function that takes no options, but was given {_told(options)}")
            made: object = found
        else:
            self._check_maker(self.policies, plugin, found)
            made = build(cast("Callable[..., object]", found), options, self)
        return self._checked(self.policies, plugin, made)

    def stack(self, given: str | Table | Sequence[str | Table]) -> list[Policy]:
        """A stack: by its name, by a table of its ``kind`` and its options, or as a list of policies.

        Raises:
            PluginError, ConfigurationError: as `policy`.
        """
        if not isinstance(given, str | Mapping):
            return [self.policy(each) for each in given]
        name, options = _kind_and_options(given, "stack")
        plugin = self.stacks.find(name)
        maker = self.stacks.load(plugin)
        self._check_maker(self.stacks, plugin, maker)
        made = build(cast("Callable[..., object]", maker), options, self)
        if not isinstance(made, Iterable):
            raise self.stacks.broken(plugin, f"is no list of policies, but makes {type(made).__name__}")
        return [self._checked(self.stacks, plugin, policy) for policy in cast("Iterable[object]", made)]

    def part(self, given: str | Table, wanted: tuple[type, ...]) -> object:
        """A part, by its name or by a table of its ``kind`` and its options; an object of one of the classes *wanted*.

        Raises:
            PluginError, ConfigurationError: as `policy`.
        """
        name, options = _kind_and_options(given, "part")
        plugin = self.parts.find(name)
        maker = self.parts.load(plugin)
        self._check_maker(self.parts, plugin, maker)
        made = build(cast("Callable[..., object]", maker), options, self)
        if not _is_one_of(made, wanted):
            kinds = " or ".join(kind.__name__ for kind in wanted)
            raise Misread(
                f" must be a {kinds}, but {plugin} makes {type(made).__name__}. Installed parts: {self.parts}"
            )
        return made

    def built(self, kind: Callable[..., Any], table: Table) -> object:
        """As `build`, with parts by name."""
        return build(kind, table, self)

    def _check_maker(self, shelf: Shelf, plugin: Plugin, found: object) -> None:
        if not callable(found):
            raise shelf.broken(plugin, f"is no class and no function, but {type(found).__name__}")
        if shelf is self.policies and isinstance(found, type) and not inspect.iscoroutinefunction(_call_of(found)):
            raise shelf.broken(
                plugin, f"is no policy: {found.__name__} has no 'async def __call__(self, call, emit, next, /)'"
            )

    def _checked(self, shelf: Shelf, plugin: Plugin, made: object) -> Policy:
        try:
            check_policy(made)
        except NotAPolicy as wrong:
            raise shelf.broken(plugin, f"makes what is no policy: {wrong}") from wrong
        return cast("Policy", made)


def _kind_and_options(given: str | Table, noun: str) -> tuple[str, Table]:
    name = given if isinstance(given, str) else given.get(KIND)
    if not isinstance(name, str):
        raise ConfigurationError(f"a {noun} is given by its name, or by a table with its name as {KIND!r}")
    return name, {} if isinstance(given, str) else {key: value for key, value in given.items() if key != KIND}


def _call_of(kind: type) -> object:
    return getattr(kind, "__call__", None)  # inspected, and not only tested for


def _is_one_of(made: object, wanted: tuple[type, ...]) -> bool:
    try:
        return isinstance(made, wanted)
    except TypeError:
        return True  # a protocol that cannot be asked: the validator of who has it will see


def _told(options: Table) -> str:
    return ", ".join(options)
