"""Ready means that each route has somebody to answer it."""

from __future__ import annotations

import asyncio

import attrs

from paceline.gateway.config import Configuration
from paceline.policies import Breaker, Regions
from paceline.router import Route, Secret
from paceline.router.errors import AuthenticationFailed
from paceline.router.testing import Scripted, answers, endpoint, fails

from .gateways import ASKED, serving


def test_a_route_without_anybody_is_named() -> None:
    async def main() -> None:
        made = [
            endpoint("a", Scripted(fails(0.0, AuthenticationFailed)), model="broken"),
            endpoint("b", Scripted(answers(0.0)), model="fine"),
        ]
        routes = [Route(name="one", models=("broken",)), Route(name="two", models=("fine",))]
        async with serving(endpoints=made, routes=routes, policies=[Breaker()]) as scene:
            assert (await scene.get("/readyz")).status == 200
            await scene.ask({**ASKED, "model": "one"})
            told = await scene.get("/readyz")
            assert told.status == 503
            assert told.json["status"] == "not ready"
            assert told.json["routes"]["one"]["ready"] is False
            assert "authentication" in told.json["routes"]["one"]["out"]["a"]
            assert told.json["routes"]["two"] == {"ready": True, "usable": ["b"], "out": {}}

    asyncio.run(main())


def test_an_endpoint_outside_of_a_routes_regions_is_none_of_its() -> None:
    async def main() -> None:
        made = [
            endpoint("a", Scripted(answers(0.0)), region="us"),
            endpoint("b", Scripted(answers(0.0)), region="eu"),
        ]
        routes = [Route(name="one", models=("m",), residency=frozenset({"eu"}))]
        async with serving(endpoints=made, routes=routes, policies=[Regions()]) as scene:
            told = (await scene.get("/readyz")).json["routes"]["one"]
            assert told["usable"] == ["b"]
            assert "residency" in told["out"]["a"]

    asyncio.run(main())


def test_metrics_tell_of_the_router_and_of_the_gateway_also_after_a_change() -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            await scene.ask()
            await scene.ask(b"{")
            before = (await scene.get("/metrics")).body.decode()
            assert (
                'paceline_gateway_calls_total{api="/v1/chat/completions",outcome="answered",status="200"} 1.0' in before
            )
            assert 'outcome="refused",status="400"} 1.0' in before
            assert "paceline_gateway_own_seconds_count 1.0" in before
            await scene.gateway.running.replace(scene.gateway.running.configuration)
            await scene.ask()
            after = (await scene.get("/metrics")).body.decode()
            assert 'outcome="answered",status="200"} 2.0' in after
            assert "gen_ai_client_operation_duration_seconds_count" in after

    asyncio.run(main())


def test_another_configuration_takes_the_next_calls_while_others_run() -> None:
    async def main() -> None:
        slow, new = Scripted(answers(0.3, "old")), Scripted(answers(0.0, "new"))
        async with serving(endpoints=[endpoint("a", slow)]) as scene:
            first = asyncio.ensure_future(scene.ask())
            await scene.busy()
            settings = scene.gateway.running.configuration.settings
            await scene.gateway.running.replace(Configuration(settings=settings, endpoints=(endpoint("a", new),)))
            heard = await asyncio.gather(*(scene.ask() for _ in range(20)))
            assert {one.json["choices"][0]["message"]["content"] for one in heard} == {"new"}
            assert (await first).json["choices"][0]["message"]["content"] == "old"

    asyncio.run(main())


def test_keys_that_change_hold_from_the_next_call_on() -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            assert (await scene.ask()).status == 200
            given = scene.gateway.running.configuration
            keyed = attrs.evolve(given, settings=attrs.evolve(given.settings, keys=(Secret("new"),)))
            await scene.gateway.running.replace(keyed)
            assert (await scene.ask()).status == 401
            assert (await scene.ask(Authorization="Bearer new")).status == 200

    asyncio.run(main())
