"""How a stream goes out: when it begins, what is written at once, and what is said while nothing is."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from paceline.gateway.serve import stream_out
from paceline.policies import Fallback, Restart, Resume
from paceline.router import Chunk, Endpoint, Route
from paceline.router.errors import ProviderError, TruncatedAnswer
from paceline.router.testing import Scripted, answers, endpoint, fails
from paceline.router.testing.scripted import Fail, Say, Silence

from ...providers.loopback import DONE, STOP, USAGE, frame, streams, text
from .gateways import CHAT, MESSAGES, serving

STREAM: dict[str, Any] = {"model": "m", "messages": MESSAGES, "stream": True}


def test_until_the_first_word_an_error_has_its_true_status() -> None:
    async def main() -> None:
        role = frame({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        failed = frame({"error": {"message": "no room", "code": "overloaded"}})
        async with serving(streams(role, failed)) as scene:
            heard = await scene.ask(STREAM)
            assert heard.status == 503
            assert heard.headers["Retry-After"] == "1"
            assert heard.error["code"] == "provider_overloaded"

    asyncio.run(main())


def test_headers_say_who_answers_after_which_tries() -> None:
    async def main() -> None:
        routes = [Route(name="chat", models=("best", "fast"))]
        made = [
            endpoint("a", Scripted(fails(0.0, ProviderError)), model="best", region="us"),
            endpoint("b", Scripted(answers(0.0, "ok")), model="fast", region="eu"),
        ]
        async with serving(endpoints=made, routes=routes, policies=[Fallback()]) as scene:
            for stream in (True, False):
                heard = await scene.ask({**STREAM, "model": "chat", "stream": stream}, X_Request_Id="mine-1")
                told = {name: heard.headers[f"x-paceline-{name}"] for name in ("endpoint", "region", "model", "route")}
                assert told == {"endpoint": "b", "region": "eu", "model": "fast", "route": "chat"}
                assert heard.headers["x-paceline-attempts"] == "2"
                assert heard.headers["x-paceline-fallbacks"] == "1"
                assert 0 <= float(heard.headers["x-paceline-gateway-ms"]) < 1000
                assert heard.headers["x-request-id"] == "mine-1"
            line = await scene.logged()
            assert (line["endpoint"], line["attempts"], line["fallbacks"], line["id"]) == ("b", 2, 1, "mine-1")

    asyncio.run(main())


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "ü", "a;b"])
def test_an_id_that_is_none_is_replaced(given: str) -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            heard = await scene.ask(X_Request_Id=given)
            assert heard.headers["x-request-id"].startswith("req_")

    asyncio.run(main())


def test_a_name_that_no_header_may_have_is_written_so_that_it_may() -> None:
    async def main() -> None:
        made = [Endpoint(name="Zürich\n1", provider=Scripted(answers(0.0)), model="m")]
        async with serving(endpoints=made) as scene:
            heard = await scene.ask()
            assert heard.headers["x-paceline-endpoint"] == "Z%C3%BCrich%0A1"

    asyncio.run(main())


def test_pieces_that_come_together_go_out_together() -> None:
    async def main() -> None:
        said = b"".join([*(frame(text(f"w{n}")) for n in range(20)), frame(STOP), frame(USAGE), DONE])
        async with serving(streams(said)) as scene, scene.session.post(scene.url + CHAT, json=STREAM) as response:
            pieces = [data async for data, _ in response.content.iter_chunks()]
            # The vendor's frames came in one read; the end marker is ours.
            assert len(pieces) <= 3
            assert b"".join(pieces).count(b"\n\n") == 22

    asyncio.run(main())


def test_a_silence_after_the_beginning_is_broken_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_out, "QUIET_S", 0.05)

    async def main() -> None:
        vendor = Scripted((Say(0.0, Chunk("a")), Say(0.4, Chunk("b")), Say(0.4, Chunk(finish_reason="stop"))))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            heard = await scene.ask(STREAM)
            assert 1 <= heard.body.count(b": keep-alive\n\n") <= 7
            assert heard.body.index(b'"a"') < heard.body.index(b": keep-alive") < heard.body.index(b'"b"')

    asyncio.run(main())


def test_nothing_is_sent_before_the_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_out, "QUIET_S", 0.02)

    async def main() -> None:
        vendor = Scripted(fails(0.2, ProviderError))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            assert (await scene.ask(STREAM)).status == 502

    asyncio.run(main())


def test_a_restart_voids_what_was_said_by_an_event_of_its_own() -> None:
    async def main() -> None:
        def cut() -> TruncatedAnswer:
            return TruncatedAnswer("cut")

        broken = Scripted((Say(0.0, Chunk("wro")), Fail(0.0, cut)))
        made = [endpoint("a", broken), endpoint("b", Scripted(answers(0.0, "right")))]
        async with serving(endpoints=made, policies=[Resume(otherwise=Restart())]) as scene:
            heard = await scene.ask(STREAM)
            (discard,) = (event for event in heard.events if event.startswith(b"event: paceline.discard\n"))
            told = msgspec.json.decode(discard.partition(b"data: ")[2])
            assert told["choices"] == []
            assert told["paceline"] == {"discard": True}
            after = heard.body.partition(b"paceline.discard")[2]
            assert b'"role":"assistant"' in after, "the answer begins anew"
            assert b"right" in after
            assert heard.events[-1] == b"data: [DONE]"
            client = scene.sdk()
            made[0].provider.calls = 0  # type: ignore[attr-defined]
            chunks = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            assert [chunk async for chunk in chunks], "clients who do not know it come to no harm"

    asyncio.run(main())


def test_a_call_that_is_cut_by_the_end_of_the_gateway_is_told_so_within_the_stream() -> None:
    async def main() -> None:
        vendor = Scripted((Say(0.0, Chunk("a")), Silence()))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            async with scene.session.post(scene.url + CHAT, json=STREAM) as response:
                assert b'"a"' in await response.content.readany()
                ending = asyncio.ensure_future(scene.gateway.__aexit__(None, None, None))
                rest = await response.content.read()
                assert b'"code":"restarting"' in rest
                assert b"data: [DONE]" not in rest
            await ending

    asyncio.run(main())


def test_while_it_ends_it_says_so_and_finishes_what_it_has() -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.3, "in", "time"))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            first = asyncio.ensure_future(scene.ask(STREAM))
            await scene.busy()
            scene.gateway.begin_to_end()
            ready = await scene.get("/readyz")
            assert (ready.status, ready.json["status"]) == (503, "going down")
            assert (await scene.get("/healthz")).status == 200
            refused = await scene.ask()
            assert refused.status == 503
            assert refused.headers["Retry-After"]
            assert refused.headers["Connection"] == "close"
            assert (await first).events[-1] == b"data: [DONE]"

    asyncio.run(main())


def test_frames_that_came_at_once_go_out_as_they_came() -> None:
    words = [frame(text(word, id="chatcmpl-1")) for word in ("The", " quick", " \u00e9\n", ' "fox"', " jumps")]
    stream = b"".join((*words, frame(STOP), DONE))

    async def main() -> None:
        async with serving(streams(stream)) as scene:
            assert (await scene.ask(STREAM)).body == stream
        asked = {"model": "m", "prompt": "once", "stream": True}
        told = b"".join(
            b"data: %b\n\n" % msgspec.json.encode({"choices": [{"index": 0, "text": word}]}) for word in "abcdef"
        )
        async with serving(streams(told, DONE)) as scene:
            assert (await scene.ask(asked, path="/v1/completions")).body == told + DONE

    asyncio.run(main())
