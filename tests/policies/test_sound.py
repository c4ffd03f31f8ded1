"""Every policy of ours that can be named keeps what every policy has to keep: alone, and in the whole stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from paceline.policies import stacks
from paceline.router import Layer
from paceline.router.plugins import Catalogue
from paceline.router.testing import SCENES, assert_policy_sound

if TYPE_CHECKING:
    from paceline.router import Policy

CATALOGUE = Catalogue.installed()
OURS = [plugin.name for plugin in CATALOGUE.policies if plugin.package == "paceline"]

OPTIONS: dict[str, dict[str, object]] = {
    "cap": {"max_tokens": 32},
    "chaos": {"seed": 7, "injections": [{"fault": {"kind": "latency", "least_s": 0.5}, "share": 1.0}]},
    "shadow": {"to": "beside", "share": 1.0},
}
"""Options without which a policy does nothing, or cannot be made."""


def made(name: str) -> Policy:
    return CATALOGUE.policy({"kind": name, **OPTIONS.get(name, {})})


def layer_of(policy: Policy) -> int:
    return int(getattr(policy, "layer", Layer.MODEL))


def among_all(policy: Policy) -> Sequence[Policy]:
    """The interactive stack with *policy* in its place; at a layer that two may share, before the other one."""
    others = [other for other in stacks.interactive() if type(other) is not type(policy)]
    if layer_of(policy) is not Layer.CHOICE:
        others = [other for other in others if layer_of(other) != layer_of(policy)]
    return sorted([policy, *others], key=layer_of)


@pytest.mark.parametrize("name", OURS)
def test_it_is_sound_alone(name: str) -> None:
    assert assert_policy_sound(lambda: made(name)) > 100


@pytest.mark.parametrize(("number", "name"), [*enumerate(OURS)], ids=str)
def test_it_is_sound_in_the_whole_stack(number: int, name: str) -> None:
    some = SCENES[number % 3 :: 3]  # all of them are played by any three neighbours

    assert assert_policy_sound(lambda: made(name), stack=among_all, scenes=some) > len(some)
