"""Asking a gateway: a real dashboard is understood, and whatever else answers is told as what it is."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web
from msgspec import inspect

from paceline.gateway.dashboard import decisions, now
from paceline.gateway.top import snapshot as ours
from paceline.gateway.top.snapshot import FORMAT, NotASnapshot, Snapshot, read
from paceline.gateway.top.source import PATH, NoAnswer, Refused, Source
from paceline.router import Request

from .gateways import gateway
from .seen import snapshot

SILENCE = web.Response(status=599)


async def looked_at(answer: web.Response | None, key: str | None = None) -> Snapshot:
    """What comes of asking a server that says *answer*; None: it hangs up; SILENCE: it says nothing."""

    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == "Bearer right":
            return web.Response(body=msgspec.json.encode(snapshot()))
        if answer is SILENCE:
            await asyncio.Event().wait()
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    app = web.Application()
    app.router.add_get(PATH, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Source(f"http://127.0.0.1:{runner.addresses[0][1]}", key) as source:
            return await source.look()
    finally:
        await runner.cleanup()


def test_a_real_gateway_is_understood() -> None:
    async def main() -> Snapshot:
        async with gateway() as served, Source(served.url) as source:
            return await source.look()

    seen = asyncio.run(main())

    assert [route.name for route in seen.routes] == ["chat"]
    assert seen.routes[0].objective.ttft_s == 0.6
    assert {endpoint.state for endpoint in seen.endpoints} == {"in"}
    assert seen.endpoints[0].limit == 24
    assert seen.configuration.source == "(simulated)"


def test_the_calls_of_a_real_gateway_are_understood() -> None:
    async def main() -> Snapshot:
        async with gateway() as served, Source(served.url) as source:
            await served.running.router.complete(Request(messages="hello", route="chat"))
            return await source.look()

    (call,) = asyncio.run(main()).calls

    assert (call.route, call.outcome, call.tries[-1].outcome) == ("chat", "answered", "ok")
    assert call.total_s is not None
    assert any(note.by == "LatencyBudget" for note in call.notes)


def test_a_key_is_shown_to_the_gateway() -> None:
    assert asyncio.run(looked_at(web.Response(status=401), key="right")) == snapshot()


@pytest.mark.parametrize(
    ("status", "told"), [(401, "--key-env"), (403, "--key-env"), (404, "is this a Paceline gateway")]
)
def test_a_refusal_says_what_would_help(status: int, told: str) -> None:
    with pytest.raises(Refused, match=told):
        asyncio.run(looked_at(web.Response(status=status), key="wrong"))


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(Refused, match="no snapshot of a Paceline gateway"):
        asyncio.run(looked_at(web.Response(text="<html>")))


def test_no_answer_without_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.gateway.top.source.MOST_BYTES", 1000)

    with pytest.raises(Refused, match="says more than a gateway does"):
        asyncio.run(looked_at(web.Response(text="x" * 5000)))


@pytest.mark.parametrize(("answer", "told"), [(web.Response(status=503), "503"), (None, "disconnected")])
def test_a_gateway_in_trouble_may_answer_later(answer: web.Response | None, told: str) -> None:
    with pytest.raises(NoAnswer, match=told):
        asyncio.run(looked_at(answer))


def test_a_gateway_that_is_not_there_may_be_there_later() -> None:
    async def main() -> None:
        async with Source("http://127.0.0.1:9") as source:
            await source.look()

    with pytest.raises(NoAnswer, match=r"^Connection refused$"):
        asyncio.run(main())


def test_a_gateway_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.gateway.top.source.PATIENCE_S", 0.05)

    with pytest.raises(NoAnswer, match=r"no answer within 0\.05 s"):
        asyncio.run(looked_at(SILENCE))


def test_a_source_is_opened_first() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(Source("http://127.0.0.1:9").look())


PAIRS: dict[type[msgspec.Struct], type[msgspec.Struct]] = {
    Snapshot: now.Now,
    ours.RouteSeen: now.RouteNow,
    ours.EndpointSeen: now.EndpointNow,
    ours.Promise: now.Promise,
    ours.Quantiles: now.Quantiles,
    ours.Loaded: now.Loaded,
    ours.CallSeen: decisions.Record,
    ours.Try: decisions.Try,
    ours.Note: decisions.Note,
}


@pytest.mark.parametrize("seen", PAIRS)
def test_what_is_read_is_what_a_gateway_says(seen: type[msgspec.Struct]) -> None:
    """Not only its name: whatever value there may be on the one side is one on the other."""
    said, read_as = _forms(PAIRS[seen]), _forms(seen)

    assert set(read_as) <= set(said)
    for name, form in read_as.items():
        assert said[name] <= form, name


def _forms(struct: type[msgspec.Struct]) -> dict[str, set[str]]:
    """Of each field, the forms that its values may have in JSON."""
    about = inspect.type_info(struct)
    assert isinstance(about, inspect.StructType)
    return {field.name: _form(field.type) for field in about.fields}


def _form(kind: inspect.Type) -> set[str]:
    if isinstance(kind, inspect.UnionType):
        return {form for each in kind.types for form in _form(each)}
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return {"list"}
    if isinstance(kind, inspect.StructType):
        return {"list" if kind.array_like else "object"}
    return {"object"} if isinstance(kind, inspect.DictType) else {type(kind).__name__}


# -- tolerance


def test_what_is_unknown_is_passed_over_and_what_is_missing_is_not_known() -> None:
    bare: dict[str, object] = {
        "format": FORMAT,
        "process": "p",
        "later": 1,
        "routes": [{"name": "chat", "later": {}}],
        "endpoints": [{"name": "east"}],
        "calls": [{"id": 1, "route": "chat", "outcome": "answered", "notes": [[0.1, "Slots", "east", "later"]]}],
    }

    seen = read(msgspec.json.encode(bare))

    assert (seen.routes[0].success, seen.endpoints[0].limit, seen.calls[0].ttft_s) == (None, None, None)
    assert seen.calls[0].notes[0].words == "east"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"format": 1, "process": "p", "routes": 3}'])
def test_what_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(NotASnapshot):
        read(body)


def test_another_format_is_refused() -> None:
    with pytest.raises(NotASnapshot, match="format 2"):
        read(msgspec.json.encode(msgspec.structs.replace(snapshot(), format=2)))
