"""Secrets come from the environment, and nothing that is said of a file shows one."""

from __future__ import annotations

import pytest

from paceline.gateway.config import ConfigurationRefused, read_text
from paceline.router import Secret

from .texts import CATALOGUE, PLAIN, endpoint, read, refused, with_

KEY = "sk-proj-1234567890abcdef"
HELD = "a secret does not belong into a file, and is not shown"


def said_of(text: str, environ: dict[str, str] | None = None) -> str:
    """All that is said of it, in every form."""
    with pytest.raises(ConfigurationRefused) as error:
        read_text(text, "gateway.toml", environ or {}, CATALOGUE)
    return f"{error.value!s} {error.value!r} {error.value.mistakes!r}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f'api_key = "{KEY}"', f"{HELD}: put it into an environment variable, and that variable's name into api_key"),
        (f'api_key = ["{KEY}"]', HELD),
        (f'api_key = {{ key = "{KEY}" }}', HELD),
        (f'headers = {{ Authorization = "Bearer {KEY}" }}', HELD),
        (f'headers = {{ api-key = "{KEY}" }}', HELD),
        (f'headers = {{ cookie = "{KEY}" }}', HELD),
        (f'api_key_env = "{KEY}"', "must be the name of an environment variable, such as EAST_KEY"),
        (f'api_key_env = ["{KEY}"]', "must be the name of an environment variable, such as EAST_KEY"),
        ('api_key_env = "a0b1c2d3e4f5a0b1c2d3e4f5"', "it is not shown, since it may be the secret itself"),
        (f'headers_env = {{ x-key = "{KEY}" }}', "must be the name of an environment variable"),
        (f'slots = "{KEY}"', "***"),
        (f'profile = "{KEY}"', "***"),
        (f'api_token = "{KEY}"', "there is no such key"),
        (f'base_url = "http://user:{KEY}@host"', "base_url"),
    ],
)  # fmt: skip
def test_a_secret_in_a_file_is_refused_without_being_shown(line: str, told: str) -> None:
    text = with_(line).replace('"simulated"', '"openai"')

    said = said_of(text)

    assert told in said
    assert KEY not in said
    assert "a0b1c2d3" not in said


def test_keys_of_the_gateway_are_not_shown_either() -> None:
    assert KEY not in said_of(f'{PLAIN}\n[gateway]\nkeys_env = "{KEY}"')
    assert KEY not in said_of(f'{PLAIN}\n[gateway]\nkeys = ["{KEY}"]')


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"NOPE"', "names NOPE, which is not set, or empty: export NOPE before starting"),
        ('"EMPTY"', "names EMPTY, which is not set, or empty"),
        ("7", "must be the name of an environment variable"),
        ("[]", "must be a list of at least one environment variable's name"),
        ("{ aside_s = 3 }", "must be a list of at least one environment variable's name"),
        ('{ names = ["EAST_KEY"], aside = 3 }', "there is no such key: did you mean aside_s, in seconds?"),
        ('["EAST_KEY", "EAST_KEY"]', "a key is listed twice"),
    ],
)  # fmt: skip
def test_a_variable_that_cannot_be_used_is_told(written: str, told: str) -> None:
    assert any(told in mistake for mistake in refused(with_(f"api_key_env = {written}")))


def test_every_variable_that_is_missing_is_told() -> None:
    told = refused(with_('api_key_env = ["NOPE", "EAST_KEY", "NEITHER"]'))

    assert [mistake.split(", which")[0] for mistake in told] == [
        'line 6: endpoint[1] "a".api_key_env[1]: names NOPE',
        'line 6: endpoint[1] "a".api_key_env[3]: names NEITHER',
    ]


def test_keys_are_separated_by_commas_and_each_counts_once() -> None:
    found = read_text(f"{PLAIN}\n[gateway]\nkeys_env = 'KEYS'", "x", {"KEYS": " a,b ,, a "}, CATALOGUE)

    assert found.settings.keys == (Secret("a"), Secret("b"))


def test_a_variable_of_nothing_but_commas_is_told() -> None:
    assert (
        "gateway.keys_env: names COMMAS, which holds nothing but commas"
        in refused(f"{PLAIN}\n[gateway]\nkeys_env = 'COMMAS'")[0]
    )


def test_what_is_read_shows_no_secret() -> None:
    found = read(with_('api_key_env = ["EAST_KEY", "WEST_KEY"]', 'headers_env = { x-a = "EAST_KEY" }'))

    assert "secret" not in repr(found)


def test_a_source_of_tokens_is_a_part_like_any_other() -> None:
    (mistake,) = refused(with_('api_key = { kind = "entra", tenant = "t" }'))

    assert "endpoint[1] \"a\".api_key: no part is named 'entra'" in mistake


def test_a_part_that_is_no_credential_is_refused() -> None:
    (mistake,) = refused(with_('api_key = { kind = "aimd" }'))

    assert "api_key: must be " in mistake
    assert "aimd is none" in mistake


def test_one_variable_is_one_key() -> None:
    assert endpoint('api_key_env = "EAST_KEY"').api_key == Secret("east-secret")
