"""The dashboard's addresses, over HTTP on loopback."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from paceline.gateway.dashboard import Changes, Collector, Feed, assets, mounted, routes
from paceline.gateway.dashboard.changes import Question
from paceline.gateway.dashboard.feed import MOST_WATCHERS
from paceline.gateway.running import Running
from paceline.router import Request, Router
from paceline.router.testing import (
    Behaviour,
    Incident,
    Steady,
    arrivals,
    play,
    run,
    simulated_fleet,
    virtual_clock,
)

from .stage import configuration, serving
from .told import Stood, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def over_http(look: Callable[[aiohttp.ClientSession], Awaitable[None]], *, calls_per_s: float = 0.0) -> None:
    """Run *look* with a client of a dashboard on loopback."""

    async def main() -> None:
        async with (
            serving(configuration("steady"), 0, calls_per_s=calls_per_s) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False) as client,
        ):
            await look(client)

    asyncio.run(main())


async def events(response: aiohttp.ClientResponse, many: int) -> list[Any]:
    """The next so many events of a stream."""
    found: list[Any] = []
    async for line in response.content:
        if line.startswith(b"data: "):
            found.append(read(line.removeprefix(b"data: ")))
            if len(found) == many:
                break
    return found


def test_the_page_and_all_it_needs_are_served_and_lock_out_everything_else() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        for name, path in assets.page_files().items():
            address = "/dashboard" if name == "index.html" else f"/dashboard/{name}"
            async with client.get(address) as response:
                assert response.status == 200, name
                assert response.headers["Content-Security-Policy"] == assets.POLICY
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Content-Type"] == assets.KINDS[path.suffix]
                assert gzip.decompress(await response.read()) == path.read_bytes()

    over_http(look)


def test_no_script_may_come_from_elsewhere_or_stand_in_the_page() -> None:
    page = (assets.PAGE / "index.html").read_text()

    assert "script-src 'self';" in assets.POLICY
    assert "default-src 'none'" in assets.POLICY
    for tag in page.split("<script")[1:]:
        assert tag.startswith(' src="dashboard/')
        assert "></script>" in tag
    assert "http" not in page
    assert " style=" not in page
    assert not re.search(r"<[^>]* on[a-z]+=", page)


def test_charts_come_from_the_installed_package_squeezed_and_are_not_sent_twice() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get("/dashboard/plotly.min.js") as first:
            body = await first.read()
            tag = first.headers["ETag"]
        async with client.get("/dashboard/plotly.min.js", headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b"")
        assert first.headers["Content-Encoding"] == "gzip"
        assert b"plotly.js" in gzip.decompress(body)[:300]
        assert len(body) < 2_000_000

    over_http(look)


def test_a_client_that_cannot_unpack_gets_a_file_as_it_is() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get("/dashboard/style.css", headers={"Accept-Encoding": "identity"}) as response:
            assert await response.read() == (assets.PAGE / "style.css").read_bytes()

    over_http(look)


def test_without_plotly_the_page_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted, "located", lambda: None)

    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get("/dashboard/plotly.min.js") as response:
            assert response.status == 404
            assert "pip install 'paceline[gateway]'" in (await response.json())["error"]["message"]

    over_http(look)


def test_plotly_is_found_where_it_is_installed_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    found = assets.located()
    assert found is not None
    assert found.name == assets.CHARTS

    def nowhere(_name: str) -> None:
        return None

    monkeypatch.setattr(assets, "find_spec", nowhere)

    assert assets.located() is None


def test_locating_plotly_does_not_import_it() -> None:
    code = "import sys; from paceline.gateway.dashboard import assets; assets.located(); print('plotly' in sys.modules)"

    async def main() -> bytes:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0]

    assert asyncio.run(main()).strip() == b"False"


def test_the_feed_streams_snapshots_that_change() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get("/api/live") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            told = await events(response, 3)
        assert [one["tick"] for one in told] == [1, 2, 3]
        assert sum(route["calls"] for route in told[-1]["routes"]) > sum(route["calls"] for route in told[0]["routes"])

    over_http(look, calls_per_s=40.0)


def test_a_snapshot_and_the_past_can_be_asked_for_once() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get("/api/live.json") as response:
            now = await response.json()
        async with client.get("/api/live/past.json", headers={"Accept-Encoding": "gzip"}) as response:
            past = read(gzip.decompress(await response.read()))
        assert (now["format"], len(now["endpoints"])) == (1, 6)
        assert past["process"] == now["process"]
        assert past["bins"][-1]["number"] == now["bins"][-1]["number"]

    over_http(look)


def test_too_many_who_watch_are_turned_away() -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        open_ones = [await client.get("/api/live") for _ in range(MOST_WATCHERS)]
        for one in open_ones:
            await events(one, 1)
        async with client.get("/api/live") as refused:
            assert refused.status == 503
        for one in open_ones:
            one.close()

    over_http(look)


def test_a_server_that_shuts_down_does_not_wait_for_those_who_watch() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as client:
            async with serving(configuration("steady"), 0, shutdown_s=30.0) as port:
                response = await client.get(f"http://127.0.0.1:{port}/api/live")
                await events(response, 1)
                began_s = loop.time()
            took_s = loop.time() - began_s
            response.close()
            return took_s

    assert asyncio.run(main()) < 10.0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "name a route"),
        ("route=nobody", "no such route"),
        ("route=chat&of=p95", "of must be one of total, ttft"),
        ("route=chat&now=120", "now must be two numbers"),
        ("route=chat&now=a,b", "now must be two numbers"),
        ("route=chat&now=0,120", "now must be two numbers"),
        ("route=chat&before=inf,5", "before must be two numbers"),
        ("route=chat&before=9,nan", "before must be two numbers"),
    ],
)
def test_a_question_that_cannot_be_answered_says_how_to_ask(query: str, words: str) -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.get(f"/api/live/changes.json?{query}") as response:
            assert response.status == 400
            assert words in (await response.json())["error"]["message"]

    over_http(look)


def test_what_has_changed_is_answered_once_for_all_who_ask_the_same() -> None:
    async def main() -> None:
        collector = Collector()
        now_s = 0.0
        async with Running(configuration("steady"), [collector]) as running:
            feed, changes = Feed(running, collector, lambda: now_s), Changes(running, lambda: now_s)
            app = web.Application()
            app.add_routes(routes(feed, changes))
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:

                async def asked(query: str = "route=chat") -> bytes:
                    async with client.get(f"/api/live/changes.json?{query}") as response:
                        assert response.status == 200
                        return await response.read()

                first, second = await asyncio.gather(asked(), asked())
                assert first == second
                assert read(first)["diagnosis"]["verdict"] == "too_few"
                assert read(first)["labels"]["own_queue"] == "own queueing"
                for second_s in range(20):
                    await asked(f"route=chat&now={second_s + 1},{second_s}")
                assert len(changes._kept) <= 16
            await runner.cleanup()

    asyncio.run(main())


def test_a_diagnosis_tells_the_cause_of_what_has_become_slower() -> None:
    fleet = simulated_fleet({"a": Behaviour(incidents=(Incident(from_s=120.0, to_s=600.0, slower=6.0),))})
    plan = arrivals(
        Steady(20.0), 240.0, random.Random(3), lambda _dice: Request(messages="hi", model="m", max_tokens=8)
    )

    async def calls() -> Router:
        async with Router(fleet, clock=virtual_clock, dice=random.Random(1)) as router:
            await play(router, plan)
        return router

    changes = Changes(Stood(run(calls), fleet), lambda: 240.0)
    question = Question.read({"route": "m", "now": "120,0", "before": "240,130"})

    told = read(asyncio.run(changes.answer(question)))

    assert told["diagnosis"]["verdict"] == "rose"
    assert 100 < told["diagnosis"]["now"]["counted"] <= 2000
    assert told["diagnosis"]["contributions"][0]["cause"] == "provider_queue"
