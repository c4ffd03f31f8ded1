"""A web service that answers over Paceline: the router opens and closes with the application.

    python examples/service.py
    curl -N localhost:8080/ask -d 'Why is the sky blue?'

The application owns one router, and every request of a client is one call of it. A client that goes away is a
cancelled call, which frees its slot; nothing has to be done for that. The endpoints are simulated here, so that it runs
without a key: put `OpenAICompatible` and a URL in their place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from paceline.policies import stacks
from paceline.providers import Behaviour, Simulated
from paceline.router import Endpoint, Objective, Request, Route, Router
from paceline.router.errors import CallError, InvalidRequest

ROUTER = web.AppKey("router", Router)

VENDOR = Simulated(behaviour=Behaviour(ttft_s=0.2, tokens_per_s=80))
ENDPOINTS = [
    Endpoint(name=f"{model}.{region}", provider=VENDOR, model=model, region=region, slots=50)
    for model in ("large", "small")
    for region in ("us-east", "eu-west")
]
CHAT = Route(name="chat", models=("large", "small"), objective=Objective(ttft_s=0.8), budget_s=20, max_tokens=64)


async def routed(app: web.Application) -> AsyncIterator[None]:
    """Open the router when the application starts; close it, and let calls end, when it stops."""
    async with Router(ENDPOINTS, [CHAT], stacks.interactive(here="us-east")) as router:
        app[ROUTER] = router
        yield


async def ask(http: web.Request) -> web.StreamResponse:
    """Pass an answer on as it comes. Until its first word, any failure is a plain error with a status of its own."""
    response = web.StreamResponse()
    try:
        async with http.app[ROUTER].stream(Request(messages=await http.text())) as chunks:
            async for chunk in chunks:
                if not response.prepared:
                    await response.prepare(http)
                await response.write(chunk.text.encode())
    except InvalidRequest as mistake:
        raise web.HTTPBadRequest(text=f"{mistake}\n") from mistake
    except CallError as failure:
        if response.prepared:
            raise  # broken off, and the connection with it: a client must not take it for the whole
        raise web.HTTPServiceUnavailable(text=f"{failure.reason}\n") from failure
    return response


async def report(http: web.Request) -> web.Response:
    """The key figures of the last ten minutes."""
    return web.Response(text=f"{http.app[ROUTER].report()}\n")


def application() -> web.Application:
    """The service, ready to be run."""
    app = web.Application()
    app.cleanup_ctx.append(routed)
    app.add_routes([web.post("/ask", ask), web.get("/report", report)])
    return app


if __name__ == "__main__":
    web.run_app(application(), port=8080)
