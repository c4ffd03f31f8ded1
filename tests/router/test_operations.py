"""What a call asks for, and who can do it: candidates, errors, and what is learned."""

from __future__ import annotations

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies import (
    Affinity,
    Breaker,
    Cap,
    CostLimit,
    Fallback,
    Hedge,
    LatencyBudget,
    Regions,
    Resume,
    Retry,
    Shadow,
    Slots,
    Splice,
    stacks,
)
from paceline.router import (
    Answer,
    Call,
    Chunk,
    Clock,
    Emit,
    Endpoint,
    Handler,
    Limits,
    Operation,
    Policy,
    Request,
    Route,
    Router,
    Usage,
)
from paceline.router.errors import (
    AttemptTimeout,
    ConfigurationError,
    CostLimitReached,
    InvalidRequest,
    NoEndpoint,
    OperationUnmet,
    PolicyFailed,
    ProviderError,
    ResidencyUnmet,
    StreamInterrupted,
)
from paceline.router.operation import EVERY_OPERATION, operations_of, told
from paceline.router.prompt import prompt_of, prompts_in, size_of
from paceline.router.simulation import Behaviour, Simulated
from paceline.router.testing import Say, Script, Scripted, answers, assert_nothing_held, fails, run, virtual_clock

CHAT, COMPLETION, EMBEDDING = Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING


class Able(Scripted):
    """A scripted provider that can do everything."""

    operations = EVERY_OPERATION


def embeds(at_s: float, *vectors: tuple[float, ...]) -> Script:
    usage = Usage(input_tokens=3, output_tokens=0)
    return (Say(at_s, Chunk(embeddings=vectors or ((1.0, 0.0),), usage=usage, finish_reason="stop")),)


def endpoint(name: str, *operations: Operation, script: Script | None = None, **fields: Any) -> Endpoint:
    given: dict[str, Any] = {"model": "m", "provider": Able(script or embeds(0.1)), **fields}
    if operations:
        given["operations"] = operations
    return Endpoint(name=name, **given)


def asks(operation: Operation, **fields: Any) -> Request:
    given: dict[str, Any] = {"model": "m", **fields}
    if operation is CHAT:
        return Request(messages="hello", **given)
    asked: dict[str, Any] = {"prompt": "hello", **given}
    return Request(operation=operation, **asked)


def router(
    *endpoints: Endpoint, policies: tuple[Policy, ...] = (), routes: tuple[Route, ...] = (), **fields: Any
) -> Router:
    return Router(endpoints, routes, policies, clock=virtual_clock, dice=random.Random(1), **fields)


def answered(
    *endpoints: Endpoint, request: Request, policies: tuple[Policy, ...] = (), routes: tuple[Route, ...] = ()
) -> Answer:
    async def main() -> Answer:
        async with router(*endpoints, policies=policies, routes=routes) as live:
            answer = await live.complete(request)
            assert_nothing_held(live)
            return answer

    return run(main)


# -- who is asked


@pytest.mark.parametrize("operation", Operation)
def test_those_who_cannot_are_passed_over_with_the_reason(operation: Operation) -> None:
    others = [each for each in Operation if each is not operation]
    able = endpoint("able", operation, script=answers(0.1) if operation is not EMBEDDING else embeds(0.1))
    answer = answered(endpoint("a", *others), endpoint("b", others[0]), able, request=asks(operation))
    assert answer.endpoint == "able"
    assert [str(each) for each in answer.decisions] == [f"Router: passes over a, b, which cannot do {operation.value}"]


def test_nothing_is_said_where_everybody_can() -> None:
    assert not answered(endpoint("a", script=answers(0.1)), request=asks(CHAT)).decisions


def test_a_provider_that_does_not_say_can_chat_and_no_more() -> None:
    class Plain:
        name = "plain"

        def check(self, endpoint: Endpoint) -> None: ...

        def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
            return Scripted().open(clock)

    plain = Endpoint(name="plain", provider=Plain(), model="m")
    assert plain.operations == operations_of(plain.provider) == {CHAT}
    with pytest.raises(OperationUnmet, match=r"no endpoint of 'm' can do embedding; what they can do: plain: chat$"):
        router(plain).admit(asks(EMBEDDING))


