"""`AzureOpenAI` against OpenAI's own SDK for Azure, on both surfaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

from paceline.providers import AzureOpenAI
from paceline.router import Endpoint, Router, TokenSource
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    ConfigurationError,
    ContentBlocked,
    NotFound,
    ProviderError,
    RateLimited,
    StreamInterrupted,
)
from paceline.router.verdict import Health

from .vendors.asking import answer_of, asked_by_sdk, chunks_of, routed, sdk
from .vendors.azure_server import (
    BLOCKED,
    DEPLOYMENT,
    PAY_AS_YOU_GO_FULL,
    PROVISIONED_FULL,
    TOKEN,
    VERSION,
    AzureServer,
    Filter,
)
from .vendors.scene import KEY, PLAIN, SCENES, SERVED, Json, Scene
from .vendors.serving import Refusal
from .vendors.told import by_us

SURFACES = {"by deployments": AzureOpenAI(api_version=VERSION), "v1": AzureOpenAI()}
by_surface = pytest.mark.parametrize("provider", SURFACES.values(), ids=SURFACES)
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def their_client(url: str, provider: AzureOpenAI) -> AsyncOpenAI:
    """As Microsoft's documentation makes it, for the surface of *provider*."""
    if provider.api_version is None:
        return sdk(f"{url}/openai/v1/")
    return AsyncAzureOpenAI(
        azure_endpoint=url,
        api_version=provider.api_version,
        api_key=KEY,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(trust_env=False),
    )


@asynccontextmanager
async def resource(
    scene: Scene, provider: AzureOpenAI, filtering: Filter | None = None, refusal: Refusal | None = None
) -> AsyncGenerator[tuple[AzureServer, Router]]:
    server = AzureServer(scene, filtering)
    server.refusal = refusal
    async with server.serving(), routed(provider, server.url, deployment=DEPLOYMENT) as router:
        yield server, router


@by_surface
@streamed_or_not
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_an_answer_is_what_the_sdk_makes_of_it(scene: Scene, provider: AzureOpenAI, *, stream: bool) -> None:
    params: Json = {"n": len(scene.says), "logprobs": True, "max_completion_tokens": 50}

    async def main() -> None:
        async with resource(scene, provider) as (server, router):
            theirs = await asked_by_sdk(their_client(server.url, provider), stream=stream, model=DEPLOYMENT, **params)
            answer = await answer_of(router, stream=stream, params=params)
        assert by_us(answer) == theirs
        assert server.asked[0] == server.asked[1]
        paths = [(request.path, dict(request.query)) for request in server.requests]
        assert paths[0] == paths[1]
        (attempt,) = answer.attempts
        assert (attempt.request_id, attempt.served_region) == ("req_az", "Sweden Central")
        assert attempt.served_model == SERVED

    asyncio.run(main())


@by_surface
def test_annotations_without_a_delta_say_nothing_also_after_the_end(provider: AzureOpenAI) -> None:
    async def main() -> None:
        async with resource(PLAIN, provider, Filter(asynchronous=True)) as (server, router):
            theirs = await asked_by_sdk(their_client(server.url, provider), stream=True, model=DEPLOYMENT)
            answer = await answer_of(router, stream=True)
            heard = await chunks_of(router)
        assert by_us(answer) == theirs
        assert b"prompt_filter_results" in heard[0].raw, "held back until the first word, and not lost"
        assert b"content_filter_offsets" in heard[-1].raw

    asyncio.run(main())


def test_a_key_is_sent_in_a_header_of_its_own() -> None:
    async def main() -> None:
        async with resource(PLAIN, AzureOpenAI()) as (server, router):
            await answer_of(router, stream=True)
        (request,) = server.requests
        assert request.headers["api-key"] == KEY
        assert "Authorization" not in request.headers

    asyncio.run(main())


@by_surface
def test_an_entra_token_is_a_bearers(provider: AzureOpenAI) -> None:
    async def main() -> None:
        server = AzureServer(PLAIN)
        async with server.serving():
            client = AsyncAzureOpenAI(
                azure_endpoint=server.url,
                api_version=VERSION,
                azure_ad_token_provider=lambda: TOKEN,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(trust_env=False),
            )
            theirs = await asked_by_sdk(client, stream=True, model=DEPLOYMENT)
            async with routed(
                provider, server.url, deployment=DEPLOYMENT, api_key=TokenSource(lambda: TOKEN)
            ) as router:
                assert by_us(await answer_of(router, stream=True)) == theirs
        for request in server.requests:
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            assert "api-key" not in request.headers

    asyncio.run(main())


def test_the_cap_has_the_newer_name() -> None:
    async def main() -> None:
        async with resource(PLAIN, AzureOpenAI()) as (server, router):
            await answer_of(router, stream=True, max_tokens=9)
        assert server.asked[0]["max_completion_tokens"] == 9

    asyncio.run(main())


