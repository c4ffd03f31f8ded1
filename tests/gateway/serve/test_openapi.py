"""The gateway keeps to its own description, whatever is sent: Schemathesis draws requests from it, and beside it."""

# pyright: basic
# Schemathesis' own types are known in part.

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from paceline.gateway.config import Bind, Configuration, Settings
from paceline.gateway.serve.openapi import description
from paceline.gateway.serve.server import Gateway
from paceline.router import Endpoint, Route
from paceline.router.testing import Scripted, answers

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
)


@contextmanager
def in_a_thread() -> Generator[str]:
    """A gateway with a loop of its own, since Schemathesis asks without one. Gives its base URL."""
    listening: list[str] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def main() -> None:
        configuration = Configuration(
            settings=Settings(bind=Bind(port=0), grace_s=0.1),
            endpoints=(Endpoint(name="a", provider=Scripted(answers(0.0, "so", " it is")), model="m"),),
            routes=(Route(name="chat", models=("m",)),),
        )
        async with Gateway(configuration) as gateway:
            listening.append(gateway.url)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(10.0)
        yield listening[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10.0)
        loop.close()


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    with in_a_thread() as listening:
        yield listening


schema = schemathesis.openapi.from_dict(description())


@schema.parametrize()
@hypothesis.settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)
def test_what_comes_back_is_as_described(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, checks=list(CHECKS))


def test_it_describes_what_is_served() -> None:
    async def main() -> None:
        configuration = Configuration(endpoints=(Endpoint(name="a", provider=Scripted(answers(0.0)), model="m"),))
        gateway = Gateway(configuration)
        app = gateway.application()
        served = {
            resource.canonical
            for resource in app.router.resources()
            if any(route.method in {"GET", "POST"} for route in resource)
        }
        watched = {path for path in served if path.startswith(("/metrics", "/dashboard", "/api/"))}
        assert served - watched == set(description()["paths"])  # type: ignore[call-overload]

    asyncio.run(main())