def test_where_none_can_the_error_says_what_they_can_do() -> None:
    routes = (Route(name="r", models=("m", "n")),)
    live = router(endpoint("a", CHAT, COMPLETION), endpoint("b", CHAT, model="n"), routes=routes)
    asked = asks(EMBEDDING, route="r", model=None)
    said = "no endpoint of 'r' can do embedding; what they can do: a: chat, completion; b: chat"
    with pytest.raises(OperationUnmet) as unmet:
        live.admit(asked)
    assert (str(unmet.value), unmet.value.reason, isinstance(unmet.value, NoEndpoint)) == (said, "operation", True)
    with pytest.raises(OperationUnmet):
        live.stream(asked)
    with pytest.raises(OperationUnmet):
        asyncio.run(live.complete(asked))


def test_one_model_of_a_route_may_chat_and_another_embed() -> None:
    routes = (Route(name="r", models=("m", "n")),)
    both = endpoint("a", CHAT, script=answers(0.1)), endpoint("b", EMBEDDING, model="n")
    stack = (Fallback(), Retry(), Slots())
    for operation, name in ((CHAT, "a"), (EMBEDDING, "b")):
        answer = answered(*both, request=asks(operation, route="r", model=None), policies=stack, routes=routes)
        assert (answer.endpoint, answer.fell_back) == (name, False)


def test_a_call_must_stay_in_its_regions_and_find_somebody_who_can() -> None:
    there = endpoint("there", EMBEDDING, region="us")
    here = endpoint("here", CHAT, region="eu")
    routes = (Route(name="r", models="m", residency=("eu",)),)
    for policies in ((Regions(),), (Retry(), Regions(), Slots())):
        with pytest.raises(ResidencyUnmet, match="eu"):
            answered(there, here, request=asks(EMBEDDING, route="r", model=None), policies=policies, routes=routes)
    both = endpoint("both", EMBEDDING, region="eu")
    answer = answered(
        there, here, both, request=asks(EMBEDDING, route="r", model=None), policies=(Regions(),), routes=routes
    )
    assert answer.endpoint == "both"
    assert {each.by for each in answer.decisions} == {"Router", "Regions"}


def test_no_policy_leads_a_call_to_who_cannot() -> None:
    cannot = endpoint("cannot", CHAT)

    class Elsewhere:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            await next(call.with_(candidates=(live.fleet["cannot"],)), emit)

    live = router(endpoint("can", EMBEDDING), cannot, policies=(Elsewhere(),))

    async def main() -> None:
        async with live:
            with pytest.raises(PolicyFailed, match="to cannot, which cannot do embedding"):
                await live.complete(asks(EMBEDDING))

    run(main)
    assert isinstance(cannot.provider, Able)
    assert cannot.provider.calls == 0


def test_no_copy_goes_to_who_cannot() -> None:
    tried = endpoint("tried", CHAT, model="n")

    async def main() -> None:
        async with router(endpoint("a"), tried, policies=(Shadow(to="tried", share=1.0),)) as live:
            await live.complete(asks(EMBEDDING))
            assert_nothing_held(live)

    run(main)
    assert isinstance(tried.provider, Able)
    assert tried.provider.calls == 0


# -- what is configured


def test_an_endpoint_cannot_do_more_than_its_provider() -> None:
    with pytest.raises(ConfigurationError, match=r"operations has completion, embedding, which its provider scripted"):
        Endpoint(name="a", provider=Scripted(), model="m", operations=[CHAT, EMBEDDING, COMPLETION])


@pytest.mark.parametrize("wrong", [(), [], "chat", ["chat"], 7, None, {CHAT: "embedding", "x": 1}])
def test_operations_are_operations(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="Endpoint: operations must be at least one"):
        endpoint("a", provider=Able(), operations=wrong)


def test_one_operation_needs_no_list() -> None:
    assert Endpoint(name="a", provider=Able(), model="m", operations=EMBEDDING).operations == {EMBEDDING}  # type: ignore[arg-type]
    assert told([]) == "nothing"


# -- what is asked


