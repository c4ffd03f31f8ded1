"""What other packages offer by name: as good as ours, and never the end of the reading where it is broken."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from paceline.gateway.config import Configuration, ConfigurationRefused, read_text
from paceline.policies import Retry
from paceline.router import TokenSource
from paceline.router.plugins import Catalogue, Plugin, Shelf

from . import acme
from .texts import PLAIN


def shelf(noun: str, **offered: str) -> Shelf:
    return Shelf(
        noun,
        noun,
        [
            Plugin(name=name, package="acme", version="1.2", entry=EntryPoint(name, f"{acme.__name__}:{value}", noun))
            for name, value in offered.items()
        ],
    )


CATALOGUE = Catalogue(
    shelf(
        "policy", bystander="bystander", tagger="Tagger", none="NoPolicy", fragile="Fragile", untold="Untold",
        gone="Gone", seven="NOTHING_TO_CALL",
    ),
    shelf("stack", quiet="quiet", nolist="no_list"),
    shelf("part", entra="entra"),
)  # fmt: skip


def read(text: str) -> Configuration:
    return read_text(text, "x", {}, CATALOGUE)


def refused(policies: str) -> str:
    with pytest.raises(ConfigurationRefused) as error:
        read(f"policies = {policies}\n{PLAIN}")
    (mistake,) = error.value.mistakes
    return str(mistake)


def test_policies_of_others_are_had_as_ours_are() -> None:
    found = read(f'policies = ["bystander", {{ kind = "acme/tagger", tag = "y", limit_ms = 5 }}]\n{PLAIN}')

    assert found.policies == (acme.bystander, acme.Tagger(tag="y", limit_ms=5.0))


def test_stacks_of_others_are_had_as_ours_are() -> None:
    (retry,) = read(f'policies = "quiet"\n{PLAIN}').policies

    assert isinstance(retry, Retry)


def test_a_source_of_tokens_is_an_endpoints_key() -> None:
    found = read(f'policies = []\n{PLAIN}\napi_key = {{ kind = "entra", tenant = "t" }}').endpoints[0]

    assert isinstance(found.api_key, TokenSource)
    assert found.api_key.fetch() == "token of t"


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ('[{ kind = "bystander", x = 1 }]', ".x: 'bystander' is a function, which takes no options"),
        ('["none"]', "policies: <tests.gateway.config.acme.NoPolicy object"),
        ('["seven"]', 'policies[1] "seven": seven cannot be made: it is no class and no function'),
        ('["gone"]', "cannot be imported from"),
        ('[{ kind = "fragile", size = 1 }]', 'policies[1] "fragile": cannot be made: KeyError: 1'),
        ('[{ kind = "untold", money = 1 }]', ".money: cannot be given in a table: its type is Decimal"),
        ('"nolist"', "policies: the stack 'nolist' is no list of policies, but int"),
    ],
)  # fmt: skip
def test_what_is_broken_is_told(policies: str, told: str) -> None:
    assert told in refused(policies)
