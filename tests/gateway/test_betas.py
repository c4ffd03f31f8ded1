"""``anthropic-beta``: what a client of Anthropic's wants switched on reaches Anthropic, and stands in nobody's way."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.providers.anthropic_server import Claude, Reply
from tests.providers.vendors.openai_server import OpenAIServer
from tests.providers.vendors.scene import PLAIN

from .served import anthropic_client
from .test_messages import ASKED, before_claude, before_openai

BETAS = ["context-management-2025-06-27", "interleaved-thinking-2025-05-14"]


def test_anthropics_own_client_switches_on_what_it_wants() -> None:
    async def main() -> None:
        vendor = Claude(Reply())
        async with before_claude(vendor) as gateway, anthropic_client(gateway) as client:
            said = await client.beta.messages.create(
                model="chat", max_tokens=9, messages=[{"role": "user", "content": "so?"}], betas=BETAS
            )
            async with client.beta.messages.stream(
                model="chat", max_tokens=9, messages=[{"role": "user", "content": "so?"}], betas=BETAS
            ) as stream:
                streamed = await stream.get_final_message()
        assert said.content[0].to_dict() == streamed.content[0].to_dict()
        assert [headers["anthropic-beta"] for headers in vendor.headers] == [",".join(BETAS)] * 2
        assert all("betas" not in body for body in vendor.bodies)

    asyncio.run(main())


def test_an_endpoint_of_another_vendor_answers_all_the_same() -> None:
    async def main() -> None:
        vendor = OpenAIServer(PLAIN)
        async with before_openai(vendor) as gateway, anthropic_client(gateway) as client:
            said = await client.beta.messages.create(
                model="chat", max_tokens=9, messages=[{"role": "user", "content": "so?"}], betas=BETAS
            )
        assert said.content
        assert vendor.asked

    asyncio.run(main())


def test_the_header_may_come_in_several_lines_and_what_cannot_be_read_is_refused() -> None:
    async def main() -> None:
        vendor = Claude(Reply())
        async with before_claude(vendor) as gateway, aiohttp.ClientSession() as http:
            url = f"{gateway.url}/v1/messages"
            lines = [("anthropic-beta", f"{BETAS[0]}, "), ("anthropic-beta", ",".join(BETAS))]
            async with http.post(url, json=ASKED, headers=lines) as answer:
                assert answer.status == 200
            for wrong in ("a b", "x" * 129, ",".join(f"b-{number}" for number in range(33))):
                async with http.post(url, json=ASKED, headers={"anthropic-beta": wrong}) as answer:
                    assert answer.status == 400
                    assert "anthropic-beta" in (await answer.json())["error"]["message"]
            async with http.post(url, json={**ASKED, "betas": BETAS}) as answer:
                assert answer.status == 400
        assert [headers["anthropic-beta"] for headers in vendor.headers] == [",".join(BETAS)]

    asyncio.run(main())