@pytest.mark.parametrize("prompt", [None, 7, [], [[]], ["a", 1], [1, True], [1.5], [["a"]], {"a": 1}, [[1], "a"], b"a"])
def test_what_is_no_prompt_is_refused_and_not_quoted(prompt: Any) -> None:
    with pytest.raises(InvalidRequest, match="prompt must be a text") as refused:
        Request(operation=EMBEDDING, prompt=prompt)
    assert repr(prompt) not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"operation": "embedding", "prompt": "x"}, "must be one of Operation's"),
        ({"prompt": "x"}, "prompt is not for a chat"),
        ({"prompt": "x", "messages": "y"}, "prompt is not for a chat"),
        ({"operation": COMPLETION, "prompt": "x", "messages": "y"}, "messages are for a chat"),
        ({"operation": COMPLETION}, "prompt must be a text"),
        ({"operation": EMBEDDING, "prompt": "x", "max_tokens": 5}, "no tokens to be capped"),
        ({}, "messages is empty"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        Request(**fields)


prompts = st.one_of(
    st.text(),
    st.lists(st.text(), min_size=1),
    st.lists(st.integers(0, 99), min_size=1),
    st.lists(st.lists(st.integers(0, 99), min_size=1), min_size=1),
)


@given(prompts)
def test_a_prompt_is_kept_and_measured(prompt: Any) -> None:
    kept = prompt_of(prompt)
    several = prompts_in(kept)
    is_one = isinstance(prompt, str) or isinstance(prompt[0], int)
    assert [one if isinstance(one, str) else list(one) for one in several] == ([prompt] if is_one else prompt)
    characters, tokens = size_of(kept)
    assert characters == sum(len(one) for one in several if isinstance(one, str))
    assert tokens == sum(len(one) for one in several if not isinstance(one, str))
    request = Request(operation=EMBEDDING, prompt=prompt)
    assert request.estimated_prompt_tokens() == max(1, characters // 4 + tokens)
    assert Request(operation=EMBEDDING, prompt=prompt, prompt_tokens=5).estimated_prompt_tokens() == 5
    assert request.choices == len(several)
    assert Request(operation=COMPLETION, prompt=prompt, params={"n": 2}).choices == 2 * len(several)
    assert isinstance(prompt, str) or request.prompt is not prompt


def test_a_prompt_is_never_shown() -> None:
    assert "secret" not in repr(Request(operation=EMBEDDING, prompt="secret", params={"suffix": "secret"}))


@pytest.mark.parametrize(
    ("operation", "params", "streams"),
    [
        (EMBEDDING, {}, True),
        (COMPLETION, {}, False),
        (COMPLETION, {"best_of": 2}, False),
        (COMPLETION, {"best_of": 2, "n": 2}, False),
    ],
)
def test_an_embedding_is_its_own_first_token(operation: Operation, params: dict[str, object], streams: bool) -> None:  # noqa: FBT001
    assert Request(operation=operation, prompt="x", params=params, stream=False).stream is streams


def test_the_best_of_several_is_not_streamed() -> None:
    assert not Request(operation=COMPLETION, prompt="x", params={"best_of": 2}).stream
    assert Request(operation=COMPLETION, prompt="x", params={"best_of": 2, "n": 2}).stream


# -- what comes of it


def test_vectors_come_whole_and_as_one_chunk() -> None:
    vectors = (0.5, 0.25), (1.0, 2.0)

    async def main() -> None:
        async with router(endpoint("a", script=embeds(0.25, *vectors))) as live:
            answer = await live.complete(asks(EMBEDDING, prompt=["x", "y"]))
            assert answer.embeddings == vectors
            assert answer.ttft_s == answer.total_s == pytest.approx(0.25)
            assert answer.usage == Usage(input_tokens=3, output_tokens=0)
            assert "0.5" not in repr(answer)
            async with live.stream(asks(EMBEDDING)) as chunks:
                heard = [chunk async for chunk in chunks]
            assert [chunk.embeddings for chunk in heard] == [vectors]
            assert heard[0].is_progress
            assert "0.5" not in repr(heard)

    run(main)


def test_what_was_discarded_is_no_part_of_the_answer() -> None:
    async def main() -> None:
        broken = (Say(0.1, Chunk(embeddings=((9.0,),))), *fails(0.2, ProviderError))
        first = endpoint("a", script=broken)
        async with router(first, endpoint("b", script=embeds(0.1, (1.0,))), policies=(Retry(),)) as live:
            answer = await live.complete(asks(EMBEDDING))
            assert answer.embeddings == ((1.0,),)
            assert answer.retries == ("provider_error",)

    run(main)


# -- policies


def test_a_failure_is_tried_elsewhere_and_then_by_another_model() -> None:
    broken = [endpoint(name, script=fails(0.1, ProviderError)) for name in ("a", "b")]
    last = endpoint("c", EMBEDDING, model="n")
    routes = (Route(name="r", models=("m", "n")),)
    answer = answered(
        *broken,
        last,
        request=asks(EMBEDDING, route="r", model=None),
        policies=tuple(stacks.interactive()),
        routes=routes,
    )
    assert answer.endpoint == "c"
    assert answer.fell_back
    assert answer.retries


def test_a_model_that_is_slow_to_embed_is_left_for_the_next() -> None:
    slow, fast = endpoint("a", script=embeds(30.0)), endpoint("b", model="n")
    routes = (Route(name="r", models=("m", "n")),)
    answer = answered(
        slow,
        fast,
        request=asks(EMBEDDING, route="r", model=None),
        policies=(Fallback(start_within_s=2.0),),
        routes=routes,
    )
    assert answer.endpoint == "b"
    assert answer.total_s == pytest.approx(2.1)


def test_the_limit_of_a_first_token_is_one_of_embeddings() -> None:
    slow = endpoint("a", script=embeds(30.0), limits=Limits(first_token_s=1.0))
    with pytest.raises(AttemptTimeout, match="first_token"):
        answered(slow, request=asks(EMBEDDING))


def known(live: Router, name: str, ttft_s: float, calls: int = 60) -> None:
    for _ in range(calls):
        live.fleet[name].learned.ttft.record(ttft_s, 0, virtual_clock())


def test_a_late_embedding_is_hedged() -> None:
    async def main() -> None:
        late, fast = endpoint("a", EMBEDDING, script=embeds(10.0)), endpoint("b", EMBEDDING, script=embeds(0.1))
        async with router(late, fast, policies=(Hedge(), Slots())) as live:
            known(live, "a", 0.1)
            known(live, "b", 0.2)
            live.fleet["b"].slots.acquire_over_limit()  # so that the first leg goes to the other
            answer = await live.complete(asks(EMBEDDING))
            assert answer.total_s < 1.0
            assert answer.endpoint == "b"

    run(main)


@pytest.mark.parametrize("policies", [(Cap(max_tokens=10),), (Cap(max_tokens=10), Resume(otherwise=Splice()))])
def test_a_cap_is_no_matter_to_an_embedding(policies: tuple[Policy, ...]) -> None:
    seen = endpoint("a")
    routes = (Route(name="r", models="m", max_tokens=20),)
    answered(seen, request=asks(EMBEDDING, route="r", model=None), policies=policies, routes=routes)
    assert isinstance(seen.provider, Able)
    (call,) = seen.provider.seen
    assert call.max_tokens is None
    answered(seen, request=asks(COMPLETION, route="r", model=None), policies=policies, routes=routes)
    assert seen.provider.seen[-1].max_tokens == 10


def test_money_is_reserved_and_spent_for_what_goes_in_alone() -> None:
    async def main() -> None:
        priced = endpoint("a", EMBEDDING, price_in_per_m=1e6, price_out_per_m=1e6)
        policies = (Cap(max_tokens=1000, cost=CostLimit(money=10.0, window_s=60.0)),)
        async with router(priced, policies=policies) as live:
            for _ in range(3):  # three tokens each; an answer of a thousand would not fit
                await live.complete(asks(EMBEDDING, prompt_tokens=3))
            with pytest.raises(CostLimitReached, match="9 is spent"):
                await live.complete(asks(EMBEDDING, prompt_tokens=3))

    run(main)


@pytest.mark.parametrize("operation", [COMPLETION, EMBEDDING])
def test_every_policy_takes_what_has_no_messages(operation: Operation) -> None:
    script = answers(0.1, "so", " it") if operation is COMPLETION else embeds(0.1)
    several = [endpoint(name, script=script) for name in "abc"]
    policies = (Cap(max_tokens=9), Resume(otherwise=Splice()), *stacks.interactive()[:-1], Affinity(), Slots())
    answer = answered(*several, request=asks(operation, prompt="x" * 9000), policies=policies)
    assert answer.text == ("so it" if operation is COMPLETION else "")


def test_text_completions_that_begin_alike_go_to_one_endpoint() -> None:
    async def main() -> None:
        several = [endpoint(name, script=answers(0.1)) for name in "abcd"]
        async with router(*several, policies=(Affinity(), Slots())) as live:
            asked = [await live.complete(asks(COMPLETION, prompt="x" * 5000 + str(number))) for number in range(6)]
            assert len({answer.endpoint for answer in asked}) == 1
            notes = [str(each) for answer in asked for each in answer.decisions if each.by == "Affinity"]
            assert len(notes) == 6
            again = await live.complete(asks(EMBEDDING, prompt="x" * 5000))
            assert all(each.by != "Affinity" for each in again.decisions)

    run(main)


def test_a_text_that_breaks_off_is_gone_on_with() -> None:
    cut: Script = (Say(0.1, Chunk("and so ")), Say(0.2, Chunk("on ")), *fails(0.3, ProviderError))
    first, second = endpoint("a", script=cut), endpoint("b", script=answers(0.1, "and", " on"))

    async def main() -> None:
        heard: list[str] = []

        async def emit(chunk: Chunk) -> None:
            heard.append(chunk.text)

        async with router(first, second, policies=(Resume(otherwise=Splice()),)) as live:
            await live.send(asks(COMPLETION, prompt="It went on ", max_tokens=50), emit)
        assert "".join(heard) == "and so on and on"
        assert isinstance(second.provider, Able)
        (call,) = second.provider.seen
        assert call.request.prompt == "It went on and so on"
        assert call.request.operation is COMPLETION
        assert call.max_tokens == 47

    run(main)


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ["x", "y"]},
        {"prompt": [1, 2]},
        *({"params": {name: value}} for name, value in [("echo", True), ("suffix", "end"), ("logprobs", 0), ("n", 2)]),
    ],
)
def test_a_text_that_is_more_than_text_ends_in_its_error(fields: dict[str, Any]) -> None:
    cut: Script = (Say(0.1, Chunk("and so ")), *fails(0.3, ProviderError))

    async def emit(_: Chunk) -> None: ...

    async def main() -> None:
        several = endpoint("a", script=cut), endpoint("b", script=answers(0.1))
        async with router(*several, policies=(Resume(otherwise=Splice()),)) as live:
            with pytest.raises(StreamInterrupted, match="broke off"):
                await live.send(asks(COMPLETION, **fields), emit)

    run(main)


