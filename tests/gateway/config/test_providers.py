"""Providers by name, with their options."""

from __future__ import annotations

import attrs
import pytest

from paceline.gateway.config.providers import KINDS
from paceline.providers import (
    AdaptiveThinking,
    Anthropic,
    AzureOpenAI,
    Behaviour,
    Connections,
    DeepInfra,
    Incident,
    OpenAI,
    OpenAICompatible,
    Simulated,
    ThinkingBudgets,
    preset,
)
from paceline.router import Provider
from paceline.router.errors import RateLimited

from .texts import endpoint, read, refused


def provider(written: str, url: str = "https://host.example/v1") -> Provider:
    text = f'[[endpoint]]\nname = "a"\nmodel = "m"\nprovider = {written}\nbase_url = "{url}"'
    return read(text).endpoints[0].provider


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"openai"', OpenAI()),
        ('"deepinfra"', DeepInfra()),
        ('"compatible"', OpenAICompatible()),
        ('"groq"', preset("groq")),
        ('"llama.cpp"', preset("llama.cpp")),
        ('{ kind = "groq", name = "groq-eu" }', attrs.evolve(preset("groq"), name="groq-eu")),
        ('{ kind = "compatible", name = "mine", cap = "max_completion_tokens", ignores = ["seed"] }',
         OpenAICompatible(name="mine", cap="max_completion_tokens", ignores=frozenset({"seed"}))),
        ('{ kind = "openai", connections = { warm = 4, keepalive_ms = 500, proxy = "http://p.example:1" } }',
         OpenAI(connections=Connections(warm=4, keepalive_s=0.5, proxy="http://p.example:1"))),
        ('{ kind = "openai", max_frame_bytes = 2048, max_answer_bytes = 4096 }',
         OpenAI(max_frame_bytes=2048, max_answer_bytes=4096)),
    ],
)  # fmt: skip
def test_a_name_or_a_table_stands_for_a_provider(written: str, meant: Provider) -> None:
    assert provider(written) == meant


def test_azure_has_versions() -> None:
    found = provider('{ kind = "azure", api_version = "2024-10-21" }', "https://r.openai.azure.com")

    assert found == AzureOpenAI(api_version="2024-10-21")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"adaptive-thinking"', AdaptiveThinking()),
        ('"thinking-budgets"', ThinkingBudgets()),
        ('{ kind = "thinking-budgets", high = 20000 }', ThinkingBudgets(high=20000)),
    ],
)
def test_anthropic_is_told_how_its_models_think(written: str, meant: object) -> None:
    found = provider(f'{{ kind = "anthropic", max_tokens = 99, thinking = {written} }}', "https://host.example")

    assert found == Anthropic(max_tokens=99, thinking=meant)  # type: ignore[arg-type]


def test_a_proxy_login_is_a_secret() -> None:
    written = (
        'provider = { kind = "openai", connections = { proxy = "http://p.example:1", proxy_login_env = "EAST_KEY" } }'
    )
    told = refused(f'[[endpoint]]\nname = "a"\nmodel = "m"\n{written}')

    assert told == ["line 4: endpoint[1] \"a\".provider.connections.proxy_login_env: must be 'user:password'"]


def test_a_fleet_can_be_simulated_from_a_file() -> None:
    text = """
    [[endpoint]]
    name = "a"
    model = "m"
    [endpoint.provider]
    kind = "simulated"
    name = "lab"
    seed = 7
    [endpoint.provider.behaviour]
    ttft_ms = 150
    error_rate = 0.1
    error = "rate_limited"
    retry_after_s = 2
    incidents = [{ from_s = 10, to_s = 20, slower = 8 }, { from_ms = 30_000, to_s = 40, error_rate = 1 }]
    """

    found = read(text).endpoints[0].provider

    assert isinstance(found, Simulated)
    assert (found.name, found.seed) == ("lab", 7)
    assert found.behaviour == Behaviour(
        ttft_s=0.15,
        error_rate=0.1,
        error=RateLimited,
        retry_after_s=2.0,
        incidents=(Incident(from_s=10.0, to_s=20.0, slower=8.0), Incident(from_s=30.0, to_s=40.0, error_rate=1.0)),
    )


def test_a_simulated_endpoint_behaves_as_its_profile_says_unless_it_is_told_how() -> None:
    found = endpoint("profile = { ttft_ms = 70, tokens_per_s = 33 }").provider

    assert isinstance(found, Simulated)
    assert found.behaviour == Behaviour(ttft_s=0.07, tokens_per_s=33.0)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"opnai"', "no provider is called 'opnai': did you mean openai?"),
        ('"zzz"', f"no provider is called 'zzz'; there are {', '.join(KINDS)}"),
        ("7", "must be the name of a provider, or a table with its name as kind"),
        ("{ }", "must be the name of a provider, or a table with its name as kind"),
        ('{ kind = "openai", url = "http://x" }', ".url: there is no such key"),
        ('{ kind = "openai", api_version = "2024-10-21" }', ".api_version: there is no such key"),
        ('{ kind = "groq", cap = "most" }', ".cap: must be max_tokens or max_completion_tokens, not 'most'"),
        ('{ kind = "anthropic", max_tokens = 0 }', ".max_tokens: must be a whole number of at least 1, not 0"),
        ('{ kind = "anthropic", thinking = "aimd" }', ".thinking: must be a Thinking"),
        ('{ kind = "anthropic", thinking = { kind = "aimd" } }', ".thinking: must be a Thinking, and aimd is none"),
        ('{ kind = "simulated", behaviour = { error = "gone" } }', ".error: must be the reason of an error"),
        ('{ kind = "simulated", behaviour = { incidents = [{ from_s = 2, to_s = 1 }] } }',
         ".behaviour.incidents[1]: Incident: to_s (1) must be after from_s (2)"),
    ],
)  # fmt: skip
def test_what_stands_for_no_provider_is_refused(written: str, told: str) -> None:
    (mistake,) = refused(f'[[endpoint]]\nname = "a"\nmodel = "m"\nprovider = {written}')

    assert mistake.startswith('line 4: endpoint[1] "a".provider')
    assert told in mistake
