"""What the caller gets to see, and when: nothing before the first progress, everything from then on."""

import asyncio

import pytest

from paceline.policies import Retry
from paceline.router import Call, Chunk, Emit, Handler, Limits, Outcome, Router, ToolCallDelta, Usage
from paceline.router.delivery import MOST_HELD
from paceline.router.errors import CallError, PolicyFailed, ProviderError
from paceline.router.testing import Cut, Fail, Say, Script, Scripted, answers, endpoint, run, virtual_clock

from .stack import Ear, ask, nothing_is_held, routed

FINISH = Chunk(finish_reason="stop")
TOOL = Chunk(tool_calls=(ToolCallDelta(index=0, id="1", name="look"),))


def one(script: Script, **fields: object) -> Router:
    return routed(endpoint("a", Scripted(script), **fields))


def test_what_says_nothing_is_kept_back_until_something_does() -> None:
    async def main() -> None:
        heard: list[tuple[float, str]] = []

        async def emit(chunk: Chunk) -> None:
            heard.append((virtual_clock(), repr(chunk)))

        role, word = Chunk(raw=b"role"), Chunk("hi")
        async with one((Say(0.125, role), Say(0.25, word), Say(0.5, Chunk()), Say(1.0, FINISH))) as router:
            await router.send(ask(), emit)

        assert heard == [(0.25, repr(role)), (0.25, repr(word)), (0.5, repr(Chunk())), (1.0, repr(FINISH))]

    run(main)


def test_what_was_kept_back_of_a_failed_attempt_is_never_seen() -> None:
    async def main() -> None:
        provider = Scripted((Say(0.0, Chunk(raw=b"first")), Cut(0.25)), answers(0.25, "second"))
        ear = Ear()
        async with routed(endpoint("a", provider), endpoint("b", provider), policies=[Retry()]) as router:
            await router.send(ask(), ear)

        assert [chunk.raw for chunk in ear.chunks] == [b"", b""]
        assert ear.text == "second"

    run(main)


def test_only_so_much_is_kept_back_and_never_the_end() -> None:
    async def main() -> None:
        ear = Ear()
        pings = [Say(0.0, Chunk(raw=b"%d" % number)) for number in range(MOST_HELD + 5)]
        async with one((*pings, Say(0.5, FINISH))) as router:
            await router.send(ask(), ear)

        assert [chunk.raw for chunk in ear.chunks[:-1]] == [b"%d" % number for number in range(MOST_HELD)]
        assert ear.chunks[-1] is FINISH

    run(main)


@pytest.mark.parametrize("progress", [Chunk("a"), Chunk(reasoning="a"), Chunk(refusal="a"), TOOL], ids=repr)
def test_the_first_progress_of_any_kind_is_the_first_token(progress: Chunk) -> None:
    async def main() -> None:
        async with one((Say(0.25, Chunk()), Say(0.5, progress), Say(1.0, FINISH))) as router:
            answer = await router.complete(ask())

        assert answer.ttft_s == 0.5
        assert answer.attempts[0].first_event_s == 0.25

    run(main)


def test_the_last_usage_counts() -> None:
    async def main() -> None:
        script = (Say(0.0, Chunk("a", usage=Usage(output_tokens=1))), Say(0.5, Chunk(usage=Usage(output_tokens=9))))
        async with one((*script, Say(0.5, FINISH))) as router:
            assert (await router.complete(ask())).usage.output_tokens == 9

    run(main)


def test_what_emit_raises_passes_through_as_it_is_and_harms_nobody() -> None:
    async def main() -> None:
        gone = ConnectionResetError("the client went away")

        async def emit(chunk: Chunk) -> None:
            raise gone

        provider = Scripted(answers(0.25, "a", "b", gap_s=0.25))
        async with routed(endpoint("a", provider, slots=1), policies=[Retry()]) as router:
            with pytest.raises(ConnectionResetError) as caught:
                await router.send(ask(), emit)

            target = router.fleet["a"]
            assert caught.value is gone
            assert caught.value.__cause__ is None
            assert (provider.calls, provider.live) == (1, 0)
            assert provider.seen[0].ledger.attempts[0].outcome is Outcome.CANCELLED
            assert (target.learned.recent.failing(0.25), target.learned.total.censored(0.25)) == (0.0, 1)
            assert nothing_is_held(router)

    run(main)


class Stubborn(Scripted):
    """Does something of its own with what `emit` raises."""

    def __init__(self, script: Script, mend: type[Exception] | None) -> None:
        super().__init__(script)
        self.mend = mend

    async def __call__(self, call: Call, emit: Emit) -> None:
        try:
            await super().__call__(call, emit)
        except ConnectionResetError as error:
            if self.mend is not None:
                raise self.mend("the connection broke") from error


@pytest.mark.parametrize("mend", [None, ProviderError], ids=["swallows it", "translates it"])
def test_a_provider_cannot_make_the_callers_error_its_own(mend: type[Exception] | None) -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            raise ConnectionResetError("the client went away")

        provider = Stubborn(answers(0.0), mend)
        async with routed(endpoint("a", provider), endpoint("b", provider), policies=[Retry()]) as router:
            with pytest.raises(ConnectionResetError):
                await router.send(ask(), emit)

            assert provider.calls == 1
            assert router.fleet["a"].learned.recent.failing(0.0) == 0.0

    run(main)


def test_what_a_policy_raises_while_passing_a_chunk_on_is_that_policys_fault() -> None:
    class Broken:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            async def spoil(chunk: Chunk) -> None:
                raise LookupError("a bug")

            await next(call, spoil)

    async def main() -> None:
        async with routed(endpoint("a", Scripted(answers(0.0))), policies=[Broken()]) as router:
            with pytest.raises(CallError) as caught:
                await router.complete(ask())

            assert isinstance(caught.value, PolicyFailed)
            assert isinstance(caught.value.__cause__, LookupError)
            assert router.fleet["a"].learned.recent.failing(0.0) == 0.0

    run(main)


def test_a_caller_who_is_cancelled_while_taking_a_chunk_leaves_nothing_behind() -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            await asyncio.sleep(60.0)

        async with one(answers(0.25), slots=1, limits=Limits(gap_s=0.5)) as router:
            task = asyncio.create_task(router.send(ask(), emit))
            await asyncio.sleep(5.0)
            task.cancel()
            await asyncio.wait([task])

            assert task.cancelled()
            assert nothing_is_held(router)

    run(main)


def test_a_failure_after_progress_is_censored_and_not_a_total() -> None:
    async def main() -> None:
        script = (Say(0.25, Chunk("a")), Fail(0.5, lambda: ProviderError("down")))
        async with one(script) as router:
            with pytest.raises(CallError):
                await router.send(ask(), Ear())

            target = router.fleet["a"]
            assert (target.learned.ttft.overall.samples(1.0), target.learned.ttft.overall.censored(1.0)) == (1, 0)
            assert (target.learned.total.samples(1.0), target.learned.total.censored(1.0)) == (0, 1)

    run(main)