@by_surface
def test_an_error_after_the_first_frame_is_a_failure_of_the_attempt(provider: AzureOpenAI) -> None:
    async def main() -> None:
        async with resource(PLAIN, provider, Filter(fails_after=1)) as (server, router):
            with pytest.raises(openai.APIError, match="The server had an error"):
                await asked_by_sdk(their_client(server.url, provider), stream=True, model=DEPLOYMENT)
            with pytest.raises(ProviderError, match="The server had an error"):
                await answer_of(router, stream=True)

    asyncio.run(main())


def test_an_error_after_the_first_word_interrupts_the_stream() -> None:
    async def main() -> None:
        async with resource(PLAIN, AzureOpenAI(), Filter(fails_after=3)) as (_, router):
            with pytest.raises(StreamInterrupted, match="The server had an error"):
                await chunks_of(router)

    asyncio.run(main())


@by_surface
@pytest.mark.parametrize(
    ("refusal", "theirs", "ours", "told"),
    [
        (BLOCKED, openai.BadRequestError, ContentBlocked, "content management policy"),
        (PAY_AS_YOU_GO_FULL, openai.RateLimitError, RateLimited, "token rate limit"),
        (PROVISIONED_FULL, openai.RateLimitError, RateLimited, "fully used"),
    ],
)
def test_what_azure_refuses(
    provider: AzureOpenAI,
    refusal: Refusal,
    theirs: type[openai.APIError],
    ours: type[AttemptFailed],
    told: str,
) -> None:
    async def main() -> AttemptFailed:
        async with resource(PLAIN, provider, refusal=refusal) as (server, router):
            with pytest.raises(theirs, match=told):
                await asked_by_sdk(their_client(server.url, provider), stream=True, model=DEPLOYMENT)
            with pytest.raises(ours, match=told) as raised:
                await answer_of(router, stream=True)
        return raised.value

    failure = asyncio.run(main())
    if refusal is BLOCKED:
        assert (failure.same, failure.elsewhere, failure.other_model) == (False, False, False)
    if refusal is PAY_AS_YOU_GO_FULL:
        assert (failure.retry_after_s, failure.health) == (7.0, Health.LIMIT)
    if refusal is PROVISIONED_FULL:
        assert (failure.retry_after_s, failure.health) == (0.0385, Health.NONE), "as it should be: no fault"


@by_surface
def test_a_wrong_key_and_an_unknown_deployment(provider: AzureOpenAI) -> None:
    async def main() -> None:
        server = AzureServer(PLAIN)
        async with server.serving():
            async with routed(provider, server.url, deployment=DEPLOYMENT, api_key="wrong") as router:
                with pytest.raises(AuthenticationFailed, match="Access denied"):
                    await answer_of(router, stream=True)
            async with routed(provider, server.url) as router:
                with pytest.raises(NotFound, match="does not exist"):
                    await answer_of(router, stream=True)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("provider", "url", "complete"),
    [
        (
            AzureOpenAI(api_version="2024-10-21"),
            "https://r.openai.azure.com/",
            "https://r.openai.azure.com/openai/deployments/chat-eu/chat/completions?api-version=2024-10-21",
        ),
        (
            AzureOpenAI(),
            "https://r.services.ai.azure.com",
            "https://r.services.ai.azure.com/openai/v1/chat/completions",
        ),
        (AzureOpenAI(), "https://apim.example/llm", "https://apim.example/llm/openai/v1/chat/completions"),
    ],
)
def test_the_path_is_added_to_the_resources_url(provider: AzureOpenAI, url: str, complete: str) -> None:
    endpoint = Endpoint(name="e", provider=provider, model="m", deployment="chat-eu", url=url)
    assert str(provider._address(endpoint, None).url) == complete


@pytest.mark.parametrize(
    ("url", "deployment", "told"),
    [
        (None, "d", "no url: give its resource's"),
        ("r.openai.azure.com", "d", "must begin with"),
        ("https://r.openai.azure.com/openai/v1", "d", "is to be the resource's"),
        ("https://r.openai.azure.com/openai/deployments/d", "d", "is to be the resource's"),
        ("https://r.openai.azure.com?api-version=2024-10-21", "d", "is to be the resource's"),
        ("https://r.openai.azure.com", "a/b", "no slash"),
    ],
)
def test_a_url_that_cannot_work_is_refused_when_the_endpoint_is_built(
    url: str | None, deployment: str, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Endpoint(name="e", provider=AzureOpenAI(api_version=VERSION), model="m", deployment=deployment, url=url)


@pytest.mark.parametrize("version", ["2024-06-01", "latest", "v1", "", 2024])
def test_a_version_that_reports_no_usage_is_refused(version: str) -> None:
    with pytest.raises(ConfigurationError, match="from 2024-09-01 on"):
        AzureOpenAI(api_version=version)
    assert AzureOpenAI(api_version="2025-03-01-preview").api_version == "2025-03-01-preview"
