"""`Running`: another configuration takes over, and no call is dropped or forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest

from paceline.gateway.config import Configuration, Settings
from paceline.gateway.running import LINGER_S, Running
from paceline.policies import Retry, Slots
from paceline.providers import Behaviour, Simulated
from paceline.router import Budget, CallEnded, Clock, Endpoint, Event, Extra, Handler, Listener, Request, Route, Router
from paceline.router.errors import ConfigurationError, RouterClosed
from paceline.router.testing import run, virtual_clock

FAST = Simulated(behaviour=Behaviour(ttft_s=0.1, sigma=0.0, tail=0.0, tokens_per_s=100.0))
SLOW = Simulated(behaviour=Behaviour(ttft_s=25.0, sigma=0.0, tail=0.0, tokens_per_s=100.0))


def configuration(provider: object = FAST, *, name: str = "a", model: str = "m", **others: object) -> Configuration:
    endpoint = Endpoint(name=name, provider=provider, model=model, slots=8)  # type: ignore[arg-type]
    return Configuration(
        endpoints=(endpoint,),
        routes=(Route(name="chat", models=model),),
        policies=(Retry(), Slots()),
        settings=Settings(grace_s=5.0),
        **others,  # type: ignore[arg-type]
    )


def running(given: Configuration, listeners: Sequence[Listener] = ()) -> Running:
    return Running(given, listeners, clock=virtual_clock)


def asked(expected_tokens: int = 10) -> Request:
    return Request(messages="hello", route="chat", expected_tokens=expected_tokens, budget_s=600.0)


def test_before_it_is_entered_there_is_no_router() -> None:
    with pytest.raises(RuntimeError, match="inside 'async with'"):
        _ = Running(configuration()).router


def test_the_next_call_goes_to_the_new_configuration() -> None:
    async def main() -> tuple[str, str]:
        async with running(configuration(name="old")) as serving:
            first = await serving.router.complete(asked())
            await serving.replace(configuration(name="new"))
            second = await serving.router.complete(asked())
            return first.endpoint, second.endpoint

    assert run(main) == ("old", "new")


def test_a_call_in_flight_ends_where_it_began_however_long_it_takes() -> None:
    async def main() -> tuple[str, int, int]:
        async with running(configuration(SLOW, name="old")) as serving:
            call = asyncio.create_task(serving.router.complete(asked()))
            await asyncio.sleep(1.0)
            await serving.replace(configuration(name="new"))
            await asyncio.sleep(15.0)  # longer than the grace of a closing
            meanwhile = serving.replaced
            answer = await call
            await asyncio.sleep(0.1)
            return answer.endpoint, meanwhile, serving.replaced

    assert run(main) == ("old", 1, 0)


def test_who_asked_for_the_router_just_before_may_call_it_just_after() -> None:
    async def main() -> str:
        async with running(configuration(name="old")) as serving:
            router = serving.router
            await serving.replace(configuration(name="new"))
            await asyncio.sleep(LINGER_S / 2)
            return (await router.complete(asked())).endpoint

    assert run(main) == "old"


def test_a_replaced_router_is_closed_when_nobody_needs_it() -> None:
    async def main() -> None:
        async with running(configuration(name="old")) as serving:
            router = serving.router
            await serving.replace(configuration(name="new"))
            await asyncio.sleep(LINGER_S * 2)
            assert serving.replaced == 0
            with pytest.raises(RouterClosed):
                await router.complete(asked())

    run(main)


def test_every_call_stays_in_the_report() -> None:
    async def main() -> tuple[int, int]:
        async with running(configuration(SLOW, name="old")) as serving:
            early = asyncio.create_task(serving.router.complete(asked()))
            await asyncio.sleep(1.0)
            for number in range(3):
                await serving.router.complete(asked()) if number else None
                await serving.replace(configuration(name=f"new-{number}"))
            await serving.router.complete(asked())
            await early
            report = serving.router.report()
            return report.by_route["chat"].calls, report.by_endpoint["new-2"].attempts

    assert run(main) == (4, 1)


def test_what_was_measured_is_handed_over_to_the_same_endpoint_only() -> None:
    async def main() -> tuple[float | None, float | None]:
        async with running(configuration()) as serving:
            for _ in range(50):
                await serving.router.complete(asked())
            await serving.replace(configuration())
            same = serving.router.fleet["a"].outlook(virtual_clock()).ttft_s
            await serving.replace(configuration(model="another"))
            other = serving.router.fleet["a"].outlook(virtual_clock()).ttft_s
            return same, other

    same, other = run(main)

    assert same == pytest.approx(0.1, rel=0.05)
    assert other is None


def test_the_budget_of_extra_attempts_goes_on_unless_another_is_asked_for() -> None:
    async def main() -> tuple[bool, bool]:
        async with running(configuration(budget=Budget(reserve=3))) as serving:
            first = serving.router.budget
            first.withdraw(Extra.RETRY, virtual_clock())
            await serving.replace(configuration(budget=Budget(reserve=3)))
            same = serving.router.budget is first
            await serving.replace(configuration(budget=Budget(reserve=4)))
            return same, serving.router.budget is first

    assert run(main) == (True, False)


def test_listeners_hear_of_every_router() -> None:
    heard: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, CallEnded):
            heard.extend(attempt.endpoint.name for attempt in event.call.ledger.attempts)

    async def main() -> None:
        async with running(configuration(name="old"), [listen]) as serving:
            await serving.router.complete(asked())
            await serving.replace(configuration(name="new"))
            await serving.router.complete(asked())

    run(main)

    assert heard == ["old", "new"]


class Broken(Exception):
    pass


@attrs.frozen(eq=False)
class CannotOpen:
    name: str = "broken"
    delay_s: float = 0.0

    def check(self, endpoint: Endpoint) -> None:
        pass

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        @asynccontextmanager
        async def opened() -> AsyncGenerator[Handler]:
            await asyncio.sleep(self.delay_s)
            raise Broken
            yield

        return opened()


def test_a_configuration_that_cannot_be_opened_leaves_the_old_one_serving() -> None:
    async def main() -> tuple[str, Configuration]:
        before = configuration(name="old")
        async with running(before) as serving:
            with pytest.raises(Broken):
                await serving.replace(configuration(CannotOpen(), name="new"))
            answer = await serving.router.complete(asked())
            return answer.endpoint, serving.configuration

    endpoint, served = run(main)

    assert endpoint == "old"
    assert served.endpoints[0].name == "old"


def test_parts_that_do_not_fit_leave_the_old_one_serving() -> None:
    async def main() -> str:
        async with running(configuration(name="old")) as serving:
            unfit = attrs.evolve(configuration(name="new"), routes=(Route(name="chat", models="none"),))
            with pytest.raises(ConfigurationError):
                await serving.replace(unfit)
            return (await serving.router.complete(asked())).endpoint

    assert run(main) == "old"


def test_a_replacing_that_is_given_up_leaves_the_old_one_serving() -> None:
    async def main() -> str:
        async with running(configuration(name="old")) as serving:
            replacing = asyncio.create_task(serving.replace(configuration(CannotOpen(delay_s=10.0), name="new")))
            await asyncio.sleep(1.0)
            replacing.cancel()
            await asyncio.wait([replacing])
            return (await serving.router.complete(asked())).endpoint

    assert run(main) == "old"


def test_what_cannot_be_opened_at_the_start_is_raised() -> None:
    async def main() -> None:
        async with running(configuration(CannotOpen())):
            pass

    with pytest.raises(Broken):
        run(main)


@attrs.frozen(eq=False)
class CannotClose:
    name: str = "clinging"

    def check(self, endpoint: Endpoint) -> None:
        pass

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        @asynccontextmanager
        async def opened() -> AsyncGenerator[Handler]:
            async with FAST.open(clock) as handler:
                yield handler
            raise Broken

        return opened()


def test_a_router_that_cannot_be_closed_as_it_should_is_logged_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> tuple[str, int]:
        async with running(configuration(CannotClose(), name="old")) as serving:
            await serving.replace(configuration(name="new"))
            await asyncio.sleep(LINGER_S * 2)
            return (await serving.router.complete(asked())).endpoint, serving.replaced

    assert run(main) == ("new", 0)
    assert "could not be closed as it should" in caplog.text


def test_more_knowledge_than_a_snapshot_holds_is_left_behind(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.router.statistics.snapshot.MOST_SAMPLES", 1)

    async def main() -> str:
        async with running(configuration()) as serving:
            for _ in range(5):
                await serving.router.complete(asked())
            await serving.replace(configuration())
            return (await serving.router.complete(asked())).endpoint

    assert run(main) == "a"
    assert "profiles are believed in its place" in caplog.text


def test_two_that_replace_at_once_are_served_one_after_the_other() -> None:
    async def main() -> tuple[str, int]:
        async with running(configuration()) as serving:
            await asyncio.gather(*(serving.replace(configuration(name=name)) for name in "bcd"))
            return (await serving.router.complete(asked())).endpoint, serving.replaced

    assert run(main) == ("d", 3)


def test_the_end_gives_calls_in_flight_their_grace_in_every_router() -> None:
    async def main() -> tuple[float, list[BaseException | object]]:
        began_s = virtual_clock()
        async with running(configuration(SLOW, name="old")) as serving:
            calls = [asyncio.create_task(serving.router.complete(asked()))]
            await asyncio.sleep(0.0)
            await serving.replace(configuration(SLOW, name="new"))
            calls.append(asyncio.create_task(serving.router.complete(asked())))
            await asyncio.sleep(0.0)
        ended_s = virtual_clock() - began_s
        return ended_s, [type(each) for each in await asyncio.gather(*calls, return_exceptions=True)]

    seconds, outcomes = run(main)

    assert seconds == pytest.approx(5.0, abs=0.1)
    assert outcomes == [RouterClosed, RouterClosed]


def test_nothing_can_be_replaced_after_the_end() -> None:
    async def main() -> Running:
        async with running(configuration()) as serving:
            pass
        with pytest.raises(RuntimeError, match="nothing runs"):
            await serving.replace(configuration())
        return serving

    with pytest.raises(RuntimeError):
        _ = run(main).router


def test_a_router_can_go_on_with_the_history_of_another() -> None:
    async def main() -> int:
        given = configuration()
        async with Router(given.endpoints, given.routes, clock=virtual_clock) as first:
            await first.complete(asked())
        async with Router(given.endpoints, given.routes, clock=virtual_clock, history=first.history) as second:
            await second.complete(asked())
            return second.report().by_route["chat"].calls

    assert run(main) == 2
