"""docs/write-a-policy.md tells the truth: its code runs, its tests pass, and what it quotes is what one is told."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from paceline.policies import PeakEwma, Retry, Slots
from paceline.router.errors import UnknownPlugin
from paceline.router.plugins import POLICIES, Catalogue
from paceline.router.testing import SCENES, Unsound, assert_policy_sound

if TYPE_CHECKING:
    from paceline.router import Policy

GUIDE = Path(__file__).parents[1] / "docs" / "write-a-policy.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@cache
def written(upto: int | None = None) -> dict[str, Any]:
    """The names that the first blocks of Python define, one after another; all, unless told how many."""
    names: dict[str, Any] = {}
    for number, source in enumerate(blocks("python")[:upto]):
        exec(compile(source, f"{GUIDE.name}, block {number}", "exec"), names)  # noqa: S102  it is our own guide
    return names


@pytest.mark.parametrize("name", [name for name in written() if name.startswith("test_")])
def test_the_guides_own_tests_pass(name: str) -> None:
    written()[name]()


def test_there_are_several() -> None:
    assert sum(name.startswith("test_") for name in written()) == 3


def test_what_is_said_of_the_first_version_is_what_one_is_told() -> None:
    with pytest.raises(Unsound) as caught:
        written(upto=3)["is_it_sound"]()

    assert str(caught.value).splitlines() == blocks("text")[0].splitlines()


def test_there_are_as_many_scenes_as_it_says() -> None:
    assert "some forty scenes" in TEXT
    assert 35 <= len(SCENES) <= 45


def test_it_is_sound_among_others_too() -> None:
    policy = written()["CheapestFirst"]

    def made() -> Policy:
        return policy(start_within_s=0.2)

    assert assert_policy_sound(made, stack=lambda it: [Retry(), it, Slots()]) > len(SCENES)


def test_the_stack_that_is_named_is_made() -> None:
    retry, slots = written()["stack"]

    assert isinstance(retry, Retry)
    assert slots == Slots(balancer=PeakEwma(), max_wait_s=5.0)


def test_the_tables_can_be_read_and_name_what_they_say() -> None:
    project, configuration = (tomllib.loads(block) for block in blocks("toml"))

    assert list(project["project"]["entry-points"][POLICIES]) == ["cheapest-first"]
    with pytest.raises(UnknownPlugin, match="no policy is named 'cheapest-first'"):
        Catalogue.installed().stack(configuration["policies"])


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (GUIDE.parent / link).exists()
