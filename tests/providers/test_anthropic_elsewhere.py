"""Anthropic beside other vendors: what it cannot do goes to one who can, and conversations go on across both."""

from __future__ import annotations

import asyncio

from paceline.policies import Fallback
from paceline.providers import Anthropic, OpenAICompatible
from paceline.router import Answer, Endpoint, Route, Router

from .anthropic_server import Json, thinking
from .loopback import KEY, WHOLE, Vendor, asking, question, streams


def test_what_anthropic_cannot_express_is_answered_by_the_next_model() -> None:
    async def main() -> Answer:
        vendor = Vendor(streams(WHOLE))
        async with vendor.serving():
            base = vendor.url.removesuffix("/v1")
            claude = Endpoint(name="claude", provider=Anthropic(), model="claude", url=base, api_key=KEY)
            other = Endpoint(name="other", provider=OpenAICompatible(), model="other", url=vendor.url)
            routes = [Route(name="chat", models=["claude", "other"])]
            async with Router([claude, other], routes, policies=[Fallback()]) as router:
                return await router.complete(question(route="chat", model=None, params={"seed": 1}))

    answer = asyncio.run(main())
    assert (answer.text, answer.endpoint) == ("Hello there", "other")
    assert "seed cannot be sent to Anthropic" in answer.fallbacks[0].reason


def test_a_conversation_that_began_at_anthropics_goes_on_at_another_vendors() -> None:
    assistant: Json = {"role": "assistant", "content": "Yes.", "thinking_blocks": [thinking("hm")]}
    asks: Json = {"role": "user", "content": "so?"}

    async def main() -> Json:
        async with asking(streams(WHOLE)) as asked:
            await asked.complete(messages=[assistant, asks])
            return asked.vendor.bodies[0]

    assert asyncio.run(main())["messages"] == [{"role": "assistant", "content": "Yes."}, asks]
