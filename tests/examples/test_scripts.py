"""The example scripts do what they say."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from paceline.router import Route
from paceline.router.errors import ProviderOverloaded
from paceline.router.testing import Scripted, endpoint, fails, run

from .loading import example

if TYPE_CHECKING:
    import pytest


async def asked(path: str, question: str | None) -> tuple[int, str]:
    service = example("service")
    async with TestServer(service.application()) as server, ClientSession() as client:
        method = "GET" if question is None else "POST"
        async with client.request(method, server.make_url(path), data=question) as response:
            return response.status, await response.text()


def test_the_service_streams_an_answer() -> None:
    status, text = asyncio.run(asked("/ask", "Why is the sky blue?"))

    assert status == 200
    assert text.startswith("the first word is what a person waits for")


def test_the_service_tells_the_clients_mistake() -> None:
    assert asyncio.run(asked("/ask", " ")) == (
        400,
        "messages is empty: give at least one message, or a non-empty string\n",
    )


def test_the_service_shows_its_report() -> None:
    status, text = asyncio.run(asked("/report", None))

    assert status == 200
    assert "chat" in text


def test_the_service_says_that_nobody_answers_now(monkeypatch: pytest.MonkeyPatch) -> None:
    service = example("service")
    monkeypatch.setattr(service, "ENDPOINTS", [endpoint("a", Scripted(fails(0.0, ProviderOverloaded)), model="large")])
    monkeypatch.setattr(service, "CHAT", Route(name="chat", models="large", budget_s=1.0))

    async def main() -> tuple[int, str]:
        async with (
            TestServer(service.application()) as server,
            ClientSession() as client,
            client.post(server.make_url("/ask"), data="hello") as response,
        ):
            return response.status, await response.text()

    assert asyncio.run(main()) == (503, "provider_overloaded\n")


def test_the_listener_writes_a_line_for_each_call() -> None:
    lines: list[str] = []

    run(lambda: example("listener").main(lines.append))

    calls = [call for call in map(json.loads, lines) if call["event"] == "call"]
    assert len(calls) == 20
    assert {call["outcome"] for call in calls} == {"answered"}
    assert any(call["retries"] == ["provider_error"] for call in calls)
    assert all(call["ttft_s"] <= call["total_s"] for call in calls)
