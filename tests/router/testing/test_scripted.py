"""`Scripted`: a provider that does as it is told, and counts."""

import asyncio

import pytest

from paceline.router import Chunk, Usage
from paceline.router.errors import NotFound, ProviderError, RateLimited, StreamInterrupted, TruncatedAnswer
from paceline.router.testing import (
    SILENT,
    Cut,
    Resist,
    Say,
    Scripted,
    answers,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from ..stack import Ear, ask, routed


def test_one_script_a_call_and_the_last_repeats() -> None:
    async def main() -> None:
        provider = Scripted(answers(0.0, "first"), answers(0.0, "then"))
        async with routed(endpoint("a", provider)) as router:
            assert [(await router.complete(ask())).text for _ in range(3)] == ["first", "then", "then"]

        assert provider.calls == len(provider.seen) == 3

    run(main)


def test_without_a_script_it_says_ok() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted())) as router:
            assert (await router.complete(ask())).text == "ok"

    run(main)


def test_it_counts_what_is_in_progress_now_and_at_most() -> None:
    async def main() -> None:
        provider = Scripted(answers(1.0))
        async with routed(endpoint("a", provider)) as router:
            tasks = [asyncio.create_task(router.complete(ask())) for _ in range(3)]
            await asyncio.sleep(0.5)
            assert provider.live == 3

            await asyncio.wait(tasks)

            assert (provider.live, provider.most_live) == (0, 3)

    run(main)


@pytest.mark.parametrize("began_s", [0.0, 0.1, 1 / 3, 1e6 + 0.7])
def test_a_step_that_is_late_is_taken_at_once(began_s: float) -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            await asyncio.sleep(0.3)

        await asyncio.sleep(began_s)
        async with routed(endpoint("a", Scripted(answers(0.1, *"abcdef", gap_s=0.1)))) as router:
            await router.send(ask(), emit)

            assert virtual_clock() == pytest.approx(began_s + 0.1 + 7 * 0.3)

    run(main)


def test_a_good_answer_ends_with_its_last_word_and_its_tokens() -> None:
    usage = Usage(output_tokens=7)

    assert answers(0.5, "a", "b", gap_s=0.25, usage=usage) == (
        Say(0.5, Chunk("a")),
        Say(0.75, Chunk("b")),
        Say(0.75, Chunk(finish_reason="stop", usage=usage)),
    )
    assert answers(0.5)[-1] == Say(0.5, Chunk(finish_reason="stop", usage=Usage(output_tokens=1)))


def test_it_fails_with_a_kind_or_with_what_is_made() -> None:
    async def main() -> None:
        provider = Scripted(fails(0.5, NotFound), fails(0.0, lambda: RateLimited("slow down", retry_after_s=3.0)))
        async with routed(endpoint("a", provider)) as router:
            with pytest.raises(NotFound, match="as scripted"):
                await router.complete(ask())
            assert virtual_clock() == 0.5
            with pytest.raises(RateLimited, match="slow down") as caught:
                await router.complete(ask())

        assert caught.value.retry_after_s == 3.0

    run(main)


def test_a_cut_is_a_truncated_answer() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted((Say(0.25, Chunk("a")), Cut(0.5))))) as router:
            with pytest.raises(StreamInterrupted) as caught:
                await router.send(ask(), Ear())

        assert isinstance(caught.value.__cause__, TruncatedAnswer)

    run(main)


@pytest.mark.parametrize(("script", "ends_s"), [(SILENT, 1.0), ((Resist(0.5), *SILENT), 1.5)])
def test_it_gives_in_to_cancellation_at_once_or_after_its_time(script: object, ends_s: float) -> None:
    async def main() -> None:
        provider = Scripted(script)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        async with routed(endpoint("a", provider)) as router:
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(1.0)
            task.cancel()
            await asyncio.wait([task])

        assert (virtual_clock(), task.cancelled(), provider.live) == (ends_s, True, 0)

    run(main)


def test_an_endpoint_of_it_is_plain_unless_told_otherwise() -> None:
    provider = Scripted(name="vertex")

    assert (endpoint("a", provider).model, endpoint("a", provider).region) == ("m", "here")
    assert (endpoint("a", provider, model="n", slots=3).model, endpoint("a", provider, slots=3).slots) == ("n", 3)
    assert endpoint("a", provider).provider.name == "vertex"


def test_an_error_of_its_own_kind_is_not_translated() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted(fails(0.0, ProviderError)))) as router:
            with pytest.raises(ProviderError) as caught:
                await router.complete(ask())

        assert caught.value.__cause__ is None

    run(main)
