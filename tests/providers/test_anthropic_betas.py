"""Betas of Anthropic's: asked for call by call, as its own client does it; refused by whoever has none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from paceline.providers import Anthropic
from paceline.providers.anthropic_betas import MOST_BETAS
from paceline.router import Endpoint, Router
from paceline.router.errors import InvalidRequest

from .anthropic_server import MODEL, Claude, Reply, asking_claude, sdk_of
from .loopback import KEY, WHOLE, asking, question, streams

BETAS = ["context-management-2025-06-27", "interleaved-thinking-2025-05-14"]


def sent(params: dict[str, Any], *, stream: bool = True, **fields: Any) -> tuple[str | None, dict[str, Any]]:
    """The header and the body of a call."""

    async def main() -> tuple[str | None, dict[str, Any]]:
        async with asking_claude(Reply(), **fields) as asked:
            await asked.complete(model=MODEL, params=params, stream=stream)
            return asked.vendor.headers[0].get("anthropic-beta"), asked.vendor.bodies[0]

    return asyncio.run(main())


@pytest.mark.parametrize("stream", [True, False])
def test_betas_go_where_the_vendors_own_client_sends_them(*, stream: bool) -> None:
    async def main() -> tuple[str, dict[str, Any]]:
        vendor = Claude(Reply())
        async with vendor.serving(), sdk_of(vendor) as client:
            url = vendor.url.removesuffix("/v1")
            await client.beta.messages.create(
                model=MODEL, max_tokens=9, betas=BETAS, messages=[{"role": "user", "content": "so?"}]
            )
            async with Router([Endpoint(name="e", provider=Anthropic(), url=url, model=MODEL, api_key=KEY)]) as router:
                await router.complete(question(model=MODEL, params={"betas": BETAS}, stream=stream))
        there, here = (headers["anthropic-beta"] for headers in vendor.headers)
        assert here == there
        return here, vendor.bodies[1]

    told, body = asyncio.run(main())
    assert told == ",".join(BETAS)
    assert "betas" not in body


def test_those_of_the_endpoint_stay_and_none_is_told_twice() -> None:
    always = {"anthropic-beta": f"context-1m-2025-08-07, {BETAS[0]}"}
    assert sent({"betas": BETAS}, headers=always)[0] == ",".join(("context-1m-2025-08-07", *BETAS))
    assert sent({}, headers=always)[0] == always["anthropic-beta"]


@pytest.mark.parametrize("params", [{}, {"betas": None}, {"betas": []}])
def test_who_asks_for_none_sends_none(params: dict[str, Any]) -> None:
    told, body = sent(params)
    assert told is None
    assert "betas" not in body


@pytest.mark.parametrize(
    "given",
    ["a", [1], [""], ["a,b"], ["a\r\nx-api-key: b"], ["é"], ["x" * 129], [f"b-{n}" for n in range(MOST_BETAS + 1)]],
)
def test_what_is_no_list_of_names_is_a_mistake_and_not_sent(given: object) -> None:
    async def main() -> None:
        async with asking_claude(Reply()) as asked:
            with pytest.raises(InvalidRequest, match="betas"):
                await asked.complete(model=MODEL, params={"betas": given})
            assert not asked.vendor.bodies

    asyncio.run(main())


def test_another_vendor_hears_nothing_of_them() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            await asked.complete(params={"betas": BETAS})
            assert "betas" not in asked.vendor.bodies[0]

    asyncio.run(main())
