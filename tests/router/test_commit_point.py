"""After the first progress has reached the caller nothing is repeated silently, wherever the answer breaks off."""

from collections.abc import Callable

import pytest

from paceline.router import Chunk, Limits, Route, Router, ToolCallDelta, Usage
from paceline.router.errors import CallError, ProviderError, StreamInterrupted, TruncatedAnswer
from paceline.router.testing import (
    Cut,
    Fail,
    Say,
    Script,
    Scripted,
    Silence,
    Step,
    answers,
    endpoint,
    run,
)

from .stack import Ear, ask, full_stack, nothing_is_held, routed

WORDS = ("one ", "two ", "three ", "four")
TOOL = Chunk(tool_calls=(ToolCallDelta(index=0, id="1", name="look", arguments='{"a'),))
GOOD = answers(0.25, "a", "whole", "answer", gap_s=0.25)

Break = Callable[[float], Step]


def failure(at_s: float) -> Step:
    return Fail(at_s, lambda: ProviderError("down"))


def bug(at_s: float) -> Step:
    return Fail(at_s, OSError)


def silence(_at_s: float) -> Step:
    return Silence()


breaks = pytest.mark.parametrize("broken", [Cut, failure, bug, silence])


def cut_after(words: int, broken: Break) -> Script:
    said = [Say(0.25 * (n + 1), Chunk(WORDS[n], usage=Usage(output_tokens=n + 1))) for n in range(words)]
    return (*said, broken(0.25 * (words + 1)))


def bench(first: Script) -> tuple[Router, Scripted]:
    """Two endpoints of one model and one of another, behind the full stack; the first call breaks, others are good."""
    provider = Scripted(first, GOOD)
    limits = Limits(first_token_s=1.0, gap_s=1.0)
    targets = [endpoint(name, provider, slots=2, limits=limits) for name in "ab"]
    targets.append(endpoint("c", provider, slots=2, model="n", limits=limits))
    return routed(
        *targets, routes=(Route(name="m", models=("m", "n")),), policies=full_stack(start_within_s=8.0)
    ), provider


@breaks
@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_a_stream_that_breaks_after_a_word_is_told_and_not_repeated(words: int, broken: Break) -> None:
    async def main() -> None:
        router, provider = bench(cut_after(words, broken))
        ear = Ear()
        async with router:
            with pytest.raises(StreamInterrupted) as caught:
                await router.send(ask(), ear)

            assert provider.calls == 1
            assert ear.text == "".join(WORDS[:words])
            assert caught.value.delivered == len(ear.text)
            assert caught.value.usage == Usage(output_tokens=words)
            assert len(caught.value.attempts) == 1
            assert nothing_is_held(router)

    run(main)


@breaks
def test_a_stream_that_breaks_before_a_word_is_tried_again_and_nobody_knows(broken: Break) -> None:
    async def main() -> None:
        router, provider = bench(cut_after(0, broken))
        ear = Ear()
        async with router:
            await router.send(ask(), ear)

        assert provider.calls == 2
        assert ear.text == "awholeanswer"

    run(main)


@pytest.mark.parametrize(
    "progress",
    [Chunk(" "), Chunk(reasoning="hm"), Chunk(refusal="no"), TOOL],
    ids=["text", "reasoning", "refusal", "tool"],
)
def test_progress_of_any_kind_commits(progress: Chunk) -> None:
    async def main() -> None:
        router, provider = bench((Say(0.25, progress), Cut(0.5)))
        async with router:
            with pytest.raises(StreamInterrupted) as caught:
                await router.send(ask(), Ear())

        assert provider.calls == 1
        assert caught.value.delivered == len(progress.text)
        assert caught.value.usage is None

    run(main)


@pytest.mark.parametrize("says_nothing", [Chunk(raw=b"role"), Chunk(usage=Usage(input_tokens=3))])
def test_what_says_nothing_commits_nothing(says_nothing: Chunk) -> None:
    async def main() -> None:
        router, provider = bench((Say(0.25, says_nothing), Cut(0.5)))
        ear = Ear()
        async with router:
            await router.send(ask(), ear)

        assert provider.calls == 2
        assert ear.text == "awholeanswer"
        assert says_nothing not in ear.chunks

    run(main)


def test_a_finish_reason_is_the_end_of_an_answer_though_it_be_empty() -> None:
    async def main() -> None:
        router, provider = bench((Say(0.25, Chunk(finish_reason="content_filter")), Cut(0.5)))
        async with router:
            answer = await router.complete(ask())

        assert (provider.calls, answer.text, answer.finish_reason) == (1, "", "content_filter")

    run(main)


@breaks
@pytest.mark.parametrize("words", [0, 1, 2, 3, 4])
def test_an_answer_taken_whole_is_tried_again_and_holds_nothing_of_what_failed(words: int, broken: Break) -> None:
    async def main() -> None:
        router, provider = bench((Say(0.0, TOOL), *cut_after(words, broken)))
        async with router:
            answer = await router.complete(ask())

        assert provider.calls == 2
        assert (answer.text, answer.tool_calls, answer.usage.output_tokens) == ("awholeanswer", (), 3)
        assert len(answer.attempts) == 2

    run(main)


def test_an_answer_taken_whole_that_fails_everywhere_fails_with_the_endpoints_own_error() -> None:
    async def main() -> None:
        a = endpoint("a", Scripted((Say(0.25, Chunk("half an")), Cut(0.5))))
        async with routed(a, policies=full_stack(tries=1)) as router:
            with pytest.raises(CallError) as caught:
                await router.complete(ask())

        assert isinstance(caught.value, TruncatedAnswer)
        assert "half an" not in str(caught.value)

    run(main)


def test_an_interruption_has_the_endpoints_own_error_as_its_cause() -> None:
    async def main() -> None:
        router, _ = bench(cut_after(2, Cut))
        async with router:
            with pytest.raises(StreamInterrupted, match=r"the answer broke off: .*cut, as scripted") as caught:
                await router.send(ask(), Ear())

        assert isinstance(caught.value.__cause__, TruncatedAnswer)
        assert caught.value.attempts[0].error is caught.value.__cause__

    run(main)