# -- what is learned


def told_of(live: Router, name: str) -> dict[str, int]:
    """Samples of each metric."""
    found: dict[str, int] = {}
    for series, window in live.fleet[name].learned.series():
        found[series.metric] = found.get(series.metric, 0) + window.count(virtual_clock())
    return {metric: count for metric, count in found.items() if count}


async def several(live: Router, operation: Operation, count: int = 30) -> None:
    for _ in range(count):
        await live.complete(asks(operation))


def test_an_endpoint_that_only_embeds_is_known_by_its_embeddings() -> None:
    async def main() -> None:
        async with router(endpoint("a", EMBEDDING, script=embeds(0.5))) as live:
            await several(live, EMBEDDING)
            assert told_of(live, "a") == {"ttft": 30, "total": 30}
            outlook = live.fleet["a"].outlook(virtual_clock(), 0)
            assert outlook.ttft_s == pytest.approx(0.5, rel=0.02)
            assert (outlook.p_first_token_within(0.4) or 0.0) < 0.1

    run(main)


def test_what_it_writes_is_all_that_is_learned_of_one_that_writes_as_well() -> None:
    async def main() -> None:
        sim = Simulated(behaviour=Behaviour(ttft_s=0.5, tokens_per_s=50, sigma=0.0, tail=0.0))
        async with router(endpoint("a", provider=sim)) as live:
            await several(live, CHAT, 6)
            before, outlook = told_of(live, "a"), live.fleet["a"].outlook(virtual_clock())
            await several(live, EMBEDDING, 20)
            after = live.fleet["a"].outlook(virtual_clock())
            assert told_of(live, "a") == before
            assert (after.ttft_s, after.total_s) == (outlook.ttft_s, outlook.total_s)
            assert live.fleet["a"].learned.recent.unanswered == 0

    run(main)


