"""`Answer`: what was said, put together, and the story of how it came about."""

import asyncio

import pytest

from paceline.router import (
    DISCARD,
    Answer,
    Choice,
    ChoiceDelta,
    Chunk,
    Collector,
    Logprobs,
    Request,
    Route,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from paceline.router.errors import ProviderError
from paceline.router.testing import SILENT, End, Say, Script, Scripted, answers, endpoint, fails, run

from .stack import ask, full_stack, routed

FINISH = Chunk(finish_reason="stop", usage=Usage(input_tokens=9, output_tokens=4, reasoning_tokens=2))


def answered(*chunks: Chunk) -> Answer:
    script: Script = (*(Say(0.25, chunk) for chunk in chunks), End(0.25))

    async def main() -> Answer:
        async with routed(endpoint("a", Scripted(script), region="eu")) as router:
            return await router.complete(ask())

    return run(main)


def tool(index: int, arguments: str = "", *, id_: str | None = None, name: str | None = None) -> Chunk:
    return Chunk(tool_calls=(ToolCallDelta(index=index, id=id_, name=name, arguments=arguments),))


def test_its_pieces_are_joined_by_kind() -> None:
    answer = answered(Chunk("one "), Chunk(reasoning="hm"), Chunk("two", refusal="no"), Chunk(reasoning="!"), FINISH)

    assert (answer.text, answer.reasoning, answer.refusal) == ("one two", "hm!", "no")
    assert answer.finish_reason == "stop"
    assert answer.usage == FINISH.usage
    assert (answer.endpoint, answer.model, answer.region) == ("a", "m", "eu")


def test_tool_calls_are_put_together_by_their_index() -> None:
    answer = answered(
        tool(1, id_="call-1", name="look"), tool(0, id_="call-0", name="find"), tool(1, '{"a"'), tool(0, "{}"),
        tool(1, ": 1}"), FINISH,
    )  # fmt: skip

    assert answer.tool_calls == (
        ToolCall(id="call-0", name="find", arguments="{}"),
        ToolCall(id="call-1", name="look", arguments='{"a": 1}'),
    )


def test_what_the_vendor_did_not_say_is_none() -> None:
    answer = answered(Chunk("a"))

    assert answer.finish_reason is None
    assert answer.usage == Usage()
    assert answer.usage.output_tokens is None


def test_the_other_answers_are_put_together_each_for_itself() -> None:
    sure = Logprobs(content=(TokenLogprob(token="c", logprob=-0.25),))
    call = ToolCallDelta(index=0, id="1", name="look", arguments="{}")
    answer = answered(
        Chunk("a", others=(ChoiceDelta(index=2, text="c", logprobs=sure), ChoiceDelta(index=1, reasoning="hm"))),
        Chunk(others=(ChoiceDelta(index=1, tool_calls=(call,)), ChoiceDelta(index=1, finish_reason="tool_calls"))),
        Chunk("A", others=(ChoiceDelta(index=2, text="C", refusal="no", finish_reason="length"),)),
        FINISH,
    )

    assert (answer.text, answer.finish_reason, answer.logprobs) == ("aA", "stop", None)
    assert answer.others == (
        Choice(
            index=1,
            text="",
            reasoning="hm",
            tool_calls=(ToolCall(id="1", name="look", arguments="{}"),),
            finish_reason="tool_calls",
        ),
        Choice(index=2, text="cC", refusal="no", finish_reason="length", logprobs=sure),
    )


def test_logprobs_are_joined_by_kind() -> None:
    def told(token: str) -> tuple[TokenLogprob, ...]:
        return (TokenLogprob(token=token, logprob=-1.0),)

    answer = answered(
        Chunk("a", logprobs=Logprobs(content=told("a"))),
        Chunk("b", logprobs=Logprobs(content=told("b"), refusal=told("r"))),
        FINISH,
    )

    assert answer.logprobs == Logprobs(content=told("a") + told("b"), refusal=told("r"))


async def collect(*chunks: Chunk) -> tuple[str, int, int]:
    collector = Collector()
    for chunk in chunks:
        await collector.emit(chunk)
    return collector._first.text, len(collector._first.tool_calls), len(collector._others or ())


def test_a_discard_voids_all_that_came_before_it() -> None:
    other = Chunk(others=(ChoiceDelta(index=1, text="old"),))
    kept = asyncio.run(collect(Chunk("old"), tool(0, "{}"), other, DISCARD, Chunk("new")))

    assert kept == ("new", 0, 0)


def test_its_times_are_the_callers_with_all_that_was_tried_before() -> None:
    async def main() -> None:
        provider = Scripted(fails(0.5, ProviderError), answers(0.25, "a", "b", gap_s=0.25))
        async with routed(endpoint("a", provider), endpoint("b", provider), policies=full_stack()) as router:
            await asyncio.sleep(8.0)
            answer = await router.complete(ask())

        assert (answer.ttft_s, answer.total_s) == (0.75, 1.0)
        assert [attempt.ttft_s for attempt in answer.attempts] == [None, 0.25]
        assert answer.retries == ("provider_error",)
        assert not answer.fell_back

    run(main)


def test_a_model_that_was_left_is_told_with_its_reason() -> None:
    async def main() -> None:
        best, fast = endpoint("a", Scripted(SILENT), model="best"), endpoint("b", Scripted(), model="fast")
        route = Route(name="chat", models=("best", "fast"))
        async with routed(best, fast, routes=(route,), policies=full_stack()) as router:
            answer = await router.complete(Request(messages="hello"))

        assert answer.fell_back
        assert [(left.model, left.timed_out) for left in answer.fallbacks] == [("best", True)]
        assert "start limit passed after 2.000 s" in answer.fallbacks[0].reason
        assert (answer.model, answer.ttft_s) == ("fast", 2.0)

    run(main)


def test_its_story_is_told_in_order_of_time() -> None:
    async def main() -> None:
        provider = Scripted(fails(0.5, ProviderError), answers(0.25))
        async with routed(
            endpoint("a", provider), endpoint("b", provider), policies=full_stack(start_within_s=8.0)
        ) as router:
            lines = (await router.complete(ask())).story().splitlines()

        told = [line for line in lines if line.startswith(("Slots", "attempt", "Retry"))]
        assert [line.split()[0] for line in told] == ["Slots:", "attempt", "Retry:", "Slots:", "attempt"]
        assert "failed (0.500 s)" in told[1]
        assert lines[-1].endswith("ok (0.250 s, first token 0.250 s)")

    run(main)


def test_nothing_that_was_said_is_shown() -> None:
    answer = answered(
        Chunk("hidden", reasoning="hidden", refusal="hidden"), tool(0, '{"hidden": 1}', name="hidden"), FINISH
    )

    for shown in (repr(answer), str(answer), answer.story()):
        assert "hidden" not in shown
    assert "endpoint='a'" in repr(answer)


@pytest.mark.parametrize("field", ["text", "usage", "endpoint"])
def test_it_cannot_be_edited(field: str) -> None:
    with pytest.raises(AttributeError):
        setattr(answered(Chunk("a"), FINISH), field, None)
