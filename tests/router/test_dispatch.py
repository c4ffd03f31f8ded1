"""`dispatch`: one attempt, and what it leaves behind: a record, a sample, one typed error, and no lease."""

import asyncio

import pytest

from paceline.router import Call, Chunk, Emit, Handler, Limits, Outcome, Request, Router
from paceline.router.errors import (
    AttemptTimeout,
    BadRequest,
    CallError,
    DeadlineExceeded,
    NoEndpoint,
    ProviderError,
    RateLimited,
    ResidencyUnmet,
    TruncatedAnswer,
)
from paceline.router.testing import (
    SILENT,
    Cut,
    End,
    Say,
    Script,
    Scripted,
    answers,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .stack import Ear, ask, nothing_is_held, routed


def one(*scripts: Script, limits: Limits | None = None) -> Router:
    return routed(endpoint("a", Scripted(*scripts), limits=limits or Limits()))


def bug() -> BaseException:
    return ZeroDivisionError("a provider's own")


class OnlyAt:
    """Lets a call go on from *at_s*, towards *candidates* alone."""

    def __init__(self, at_s: float, *, candidates: bool = True) -> None:
        self.at_s = at_s
        self.candidates = candidates

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await asyncio.sleep(self.at_s - call.clock())
        await next(call if self.candidates else call.with_(candidates=()), emit)


def test_an_attempt_that_ends_well_leaves_its_marks_and_samples() -> None:
    async def main() -> None:
        async with one(answers(0.25, "a", "b", "c", gap_s=0.25)) as router:
            answer = await router.complete(ask())

            attempt, target = answer.attempts[0], router.fleet["a"]
            assert attempt.outcome is Outcome.OK
            assert (attempt.sent_s, attempt.first_progress_s, attempt.last_progress_s) == (0.0, 0.25, 0.75)
            assert (attempt.first_event_s, attempt.finished_s) == (0.25, 0.75)
            assert (target.learned.ttft.overall.samples(1.0), target.learned.ttft.overall.quantile(0.5, 1.0)) == (
                1,
                0.25,
            )
            assert target.learned.total.samples(1.0) == 1
            assert nothing_is_held(router)

    run(main)


def test_without_a_slot_policy_calls_are_counted_and_never_refused() -> None:
    async def main() -> None:
        provider = Scripted(answers(1.0))
        async with routed(endpoint("a", provider, slots=1)) as router, asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(router.complete(ask()))
            await asyncio.sleep(0.5)

            assert router.fleet["a"].in_flight == provider.most_live == 3

    run(main)


@pytest.mark.parametrize("kind", [ProviderError, RateLimited, BadRequest])
def test_a_failure_comes_out_as_it_is_and_adds_no_latency(kind: type[ProviderError]) -> None:
    async def main() -> None:
        async with one(fails(0.125, kind)) as router:
            with pytest.raises(kind, match="as scripted") as caught:
                await router.complete(ask())

            target, attempt = router.fleet["a"], caught.value.attempts[0]
            assert attempt.outcome is Outcome.FAILED
            assert attempt.error is caught.value
            assert attempt.finished_s == 0.125
            assert [
                metric.samples(1.0)
                for metric in (target.learned.ttft.overall, target.learned.total, target.learned.tpot.overall)
            ] == [0, 0, 0]
            assert [
                metric.censored(1.0)
                for metric in (target.learned.ttft.overall, target.learned.total, target.learned.tpot.overall)
            ] == [0, 0, 0]
            assert nothing_is_held(router)

    run(main)


@pytest.mark.parametrize(("kind", "share"), [(ProviderError, 0.2), (RateLimited, 0.2), (BadRequest, 0.0)])
def test_only_what_speaks_against_the_endpoint_is_held_against_it(kind: type[ProviderError], share: float) -> None:
    async def main() -> None:
        async with one(fails(0.0, kind)) as router:
            with pytest.raises(kind):
                await router.complete(ask())

            assert router.fleet["a"].learned.recent.failing(0.0) == pytest.approx(share)

    run(main)


def test_a_bug_in_a_provider_is_a_provider_error_with_its_cause() -> None:
    async def main() -> None:
        async with one(fails(0.0, bug)) as router:
            with pytest.raises(ProviderError, match="a: the provider raised ZeroDivisionError") as caught:
                await router.complete(ask())

            assert isinstance(caught.value.__cause__, ZeroDivisionError)
            assert caught.value.endpoint == "a"
            assert router.fleet["a"].learned.recent.failing(0.0) == pytest.approx(0.2)

    run(main)


@pytest.mark.parametrize(
    "script",
    [(End(0.0),), (Say(0.0, Chunk()), End(0.0)), (Cut(0.0),)],
    ids=["nothing", "a role and nothing more", "cut"],
)
def test_an_answer_that_ends_before_it_begins_is_truncated(script: Script) -> None:
    async def main() -> None:
        async with one(script) as router:
            with pytest.raises(TruncatedAnswer):
                await router.complete(ask())

            assert router.fleet["a"].learned.recent.failing(0.0) == pytest.approx(0.2)

    run(main)


def test_an_empty_answer_that_ends_well_is_an_answer() -> None:
    async def main() -> None:
        async with one((Say(0.25, Chunk(finish_reason="stop")),)) as router:
            answer = await router.complete(ask())

            assert (answer.text, answer.finish_reason, answer.ttft_s, answer.total_s) == ("", "stop", None, 0.25)
            assert router.fleet["a"].learned.ttft.overall.samples(1.0) == 0

    run(main)


def test_a_call_cancelled_before_a_word_is_cut_off_and_not_failed() -> None:
    async def main() -> None:
        async with one(SILENT) as router:
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(2.0)
            task.cancel()
            await asyncio.wait([task])

            target = router.fleet["a"]
            assert task.cancelled()
            assert target.learned.recent.failing(2.0) == 0.0
            assert target.learned.recent.unanswered == 0
            assert (target.learned.ttft.overall.samples(2.0), target.learned.ttft.overall.censored(2.0)) == (0, 1)
            assert (target.learned.total.samples(2.0), target.learned.total.censored(2.0)) == (0, 1)
            assert nothing_is_held(router)

    run(main)


def test_nothing_is_sent_once_the_deadline_is_there() -> None:
    async def main() -> None:
        provider = Scripted()
        async with routed(endpoint("a", provider), policies=[OnlyAt(1.0)]) as router:
            with pytest.raises(DeadlineExceeded, match="the deadline passed before a could be called") as caught:
                await router.complete(ask(budget_s=1.0))

            assert (provider.calls, caught.value.attempts) == (0, [])

    run(main)


class StartsBy:
    """Gives a call no time to start."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(start_by_s=call.clock()), emit)


def test_nothing_is_sent_that_has_no_time_to_start() -> None:
    async def main() -> None:
        provider = Scripted()
        async with routed(endpoint("a", provider), policies=[StartsBy()]) as router:
            with pytest.raises(AttemptTimeout, match=r"a: start limit passed after 0\.000 s") as caught:
                await router.complete(ask())

            assert (provider.calls, caught.value.attempts, virtual_clock()) == (0, [], 0.0)

    run(main)


def test_without_a_candidate_nothing_is_sent() -> None:
    async def main() -> None:
        provider = Scripted()
        async with routed(endpoint("a", provider), policies=[OnlyAt(0.0, candidates=False)]) as router:
            with pytest.raises(NoEndpoint, match="no endpoint is left; the decisions of this error say which"):
                await router.complete(ask())

            assert provider.calls == 0

    run(main)


def test_no_call_leaves_its_regions_whatever_the_policies_chose() -> None:
    async def main() -> None:
        provider = Scripted()
        async with routed(endpoint("a", provider, region="us")) as router:
            with pytest.raises(ResidencyUnmet, match=r"a is in us, but this call may only use eu: put Regions\(\)"):
                await router.complete(Request(messages="hello", model="m", residency=frozenset({"eu"})))

            assert provider.calls == 0

    run(main)


def test_the_provider_is_told_its_endpoint_and_its_attempt() -> None:
    async def main() -> None:
        provider = Scripted(answers(0.0))
        async with routed(endpoint("a", provider), endpoint("b", Scripted())) as router:
            answer = await router.complete(ask())

            call = provider.seen[0]
            assert [target.name for target in call.candidates] == ["a"]
            assert call.attempt is answer.attempts[0]

    run(main)


@pytest.mark.parametrize(
    ("script", "limits", "expected"),
    [
        (SILENT, Limits(first_token_s=0.5), (AttemptTimeout, 0.5)),
        (SILENT, Limits(first_token_s=None), (DeadlineExceeded, 4.0)),
        (fails(0.25, ProviderError), Limits(), (ProviderError, 0.25)),
    ],
)
def test_exactly_one_error_comes_out_with_its_attempts(
    script: Script, limits: Limits, expected: tuple[type[CallError], float]
) -> None:
    async def main() -> None:
        async with one(script, limits=limits) as router:
            with pytest.raises(CallError) as caught:
                await router.send(ask(budget_s=4.0), Ear())

            assert (type(caught.value), virtual_clock()) == expected
            assert not isinstance(caught.value, ExceptionGroup)
            assert [attempt.endpoint.name for attempt in caught.value.attempts] == ["a"]

    run(main)


def test_the_time_to_connect_is_smoothed() -> None:
    async def main() -> None:
        connects = iter([0.5, 1.0])

        class Connecting(Scripted):
            async def __call__(self, call: Call, emit: Emit) -> None:
                assert call.attempt is not None
                call.attempt.connect_s = next(connects, None)
                await super().__call__(call, emit)

        async with routed(endpoint("a", Connecting(answers(0.0)))) as router:
            target = router.fleet["a"]
            seen = [target.network_s]
            for _ in range(3):
                await router.complete(ask())
                seen.append(target.network_s)

            assert seen == [None, 0.5, 0.6, 0.6]

    run(main)
