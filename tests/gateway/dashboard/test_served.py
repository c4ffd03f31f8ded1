"""The dashboard in the gateway itself: guarded, fed by real calls, ended with it, and told of reloads."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from paceline.gateway.reload import Reload
from paceline.router import Endpoint, Objective, Route, Secret
from paceline.router.testing import Scripted, answers, endpoint

from ..serve.gateways import Scene, loopback, serving

if TYPE_CHECKING:
    from pathlib import Path

CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=30.0))
BASIC = "Basic " + base64.b64encode(b"anybody:sesame").decode()
ASKED: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "secret words"}]}


def fleet() -> list[Endpoint]:
    return [endpoint("e0", Scripted(answers(0.01)))]


def test_a_call_over_http_is_on_the_dashboard_and_its_words_are_not() -> None:
    async def main() -> None:
        async with serving(endpoints=fleet(), routes=[CHAT]) as scene:
            assert (await scene.ask(ASKED)).status == 200
            told = await scene.get("/api/live.json")

        (route,) = told.json["routes"]
        assert (route["name"], route["calls"], route["in_time"]) == ("chat", 1, 1.0)
        assert [one["endpoint"] for one in told.json["calls"][0]["tries"]] == ["e0"]
        assert b"secret" not in told.body

    asyncio.run(main())


def test_where_keys_are_asked_for_a_browser_may_give_one_as_its_password() -> None:
    async def main() -> None:
        async with serving(endpoints=fleet(), settings=loopback(keys=(Secret("sesame"),))) as scene:
            for path in ("/dashboard", "/dashboard/main.js", "/dashboard/plotly.min.js", "/api/live", "/api/live.json"):
                assert (await scene.get(path)).status == 401
            assert (await scene.get("/dashboard", Authorization=BASIC)).status == 200

    asyncio.run(main())


def test_one_that_watches_does_not_keep_the_gateway_from_ending() -> None:
    async def watch(scene: Scene) -> list[bytes]:
        async with scene.session.get(scene.url + "/api/live") as response:
            return [line async for line in response.content if line.startswith(b"data: ")]

    async def main() -> None:
        async with serving(endpoints=fleet()) as scene:
            watching = asyncio.create_task(watch(scene))
            while not (await scene.get("/api/live.json")).json["own"]["watchers"]:
                pass
            scene.gateway.begin_to_end()
            assert await watching
            assert (await scene.get("/api/live.json")).status == 503
            assert (await scene.get("/api/live")).status == 503
            assert (await scene.get("/api/live/changes.json?route=m")).status == 503
            assert (await scene.get("/dashboard")).status == 200

    asyncio.run(main())


def test_a_file_that_was_refused_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "gateway.toml"
        path.write_text("[[endpoint]]\nname = 1\n")
        async with serving(endpoints=fleet()) as scene:
            before = (await scene.get("/api/live.json")).json["configuration"]
            now = datetime(2026, 1, 2, tzinfo=UTC)
            scene.gateway.reload = Reload(scene.gateway.running, path, now=lambda: now)
            await scene.gateway.reload.once()
            after = (await scene.get("/api/live.json")).json["configuration"]

        assert (before["at"], before["refused"]) == (None, None)
        assert after["at"] == "2026-01-02T00:00:00+00:00"
        assert "name" in after["refused"]

    asyncio.run(main())