def test_a_failure_to_embed_counts_against_whoever_it_was() -> None:
    async def main() -> None:
        async with router(endpoint("a", script=fails(0.1, ProviderError))) as live:
            with pytest.raises(ProviderError):
                await live.complete(asks(EMBEDDING))
            assert live.fleet["a"].outlook(virtual_clock()).failing > 0.1
            assert told_of(live, "a") == {}

    run(main)


def test_an_embedding_that_is_cut_off_says_nothing_of_one_that_writes() -> None:
    async def main() -> None:
        async with router(
            endpoint("a", script=embeds(9.0)), endpoint("b", EMBEDDING, script=embeds(9.0), model="n")
        ) as live:
            for model in ("m", "n"):
                with pytest.raises(Exception, match="deadline"):
                    await live.complete(asks(EMBEDDING, model=model, budget_s=1.0))
            assert told_of(live, "a") == {}
            assert live.fleet["b"].outlook(virtual_clock(), 0).ttft_s is None or told_of(live, "b") == {}

    run(main)


def test_embeddings_do_not_tell_how_long_answers_are() -> None:
    wordy = (Say(0.1, Chunk(embeddings=((1.0,),), usage=Usage(input_tokens=1, output_tokens=50))),)

    async def main() -> None:
        script = (*wordy, *answers(0.1)[1:])
        async with router(endpoint("a", script=script)) as live:
            await several(live, EMBEDDING)
            assert live.fleet.lengths["m"].likely(virtual_clock()) is None

    run(main)


