"""``GET /api/report``: what it says, what it refuses, and that asking often costs no more than asking once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec
import pytest
from aiohttp import web

from paceline.gateway.config import Bind, Configuration, Settings
from paceline.gateway.running import Running
from paceline.gateway.serve import report
from paceline.gateway.serve.report_form import FORMAT, NotAReport, Promise, Told, read
from paceline.gateway.serve.server import Gateway
from paceline.gateway.standing import State
from paceline.policies import Breaker, Slots
from paceline.router import Endpoint, Objective, Policy, Request, Route, Router, Secret
from paceline.router.errors import PacelineError, ProviderError, RateLimited
from paceline.router.testing import Scripted, answers, endpoint, fails, run, virtual_clock

CHAT = Route(name="chat", models=("m",), objective=Objective(ttft_s=0.8))


async def told_of(*endpoints: Endpoint, calls: int, policies: Sequence[Policy] = (Breaker(), Slots())) -> Told:
    async with Router(endpoints, [CHAT], policies, clock=virtual_clock) as router:
        for _ in range(calls):
            with suppress(PacelineError):
                await router.complete(Request(messages="hello", route="chat", budget_s=30.0))
        return report.tell(router)


def test_a_route_is_told_with_its_promise_and_its_figures() -> None:
    told = run(lambda: told_of(endpoint("east", Scripted(answers(0.25, "a", "b", gap_s=0.1))), calls=4))

    chat = told.routes["chat"]
    assert (chat.calls, chat.success, chat.in_time) == (4, 1.0, 1.0)
    assert (chat.models, chat.priority, chat.objective) == (("m",), "ttft", Promise(
        ttft_s=0.8, total_s=None, success=0.99
    ))  # fmt: skip
    assert chat.ttft_s.p50 == pytest.approx(0.25)
    assert told.window_s == pytest.approx(4 * 0.35)


def test_an_endpoint_is_told_with_its_state_its_slots_and_its_figures() -> None:
    told = run(lambda: told_of(endpoint("east", Scripted(answers(0.25)), slots=7), calls=2))

    east = told.endpoints["east"]
    assert (east.model, east.region, east.attempts) == ("m", "here", 2)
    assert (east.state, east.why, east.back_in_s) == (State.IN, None, None)
    assert (east.in_flight, east.waiting, east.slots) == (0, 0, 7)


def test_an_endpoint_that_is_out_says_why_and_for_how_long() -> None:
    bad, good = endpoint("bad", Scripted(fails(0.01, ProviderError))), endpoint("good", Scripted(answers(0.2)))

    east = run(lambda: told_of(bad, good, calls=40, policies=[Breaker()])).endpoints["bad"]

    assert east.state is State.OUT
    assert east.why is not None
    assert "provider_error" in east.why
    assert east.back_in_s is not None
    assert east.back_in_s > 0


def test_an_endpoint_that_asked_for_a_pause_is_left_alone() -> None:
    def limited() -> RateLimited:
        return RateLimited("slow down", endpoint="east", retry_after_s=0.5)

    told = run(lambda: told_of(endpoint("east", Scripted(fails(0.1, limited))), calls=1))

    assert told.endpoints["east"].state is State.PAUSED
    assert told.endpoints["east"].back_in_s == pytest.approx(0.5)


def test_a_pause_without_a_breaker_is_told_too() -> None:
    async def main() -> Told:
        def limited() -> RateLimited:
            return RateLimited("slow down", endpoint="east", retry_after_s=9.0)

        east = endpoint("east", Scripted(fails(0.1, limited)))
        async with Router([east], [CHAT], [Slots()], clock=virtual_clock) as router:
            with pytest.raises(RateLimited):
                await router.complete(Request(messages="hello", route="chat"))
            return report.tell(router)

    assert run(main).endpoints["east"].state is State.PAUSED


def test_an_endpoint_that_is_back_is_easing_in() -> None:
    flaky = endpoint("flaky", Scripted(*[fails(0.01, ProviderError)] * 5, answers(0.01)))

    async def main() -> list[State]:
        other = endpoint("other", Scripted(answers(0.2)))
        seen: list[State] = []
        async with Router([flaky, other], [CHAT], [Breaker(), Slots()], clock=virtual_clock) as router:
            for _ in range(400):
                with suppress(PacelineError):
                    await router.complete(Request(messages="hello", route="chat", budget_s=30.0))
                seen.append(report.tell(router).endpoints["flaky"].state)
        return seen

    seen = list(dict.fromkeys(run(main)))
    assert [state for state in seen if state is not State.ON_TRIAL] == [
        State.IN, State.OUT, State.DUE, State.EASING_IN
    ]  # fmt: skip


def test_an_endpoint_that_is_tried_again_is_on_trial() -> None:
    flaky = endpoint("flaky", Scripted(*[fails(0.01, ProviderError)] * 5, answers(5.0)))

    async def main() -> set[State]:
        other, seen = endpoint("other", Scripted(answers(0.2))), set[State]()
        async with (
            Router([flaky, other], [CHAT], [Breaker(), Slots()], clock=virtual_clock) as router,
            asyncio.TaskGroup() as calls,
        ):
            for _ in range(400):
                calls.create_task(_asked(router))
                await asyncio.sleep(0.25)
                seen.add(report.tell(router).endpoints["flaky"].state)
        return seen

    assert State.ON_TRIAL in run(main)


async def _asked(router: Router) -> None:
    with suppress(PacelineError):
        await router.complete(Request(messages="hello", route="chat", budget_s=30.0))


def test_a_model_asked_for_by_its_own_name_promises_nothing() -> None:
    async def main() -> Told:
        async with Router([endpoint("east", Scripted(answers(0.1)))], [CHAT], clock=virtual_clock) as router:
            await router.complete(Request(messages="hello", model="m"))
            return report.tell(router)

    told = run(main)
    assert (told.routes["m"].models, told.routes["m"].priority, told.routes["m"].objective) == (("m",), None, None)
    assert told.routes["chat"].calls == 0


def test_what_is_written_is_read_again_and_what_is_unknown_is_passed_over() -> None:
    told = run(lambda: told_of(endpoint("east", Scripted(answers(0.25))), calls=2))
    body = msgspec.json.decode(msgspec.json.encode(told))
    body["later"] = body["routes"]["chat"]["later"] = body["endpoints"]["east"]["later"] = 1

    assert read(msgspec.json.encode(body)) == told


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<html>", "no report"), (b"{}", "missing required field"), (b"\xff", "no report")],
)
def test_what_is_no_report_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(NotAReport, match=why):
        read(body)


def test_another_format_is_refused() -> None:
    told = run(lambda: told_of(endpoint("east", Scripted(answers(0.25))), calls=1))

    with pytest.raises(NotAReport, match=f"format {FORMAT + 1}"):
        read(msgspec.json.encode(msgspec.structs.replace(told, format=FORMAT + 1)))


PUBLIC = {
    "": "endpoints format pid routes version window_s",
    "routes": "answered attempts burn calls cancelled cost failed failures fallbacks grade groups hedges in_time "
    "input_tokens models objective output_tokens per_minute priced priority retries success timeouts tokens_per_s "
    "total_s tpot_s ttft_s verdict",
    "endpoints": "answered attempts back_in_s cancelled cost failed failures in_flight input_tokens model "
    "output_tokens per_minute priced provider region retries slots state success timeouts tokens_per_s total_s tpot_s "
    "ttft_s waiting why",
}


def test_its_names_are_a_promise() -> None:
    told = run(lambda: told_of(endpoint("east", Scripted(answers(0.25))), calls=1))
    body = msgspec.json.decode(msgspec.json.encode(told))

    names = {"": body, "routes": body["routes"]["chat"], "endpoints": body["endpoints"]["east"]}
    assert {place: " ".join(sorted(fields)) for place, fields in names.items()} == PUBLIC
    assert sorted(body["routes"]["chat"]["ttft_s"]) == ["p50", "p95", "p99", "samples"]


# -- over HTTP


class Hand:
    """A clock that is set by hand, and seldom."""

    def __init__(self) -> None:
        self.at_s = time.monotonic()

    def __call__(self) -> float:
        return self.at_s


@asynccontextmanager
async def served(clock: Callable[[], float]) -> AsyncGenerator[tuple[str, Running]]:
    fleet = Configuration(endpoints=(endpoint("east", Scripted(answers(0.0))),), routes=(CHAT,))
    async with Running(fleet) as running:
        app = web.Application()
        app.add_routes(report.routes(running, clock))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{report.PATH}", running
        finally:
            await runner.cleanup()


async def got(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.content_type == "application/json"
        return response.status, await response.read()


def test_a_gateway_tells_what_its_router_did() -> None:
    async def main() -> Told:
        async with served(time.monotonic) as (url, running):
            await running.router.complete(Request(messages="hello", route="chat"))
            status, body = await got(f"{url}?over_s=300")
            assert status == 200
            return read(body)

    told = asyncio.run(main())
    assert told.routes["chat"].calls == 1
    assert told.endpoints["east"].attempts == 1


@pytest.mark.parametrize("over_s", ["0", "-1", "nan", "inf", "soon", "", "1e999"])
def test_a_window_that_is_no_number_above_0_is_refused(over_s: str) -> None:
    async def main() -> tuple[int, bytes]:
        async with served(time.monotonic) as (url, _):
            return await got(f"{url}?over_s={over_s}")

    status, body = asyncio.run(main())
    error = msgspec.json.decode(body)["error"]
    assert (status, error["type"], error["param"]) == (400, "invalid_request_error", "over_s")
    assert "above 0" in error["message"]


def test_a_report_is_made_once_a_second_at_most() -> None:
    async def main() -> list[int]:
        clock, calls = Hand(), list[int]()
        async with served(clock) as (url, running):
            for later_s in (0.0, 0.5, 0.6):
                await running.router.complete(Request(messages="hello", route="chat"))
                clock.at_s += later_s
                calls.append(read((await got(url))[1]).routes["chat"].calls)
            calls.append(read((await got(f"{url}?over_s=9"))[1]).routes["chat"].calls)
        return calls

    assert asyncio.run(main()) == [1, 1, 3, 3]


def test_the_server_has_it_among_the_pages_that_are_guarded() -> None:
    fleet = Configuration(
        settings=Settings(bind=Bind(port=0), keys=(Secret("right"),)),
        endpoints=(endpoint("east", Scripted(answers(0.0))),),
        routes=(CHAT,),
    )

    async def main() -> list[tuple[int, bytes]]:
        async with Gateway(fleet) as gateway:
            url, found = f"{gateway.watch_url}{report.PATH}", list[tuple[int, bytes]]()
            for key in ("wrong", "right"):
                async with (
                    aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
                    session.get(url) as response,
                ):
                    found.append((response.status, await response.read()))
            return found

    (refused, _), (status, body) = asyncio.run(main())
    assert (refused, status) == (401, 200)
    assert read(body).endpoints["east"].slots is None
