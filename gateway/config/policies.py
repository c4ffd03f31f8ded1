"""The stack: ``[policies]`` with the name of one and its options, or a list of policies, plugins included.

    [policies]                               [[policies]]               policies = ["retry", { kind = "slots" }]
    stack = "interactive"                    kind = "retry"
    here = "us-east"
    rtt_ms = { us-east = { eu-west = 90 } }  [[policies]]
                                             kind = "slots"
                                             balancer = "peak-ewma"

``stack`` may be such a list as well. Without any of it the stack is ``interactive``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from ...router import compose
from ...router.errors import ConfigurationError
from ...router.plugins.values import KIND
from ...router.plugins.wording import shown
from .mistake import Place
from .reader import Noted, Reader
from .shapes import as_list, as_table

if TYPE_CHECKING:
    from ...router import Call, Emit, Policy

STACK = "stack"
DEFAULT = {STACK: "interactive"}


def read_policies(given: object, at: Place, reader: Reader) -> tuple[Policy, ...]:
    """The policies, the outermost first.

    Raises:
        Noted: something is wrong with them, or with their order.
    """
    policies = _listed(given, at, reader)
    try:
        compose(policies, _nowhere)
    except ConfigurationError as wrong:
        reader.give_up(at, str(wrong))
    return policies


def _listed(given: object, at: Place, reader: Reader) -> tuple[Policy, ...]:
    policies = as_list(given)
    if policies is not None:
        return _several(policies, at, reader)
    table = as_table(given)
    if table is None:
        table = {STACK: given}
    if STACK not in table:
        reader.give_up(at, f"{STACK} is missing: the name of one, of {reader.catalogue.stacks}; or a list of policies")
    named = table[STACK]
    policies = as_list(named)
    if policies is None:
        options = {name: value for name, value in table.items() if name != STACK}
        return _stack({KIND: named, **options}, at, reader)
    for name in table:
        if name != STACK:
            reader.wrong(at.at(name), "is an option of no stack: a list of policies has none, each policy has its own")
    return _several(policies, at.at(STACK), reader)


def _stack(table: Mapping[str, object], at: Place, reader: Reader) -> tuple[Policy, ...]:
    reader.found(reader.catalogue.stacks, table[KIND], at.at(STACK))
    made = reader.plugin(reader.catalogue.stacks, table, at)
    if not isinstance(made, Iterable):
        reader.give_up(at, f"the stack {shown(table[KIND])} is no list of policies, but {type(made).__name__}")
    return tuple(cast("Iterable[Policy]", made))


def _several(given: list[object], at: Place, reader: Reader) -> tuple[Policy, ...]:
    before, policies = len(reader.mistakes), list[object]()
    for number, each in enumerate(given):
        table = as_table(each)
        if table is None:
            table = {KIND: each}
        try:
            policies.append(_policy(table, at.at(number, table.get(KIND)), reader))
        except Noted:
            continue
    if len(reader.mistakes) > before:
        raise Noted
    return tuple(cast("list[Policy]", policies))


def _policy(table: Mapping[str, object], at: Place, reader: Reader) -> object:
    """A policy; of a function that is one, itself."""
    found = reader.found(reader.catalogue.policies, table.get(KIND), at)
    if not inspect.iscoroutinefunction(found):
        return reader.plugin(reader.catalogue.policies, table, at)
    for name in table:
        if name != KIND:
            reader.wrong(at.at(name), f"{shown(table[KIND])} is a function, which takes no options")
    return found


async def _nowhere(_call: Call, _emit: Emit, /) -> None:
    """What a stack is put around to see whether it fits together."""