def test_a_budget_of_latency_is_kept_by_embeddings() -> None:
    async def main() -> None:
        both = endpoint("slow", EMBEDDING, script=embeds(1.5)), endpoint("fast", EMBEDDING, script=embeds(0.2))
        async with router(*both, policies=(LatencyBudget(), Slots())) as live:
            known(live, "slow", 1.5)
            known(live, "fast", 0.2)
            asked = [await live.complete(asks(EMBEDDING, budget_s=1.0)) for _ in range(10)]
            assert {answer.endpoint for answer in asked} == {"fast"}

    run(main)


def test_what_cannot_be_done_here_ejects_nobody() -> None:
    async def main() -> None:
        async with router(endpoint("a", CHAT, script=answers(0.1)), policies=(Breaker(), Slots())) as live:
            for _ in range(20):
                with pytest.raises(OperationUnmet):
                    await live.complete(asks(EMBEDDING))
            assert (await live.complete(asks(CHAT))).text == "ok"

    run(main)


# -- what is simulated


def test_simulated_vectors_are_of_their_text() -> None:
    async def main() -> None:
        async with router(endpoint("a", provider=Simulated())) as live:
            answer = await live.complete(asks(EMBEDDING, prompt=["x", "y", "x"], params={"dimensions": 12}))
            first, other, again = answer.embeddings
            assert first == again != other
            assert {len(each) for each in answer.embeddings} == {12}
            assert sum(number * number for number in first) == pytest.approx(1.0)
            assert answer.usage.output_tokens == 0
            assert len((await live.complete(asks(EMBEDDING))).embeddings[0]) == 256
            assert (await live.complete(asks(COMPLETION, max_tokens=3))).usage.output_tokens == 3

    run(main)


@pytest.mark.parametrize("dimensions", [0, 5000, True, "8"])
def test_simulated_vectors_have_so_many_dimensions_at_most(dimensions: object) -> None:
    with pytest.raises(InvalidRequest, match="dimensions must be a whole number from 1 to 4096"):
        answered(endpoint("a", provider=Simulated()), request=asks(EMBEDDING, params={"dimensions": dimensions}))
