"""The servers in wide use, and what is refused where it would be passed over."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from paceline.policies.fallback import Fallback
from paceline.providers import AzureOpenAI, DeepInfra, OpenAI, OpenAICompatible, preset
from paceline.providers.presets import PRESETS
from paceline.router import Endpoint, Request, Route, Router
from paceline.router.errors import ConfigurationError, Unsupported
from paceline.router.verdict import Health

from .vendors.asking import answer_of, routed
from .vendors.compatible_server import CompatibleServer
from .vendors.scene import PLAIN

IGNORED = [(name, param) for name, provider in PRESETS.items() for param in sorted(provider.ignores)]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_no_url(name: str) -> None:
    provider = preset(name)
    endpoint = Endpoint(name="e", provider=provider, model="m")
    assert str(provider._address(endpoint, None).url) == f"{provider.url}/chat/completions"
    assert provider.name == name
    assert endpoint.domain == f"{name}/global"


def test_those_with_a_name_of_their_own() -> None:
    assert preset("openai") == OpenAI()
    assert preset("deepinfra") == DeepInfra()
    assert DeepInfra().url == "https://api.deepinfra.com/v1/openai"
    assert isinstance(AzureOpenAI(), OpenAICompatible)


def test_a_preset_is_changed_as_any_provider_is() -> None:
    mine = attrs.evolve(preset("vllm"), url="http://10.0.0.7:8000/v1", max_frame_bytes=4096)
    assert (mine.name, mine.max_frame_bytes) == ("vllm", 4096)
    assert preset("vllm").url == "http://127.0.0.1:8000/v1"


def test_an_endpoints_own_url_wins() -> None:
    endpoint = Endpoint(name="e", provider=preset("openrouter"), model="m", url="https://eu.openrouter.ai/api/v1")
    assert preset("openrouter")._address(endpoint, None).url.host == "eu.openrouter.ai"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("grok", "did you mean 'groq'"),
        ("VLLM", "did you mean 'vllm'"),
        ("llamacpp", "'llama.cpp'"),
        ("zzz", "There are"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_perhaps_meant(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        preset(name)


@pytest.mark.parametrize(("name", "param"), IGNORED)
def test_what_a_server_would_pass_over_is_refused_by_name(name: str, param: str) -> None:
    async def main() -> None:
        server = CompatibleServer(PLAIN)
        async with server.serving(), routed(preset(name), f"{server.url}/v1") as router:
            with pytest.raises(Unsupported, match=f"passes over {param} without a word") as raised:
                await answer_of(router, stream=True, params={param: 2})
            assert server.asked == []
            await answer_of(router, stream=True, params={param: None})
        assert (raised.value.health, raised.value.same, raised.value.elsewhere) == (Health.NONE, False, True)

    asyncio.run(main())


def test_one_answer_may_be_asked_of_a_server_that_knows_no_other_number() -> None:
    async def main() -> None:
        server = CompatibleServer(PLAIN)
        async with server.serving(), routed(preset("ollama"), f"{server.url}/v1") as router:
            await answer_of(router, stream=True, params={"n": 1})
        assert server.asked[0]["n"] == 1

    asyncio.run(main())


def test_a_request_goes_on_to_a_model_that_heeds_what_it_asks() -> None:
    async def main() -> None:
        server = CompatibleServer(PLAIN)
        async with server.serving():
            url = f"{server.url}/v1"
            endpoints = [
                Endpoint(name="deaf", provider=preset("ollama"), url=url, model="small"),
                Endpoint(name="able", provider=preset("vllm"), url=url, model="large"),
            ]
            chat = Route(name="chat", models=("small", "large"))
            async with Router(endpoints, [chat], [Fallback()]) as router:
                answer = await router.complete(
                    Request(messages="hi", route="chat", budget_s=5.0, params={"logit_bias": {"1": 1}})
                )
        assert answer.endpoint == "able"
        assert "passes over logit_bias" in answer.fallbacks[0].reason
        assert [asked["model"] for asked in server.asked] == ["large"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "cap"), [("openai", "max_completion_tokens"), ("groq", "max_completion_tokens"), ("vllm", "max_tokens")]
)
def test_the_cap_has_the_servers_name_unless_the_request_names_it(name: str, cap: str) -> None:
    async def main() -> None:
        server = CompatibleServer(PLAIN)
        async with server.serving(), routed(preset(name), f"{server.url}/v1") as router:
            await answer_of(router, stream=True, max_tokens=9)
            await answer_of(router, stream=True, max_tokens=9, params={"max_tokens": 20})
            both = {"max_tokens": 20, "max_completion_tokens": 5}
            await answer_of(router, stream=True, max_tokens=9, params=both)
        caps = [{name: asked[name] for name in asked if name.startswith("max_")} for asked in server.asked]
        assert caps == [{cap: 9}, {"max_tokens": 9}, {"max_tokens": 9, "max_completion_tokens": 5}]

    asyncio.run(main())
