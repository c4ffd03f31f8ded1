"""docs/configuration.md says every key there is, with its default; and the example is a configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paceline.gateway.config import read_file
from paceline.gateway.config.providers import KINDS
from paceline.policies import Fallback
from paceline.router.plugins import Shelf

from .reference import TABLES, WORDS, options_of
from .texts import CATALOGUE

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = ROOT / "examples" / "gateway.toml"

ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|(?: (.*) \|)?$", re.MULTILINE)


def section(heading: str) -> str:
    """What stands below a heading, up to the next."""
    return REFERENCE.split(f"### {heading}\n")[1].split("\n#")[0]


def rows(heading: str) -> dict[str, tuple[str, str]]:
    return {name: (default, what) for name, default, what in ROW.findall(section(heading))}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_has_every_key_with_its_default_and_says_what_it_is(heading: str) -> None:
    told, are = rows(heading), TABLES[heading].rows()

    assert told.keys() == are.keys()
    for key, default in are.items():
        assert told[key][0] == default or (default == WORDS and told[key][0] not in {"none", "required", ""}), key
        assert len(told[key][1]) > 8, key


def test_the_reference_has_no_table_of_something_else() -> None:
    headings = re.findall(r"^### (.*)$", REFERENCE, re.MULTILINE)

    assert headings == [*TABLES, "Stacks", "Kinds of policies", "Kinds of parts"]


@pytest.mark.parametrize(
    ("heading", "shelf"),
    [("Stacks", CATALOGUE.stacks), ("Kinds of policies", CATALOGUE.policies), ("Kinds of parts", CATALOGUE.parts)],
    ids=["stacks", "policies", "parts"],
)
def test_what_can_be_had_by_name_is_told_with_its_options(heading: str, shelf: Shelf) -> None:
    ours = {plugin.name: options_of(shelf.load(plugin)) for plugin in shelf if plugin.package == "paceline"}  # type: ignore[arg-type]

    assert {name: options for name, (options, _) in rows(heading).items()} == ours


def test_every_provider_is_told() -> None:
    assert [kind for kind in KINDS if f"`{kind}`" not in REFERENCE] == []


def test_the_example_is_a_configuration() -> None:
    environ = dict.fromkeys(re.findall(r"[A-Z]+_KEYS?(?:_\d)?", EXAMPLE.read_text()), "")
    found = read_file(EXAMPLE, {name: f"{name} value" for name in environ}, CATALOGUE)

    assert [endpoint.name for endpoint in found.endpoints] == ["east-mini", "west-mini", "claude"]
    assert [route.name for route in found.routes] == ["chat", "report"]
    assert found.settings.keys
    assert isinstance(found.policies[0], Fallback)
    assert [proof.route for proof in found.router().residency_proofs] == ["chat"]


def test_the_example_exports_every_variable_that_it_needs() -> None:
    text = EXAMPLE.read_text()
    exported = re.findall(r"([A-Z_0-9]+)=", text.split("\n\n")[0])

    assert set(exported) == set(re.findall(r'"([A-Z_0-9]+)"', text))
