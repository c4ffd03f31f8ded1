"""Whatever is planted wherever, nothing that is exported shows it: no prompt, no key, no user, no request id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import stop_after_attempt

from paceline.policies import Fallback, Regions, Retry, Slots
from paceline.router import Call, Chunk, Emit, Handler, Limits, Request, Route, Router, ToolCallDelta, Usage
from paceline.router.errors import AttemptFailed, CallError, ContentBlocked, ProviderError, RateLimited
from paceline.router.testing import SILENT, Cut, Fail, Say, Script, endpoint, run

from ..stack import Ear
from .told import Exported, Vendor, collected

SECRETS = st.text(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .@:"\\\n', min_size=6, max_size=60
).map(lambda text: f"zQ{text}Qz")
"""Recognizable, and otherwise anything."""

CALLER: dict[str, Callable[[str], dict[str, object]]] = {
    "prompt": lambda secret: {"messages": secret},
    "messages": lambda secret: {"messages": [{"role": "user", "content": secret, "name": secret}]},
    "user": lambda secret: {"user": secret},
    "location": lambda secret: {"location": secret},
    "metadata": lambda secret: {"metadata": {secret: secret}},
    "params": lambda secret: {
        "params": {
            secret: secret, "user": secret, "stop": [secret], "seed": secret, "temperature": secret, "n": secret,
            "model": secret, "service_tier": secret,
        }
    },
}  # fmt: skip
"""Where a caller may put something."""


def speech(secret: str) -> tuple[Say, ...]:
    tool = ToolCallDelta(index=0, id=secret, name=secret, arguments=secret)
    return (Say(0.25, Chunk(secret, secret, secret, (tool,), raw=secret.encode())),)


def error(kind: type[AttemptFailed], secret: str) -> Callable[[], AttemptFailed]:
    return lambda: kind(secret, endpoint=secret)


VENDOR: dict[str, Callable[[str], Script]] = {
    "answer": lambda secret: (*speech(secret), Say(0.5, Chunk(finish_reason=secret, usage=Usage(input_tokens=7)))),
    "error": lambda secret: (Fail(0.25, error(RateLimited, secret)),),
    "refusal": lambda secret: (Fail(0.25, error(ContentBlocked, secret)),),
    "cut": lambda secret: (*speech(secret), Cut(0.5)),
    "broken": lambda secret: (*speech(secret), Fail(0.5, error(ProviderError, secret))),
    "bug": lambda secret: (Fail(0.25, lambda: LookupError(secret)),),
    "silence": lambda secret: (*speech(secret), *SILENT),
}
"""What a vendor may say it in."""


class Talks:
    """A policy that puts it into the decisions, and then raises it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.note(self._secret, "%s", self._secret)
        await next(call, emit)
        if call.request.metadata.get("raise"):
            raise LookupError(self._secret)


def router_with(secret: str, script: Script) -> Exported:
    endpoints = [
        endpoint(
            model,
            Vendor(script, request_id=secret, served_model=secret, connect_s=0.125, keepalives=1),
            model=model,
            url=f"https://{model}.example.com/{secret}?key={secret}#{secret}",
            api_key=secret,
            headers={"x-secret": secret},
            limits=Limits(gap_s=1.0),
        )
        for model in ("m", "n")
    ]
    chat = Route(name="chat", models=("m", "n"))
    stack = [Fallback(), Retry(stop=stop_after_attempt(2)), Regions(), Slots(), Talks(secret)]
    return Exported(*endpoints, routes=[chat], policies=stack)


async def ask_in_every_way(router: Router, request: Request) -> None:
    for call in (router.complete(request), router.send(request, Ear())):
        try:
            await call
        except CallError:
            continue
    try:
        async with asyncio.timeout(0.375), router.stream(request) as chunks:
            async for _ in chunks:
                pass
    except (CallError, TimeoutError):
        pass


def everything_exported(exported: Exported) -> str:
    metrics = [metric.to_json() for metric in collected(exported.reader)]
    spans = [f"{span.name} {span.to_json()}" for span in exported.spans()]
    assert spans
    return "\n".join([exported.prometheus.text(), *metrics, *spans])


@settings(max_examples=60, deadline=None)
@given(secret=SECRETS, caller=st.sampled_from(sorted(CALLER)), vendor=st.sampled_from(sorted(VENDOR)))
def test_nothing_that_is_planted_is_exported(secret: str, caller: str, vendor: str) -> None:
    async def main() -> None:
        exported = router_with(secret, VENDOR[vendor](secret))
        planted: dict[str, object] = {"messages": "hello", **CALLER[caller](secret), "route": "chat"}
        async with exported.router as router:
            await ask_in_every_way(router, Request(**planted))  # type: ignore[arg-type]
            metadata = {"raise": True}
            await ask_in_every_way(router, Request(**{**planted, "metadata": metadata}))  # type: ignore[arg-type]

        told = everything_exported(exported)
        assert "zQ" not in told
        assert "Qz" not in told
        assert secret not in told
        assert "paceline_calls_total" in told

    run(main)
