"""Who is let in, what is told to whom, and what a log may never hold."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest

from paceline.gateway.config import Bind, Settings
from paceline.router import Secret
from paceline.router.errors import ConfigurationError, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails

from ...providers.loopback import DONE, STOP, USAGE, frame, replies, streams, text
from .gateways import ASKED, CHAT, VENDOR_KEY, loopback, serving

KEYED = {"keys": (Secret("gw-key-one"), Secret("gw-key-two"))}


def answering() -> Any:
    return [endpoint("a", Scripted(answers(0.0, "ok")))]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer gw-key-one"}, 200),
        ({"Authorization": "bearer gw-key-two"}, 200),
        ({"Authorization": "Bearer gw-key-on"}, 401),
        ({"Authorization": "Bearer gw-key-one2"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer gw-kéy"}, 401),
        ({"Authorization": "gw-key-one"}, 401),
        ({"Authorization": "Basic " + base64.b64encode(b":gw-key-one").decode()}, 200),
        ({"Authorization": "Basic nonsense!"}, 401),
        ({"x_api_key": "gw-key-one"}, 200),
        ({"api_key": "gw-key-two"}, 200),
        ({"x_api_key": "gw"}, 401),
    ],
)
def test_a_key_is_asked_for(headers: dict[str, str], status: int) -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(**KEYED)) as scene:
            heard = await scene.ask(**headers)
            assert heard.status == status
            if status == 401:
                assert heard.error["code"] == "invalid_api_key"
                assert heard.headers["x-should-retry"] == "false"
            models = await scene.get("/v1/models", **headers)
            assert models.status == status

    asyncio.run(main())


@pytest.mark.parametrize("path", ["/v1/messages", CHAT])
def test_a_refusal_has_the_form_of_its_api(path: str) -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(**KEYED)) as scene:
            heard = await scene.ask(path=path)
            assert heard.status == 401
            assert ("type" in heard.json) == (path == "/v1/messages")
            assert heard.error["type"] == "authentication_error"

    asyncio.run(main())


def test_the_watching_pages_have_keys_of_their_own() -> None:
    async def main() -> None:
        settings = loopback(**KEYED, watch_keys=(Secret("look"),))
        async with serving(endpoints=answering(), settings=settings) as scene:
            assert (await scene.get("/metrics")).status == 401
            assert "Basic" in (await scene.get("/metrics")).headers["WWW-Authenticate"]
            assert (await scene.get("/metrics", Authorization="Bearer gw-key-one")).status == 401
            assert (await scene.get("/metrics", Authorization="Bearer look")).status == 200
            assert (await scene.ask(Authorization="Bearer look")).status == 401

    asyncio.run(main())


def test_the_watching_pages_can_be_elsewhere() -> None:
    async def main() -> None:
        settings = loopback(watch_bind=Bind(port=0))
        async with serving(endpoints=answering(), settings=settings) as scene:
            assert (await scene.get("/metrics")).status == 404
            assert (await scene.get("/readyz")).status == 200
            async with scene.session.get(scene.gateway.watch_url + "/metrics") as response:
                assert response.status == 200
                assert "paceline_gateway" in await response.text()
            async with scene.session.post(scene.gateway.watch_url + CHAT, json=ASKED) as response:
                assert response.status == 404

    asyncio.run(main())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104  that is the point
def test_it_does_not_listen_beyond_the_machine_without_keys(host: str) -> None:
    with pytest.raises(ConfigurationError, match="keys"):
        Settings(bind=Bind(host=host))


def test_readiness_tells_strangers_no_names() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(**KEYED)) as scene:
            assert (await scene.get("/readyz")).json == {"status": "ready"}
            told = (await scene.get("/readyz", Authorization="Bearer gw-key-one")).json
            assert told["routes"]["m"]["usable"] == ["a"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "rebound.example:8080"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Host": "["},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_page_of_another_site_spends_nothing(headers: dict[str, str]) -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0, "ok"))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            heard = await scene.ask(**headers)
            assert heard.status in {403, 415}
            assert heard.error["message"]
            assert vendor.calls == 0
            if "Content_Type" not in headers:
                assert (await scene.get("/metrics", **headers)).status == 403
            assert (await scene.get("/metrics")).status == 200

    asyncio.run(main())


def test_with_a_key_it_is_of_no_matter_by_which_name_it_is_asked() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(**KEYED)) as scene:
            heard = await scene.ask(Authorization="Bearer gw-key-one", Host="llm.example", Origin="https://a.example")
            assert heard.status == 200

    asyncio.run(main())


def test_answers_are_kept_by_nobody_and_taken_for_nothing_else() -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            for heard in (await scene.ask(), await scene.ask(b"{"), await scene.get("/v1/models")):
                assert heard.headers["X-Content-Type-Options"] == "nosniff"
                assert "no-store" in heard.headers["Cache-Control"]
                assert heard.headers["Server"] == "paceline"

    asyncio.run(main())


CANARIES = ("canary-prompt", "canary-answer", "canary-user", "canary-key", "canary-model", VENDOR_KEY, "canary-error")


def test_no_log_holds_what_was_said_or_who_said_it(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> bytes:
        said = (frame(text("canary-answer")), frame(STOP), frame(USAGE), DONE)
        asked: dict[str, Any] = {
            "model": "m",
            "messages": [{"role": "user", "content": "canary-prompt"}],
            "user": "canary-user",
        }
        async with serving(streams(*said), replies({"error": {"message": "canary-error canary-prompt"}}, 500)) as scene:
            key = {"Authorization": "Bearer canary-key", "x_paceline_user": "canary-user"}
            for body in (asked, asked | {"stream": True}, asked | {"model": "canary-model"}, asked | {"n": "canary"}):
                for _ in range(2):
                    await scene.ask(body, **key)
            await scene.ask(b'{"canary-prompt', **key)
            await scene.ask(msgspec.json.encode(asked).replace(b"canary-prompt", b"canary-prompt\xff"), **key)
            await scene.ask(asked, x_paceline_route="canary-model", **key)
            await scene.get("/canary-prompt", **key)
            _, writer = await asyncio.open_connection("127.0.0.1", int(scene.url.rpartition(":")[2]))
            writer.write(b"POST /canary-prompt HTTP/9 canary-key\r\nAuthorization: canary-key\x00\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.close()
            await scene.gateway.front.log.aclose()
            assert len(scene.log) == 11
            return bytes(scene.raw_log)

    with caplog.at_level(0):
        written = asyncio.run(main())

    everything = written.decode() + "\n".join(
        f"{record.getMessage()} {record.exc_text} {record.exc_info}" for record in caplog.records
    )
    assert [canary for canary in CANARIES if canary in everything] == []


def test_a_mistake_of_the_gateways_own_is_told_without_what_it_was_about(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:

            def broken(*_: object, **__: object) -> Any:
                raise RuntimeError(CANARIES[0])  # by name: a traceback shows the line itself

            scene.gateway.running.router.admit = broken  # type: ignore[method-assign]
            heard = await scene.ask()
            assert heard.status == 500
            assert heard.error["type"] == "server_error"
            assert "canary" not in heard.body.decode()

    asyncio.run(main())

    assert "RuntimeError" in caplog.text
    assert "canary-prompt" not in caplog.text


def test_what_a_vendor_holds_against_our_key_is_no_401_for_the_client() -> None:
    async def main() -> None:
        async with serving(replies({"error": {"message": "bad key", "code": "invalid_api_key"}}, 401)) as scene:
            heard = await scene.ask()
            assert heard.status == 502
            assert heard.error["code"] == "provider_authentication"
            assert VENDOR_KEY not in heard.body.decode()

    asyncio.run(main())


def test_a_vendors_message_reaches_the_client_without_the_prompt() -> None:
    async def main() -> None:
        said = fails(0.0, lambda: ProviderError("it broke", endpoint="a"))
        async with serving(endpoints=[endpoint("a", Scripted(said))]) as scene:
            heard = await scene.ask()
            assert heard.error["message"] == "a: it broke"

    asyncio.run(main())
