"""`OpenAICompatible` with servers that are compatible in their own way, against OpenAI's own SDK where it can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import attrs
import openai
import pytest

from paceline.providers import OpenAICompatible
from paceline.router import Logprobs, TokenLogprob, Usage
from paceline.router.errors import AttemptFailed, ProviderError, ProviderOverloaded, RateLimited, StreamInterrupted

from .vendors.asking import answer_of, asked_by_sdk, chunks_of, routed, sdk
from .vendors.compatible_server import (
    CompatibleServer,
    calls_without_index,
    gives_up,
    logprobs_as,
    reasoning_named,
    usage_in_the_choice,
    usage_on_every_chunk,
    usage_on_the_last_chunk,
)
from .vendors.scene import CUT_SHORT, FIND, LOOK, PARALLEL, PLAIN, Json, Scene, one
from .vendors.told import Told, by_us

THINKING = one(reasoning=("Hm, ", "well."), text=("Yes", "."))
WHAT_IT_COST = (21, 13, 16, 5)


async def by_both(server: CompatibleServer, **params: object) -> tuple[Told, Told]:
    """Asked by the SDK, and by us."""
    async with server.serving():
        theirs = await asked_by_sdk(sdk(f"{server.url}/v1"), stream=True, **params)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        async with routed(OpenAICompatible(), f"{server.url}/v1") as router:
            return theirs, by_us(await answer_of(router, stream=True, params=params))


@pytest.mark.parametrize(
    "server",
    [
        CompatibleServer(PLAIN),
        CompatibleServer(PLAIN, usage_on_every_chunk),
        CompatibleServer(PLAIN, usage_on_the_last_chunk),
        CompatibleServer(THINKING),
        CompatibleServer(THINKING, reasoning_named("reasoning")),
        CompatibleServer(PLAIN, before=b": OPENROUTER PROCESSING\n\n: keep-alive\n\n"),
        CompatibleServer(CUT_SHORT, end=b""),
    ],
)
def test_an_answer_is_what_the_sdk_makes_of_it(server: CompatibleServer) -> None:
    theirs, ours = asyncio.run(by_both(server))
    assert ours == theirs
    assert ours.usage == WHAT_IT_COST
    assert ours.answers[0].text == "".join(server.scene.says[0].text)
    assert ours.answers[0].reasoning == "".join(server.scene.says[0].reasoning)


def test_usage_in_the_choice_is_found_where_the_sdk_does_not_look() -> None:
    theirs, ours = asyncio.run(by_both(CompatibleServer(PLAIN, usage_in_the_choice)))
    assert ours.answers == theirs.answers
    assert (ours.usage, theirs.usage) == (WHAT_IT_COST, (None,) * 4)


def test_reasoning_in_details_is_told_as_far_as_it_can_be_read() -> None:
    _, ours = asyncio.run(by_both(CompatibleServer(THINKING, reasoning_named("reasoning_details"))))
    assert ours.answers[0].reasoning == "Hm, well."


def test_calls_without_an_index_are_told_apart_by_their_id() -> None:
    _, ours = asyncio.run(by_both(CompatibleServer(PARALLEL, calls_without_index)))
    assert [(id_, name) for id_, _, name, _ in ours.answers[0].calls] == [("call_a", "look"), ("call_b", "find")]
    assert [arguments for *_, arguments in ours.answers[0].calls] == [
        "".join(LOOK.arguments),
        "".join(FIND.arguments),
    ]


def test_the_likeliest_tokens_in_older_forms_are_told_too() -> None:
    def told(_scene: Scene, _asked: Json, _said: Iterator[Json]) -> Iterator[Json]:
        lists: Json = {"tokens": ["a", "b"], "token_logprobs": [-1.0, None], "top_logprobs": [{"a": -1.0, "z": -3.0}]}
        one: Json = {"tokens": ["c"], "token_logprobs": [-2.0], "top_logprobs": {"c": -2.0}}
        empty: Json = {"tokens": [], "token_logprobs": []}
        for logprobs in (lists, one, empty):
            yield {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": logprobs}]}

    async def main() -> Logprobs | None:
        server = CompatibleServer(PLAIN, told)
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            return (await answer_of(router, stream=True)).logprobs

    a, z = TokenLogprob(token="a", logprob=-1.0), TokenLogprob(token="z", logprob=-3.0)
    assert asyncio.run(main()) == Logprobs(
        content=(
            TokenLogprob(token="a", logprob=-1.0, top_logprobs=(a, z)),
            TokenLogprob(token="b"),
            TokenLogprob(token="c", logprob=-2.0, top_logprobs=(TokenLogprob(token="c", logprob=-2.0),)),
        )
    )


@pytest.mark.parametrize("form", ["number", "lists"])
def test_logprobs_in_older_forms_are_told(form: str) -> None:
    async def main() -> Logprobs | None:
        server = CompatibleServer(PLAIN, logprobs_as(form))
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            return (await answer_of(router, stream=True, params={"logprobs": 1})).logprobs

    pieces = PLAIN.says[0].text
    assert asyncio.run(main()) == Logprobs(
        content=tuple(TokenLogprob(token=piece, logprob=-1.0 / (1 + len(piece))) for piece in pieces)
    )


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 3},
            Usage(input_tokens=9, output_tokens=2, cached_tokens=6),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 5},
            Usage(input_tokens=9, output_tokens=2, cached_tokens=5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cache_write_tokens": 4}},
            Usage(input_tokens=9, output_tokens=2, cache_write_tokens=4),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None, "cost": 0.01},
            Usage(input_tokens=9, output_tokens=2),
        ),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_vendors_call_the_cached_part(usage: Json, told: Usage, *, stream: bool) -> None:
    async def main() -> Usage:
        server = CompatibleServer(attrs.evolve(PLAIN, usage=usage))
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            return (await answer_of(router, stream=stream)).usage

    assert asyncio.run(main()) == told


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (None, ProviderError, "finish_reason is 'error'"),
        ({"code": 502, "message": "Provider returned error"}, ProviderError, "Provider returned error"),
        ({"code": 503, "message": "busy"}, ProviderOverloaded, "busy"),
        ({"code": "rate_limit_exceeded", "message": "slow down"}, RateLimited, "slow down"),
    ],
)
def test_an_answer_that_was_given_up_is_a_failure_and_may_go_elsewhere(
    error: Json | None, kind: type[AttemptFailed], told: str
) -> None:
    async def main() -> None:
        server = CompatibleServer(PLAIN, gives_up(error))
        async with server.serving():
            if error is not None:
                with pytest.raises(openai.APIError, match=told):
                    await asked_by_sdk(sdk(f"{server.url}/v1"), stream=True)
            async with routed(OpenAICompatible(), f"{server.url}/v1") as router:
                with pytest.raises(kind, match=told) as raised:
                    await answer_of(router, stream=True)
        assert raised.value.elsewhere
        assert type(raised.value) is kind

    asyncio.run(main())


def test_an_error_in_the_choice_is_read_too() -> None:
    def in_the_choice(_scene: Scene, _asked: Json, _said: Iterator[Json]) -> Iterator[Json]:
        error = {"code": 429, "message": "upstream is busy"}
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": error}]}

    async def main() -> None:
        server = CompatibleServer(PLAIN, in_the_choice)
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            with pytest.raises(RateLimited, match="upstream is busy"):
                await answer_of(router, stream=True)

    asyncio.run(main())


def test_given_up_after_the_first_word_the_stream_is_interrupted() -> None:
    def half(_scene: Scene, _asked: Json, _said: Iterator[Json]) -> Iterator[Json]:
        yield {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
        yield {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}

    async def main() -> None:
        server = CompatibleServer(PLAIN, half)
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            with pytest.raises(StreamInterrupted, match="gave up") as raised:
                await chunks_of(router)
        assert raised.value.delivered == 3

    asyncio.run(main())


@pytest.mark.parametrize("stream", [True, False])
def test_the_answer_says_by_what_it_was_served(stream: bool) -> None:  # noqa: FBT001  parametrised
    async def main() -> tuple[str | None, str | None]:
        server = CompatibleServer(attrs.evolve(PLAIN, tier="flex"))
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            answer = await answer_of(router, stream=stream)
        return answer.attempts[0].served_model, answer.service_tier

    assert asyncio.run(main()) == ("gpt-test-2026-01-01", "flex")


def test_a_tier_that_is_no_text_fails_nothing() -> None:
    async def main() -> tuple[str, str | None]:
        server = CompatibleServer(attrs.evolve(PLAIN, tier=7))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            answer = await answer_of(router, stream=True)
        return answer.text, answer.service_tier

    assert asyncio.run(main()) == ("".join(PLAIN.says[0].text), None)
