"""The servers' process: it comes up with a port for everyone, and never outlives who started it."""

from __future__ import annotations

import asyncio
import shutil

import aiohttp
import pytest

from paceline.gateway.demo.cloud import Cloud, CloudFailed
from paceline.gateway.demo.lag import LagMeter
from paceline.gateway.demo.scene import REGIONS


def test_every_contestant_has_a_server_in_every_region() -> None:
    async def up_and_down() -> dict[str, dict[str, int]]:
        async with Cloud(seconds=3.0, seed=1, contestants=("one", "other")) as cloud:
            cloud.begin()
            await asyncio.sleep(0.1)
            assert (await cloud.strain()).lag_p99_s is not None
            return cloud.ports

    ports = asyncio.run(up_and_down())

    assert {name: set(by_region) for name, by_region in ports.items()} == {
        name: set(REGIONS) for name in ("one", "other")
    }
    assert len({port for by_region in ports.values() for port in by_region.values()}) == 6


def test_the_servers_are_gone_afterwards() -> None:
    async def calling_after() -> None:
        async with Cloud(seconds=3.0, seed=1, contestants=("one",)) as cloud:
            port = cloud.ports["one"]["us-east"]
        async with aiohttp.ClientSession() as session:
            await session.post(f"http://127.0.0.1:{port}/v1/chat/completions")

    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(calling_after())


def test_servers_that_do_not_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", shutil.which("false"))

    async def starting() -> None:
        async with Cloud(seconds=3.0, seed=1, contestants=("one",)):
            pass

    with pytest.raises(CloudFailed, match="gave no answer"):
        asyncio.run(starting())


def test_a_meter_that_never_ran_knows_nothing() -> None:
    strain = LagMeter().stop()

    assert (strain.lag_p99_s, strain.lag_max_s, strain.cpu) == (None, None, None)
