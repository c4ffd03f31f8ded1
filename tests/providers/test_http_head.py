"""`http_head`: the bytes of a request are those that aiohttp's session would send, and no others can be asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from paceline.providers.http_address import address_of
from paceline.providers.http_head import Head
from paceline.providers.http_operations import beside_chat
from paceline.router import Secret
from paceline.router.errors import ConfigurationError

from .loopback import KEY
from .test_http_address import endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY = b'{"model":"m"}'


def head(url: str, headers: Mapping[str, str] | None = None, **fields: str) -> Head:
    return Head(url=URL(url), headers=CIMultiDictProxy(CIMultiDict(headers or {})), **fields)


def told(request: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The first line, and the headers but for the ways to compress: aiohttp asks for all that are installed."""
    first, *lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    assert len(headers) == len(lines), "none is said twice"
    headers.pop(b"accept-encoding")
    return first, headers


async def as_aiohttp_sends(url: str, headers: Mapping[str, str]) -> bytes:
    """What a server on loopback gets when aiohttp's session is to send it to *url*."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with (
            aiohttp.ClientSession() as session,
            session.post(url.replace(":80", f":{port}"), data=BODY, headers=headers),
        ):
            pass
        return (await got).replace(str(port).encode(), b"80")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:80/v1/chat/completions", {}),
        ("http://127.0.0.1:80/a%20b/ü?api-version=2024-10-21&x=a+b", {"X-Team": "naïve"}),
        ("http://127.0.0.1:80/v1", {"host": "other.example", "accept": "application/json", "User-Agent": "mine"}),
    ],
    ids=["plain", "quoted", "overridden"],
)
def test_it_is_what_aiohttps_session_would_send(url: str, headers: dict[str, str]) -> None:
    given = {"User-Agent": "paceline", "Content-Type": "application/json", **headers}
    theirs = asyncio.run(as_aiohttp_sends(url, given))
    ours = head(url.replace(":80", ":81"), given).before(len(BODY)).replace(b"127.0.0.1:81", b"127.0.0.1:80")
    assert told(ours) == told(theirs)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example/v1", b"api.example"),
        ("https://api.example:443/v1", b"api.example"),
        ("https://api.example:8443/v1", b"api.example:8443"),
        ("https://bücher.example/v1", b"xn--bcher-kva.example"),
        ("http://[::1]:8000/v1", b"[::1]:8000"),
    ],
)
def test_the_host_is_said_as_servers_expect_it(url: str, host: bytes) -> None:
    assert told(head(url).before(0))[1][b"host"] == host


def test_a_request_without_a_body_says_nothing_of_its_length() -> None:
    alone = head("https://x/", method="HEAD").alone()
    assert alone.startswith(b"HEAD / HTTP/1.1\r\nHost: x\r\n")
    assert alone.endswith(b"\r\n\r\n")
    assert b"content-length" not in alone.lower()


def test_a_proxy_is_told_the_whole_url_and_who_asks() -> None:
    asked = head("http://vendor.example/v1?q=1", {"X-Team": "a"}).for_proxy({"Proxy-Authorization": "Basic x"})
    first, headers = told(asked.before(2))
    assert first == b"POST http://vendor.example/v1?q=1 HTTP/1.1"
    assert headers[b"host"] == b"vendor.example"
    assert (headers[b"proxy-authorization"], headers[b"x-team"]) == (b"Basic x", b"a")


def test_the_key_is_sent_and_never_shown() -> None:
    address = address_of(endpoint("https://x/v1"), Secret(KEY))
    assert f"Authorization: Bearer {KEY}\r\n".encode() in address.whole.before(0)
    assert KEY not in repr(address)
    assert KEY not in repr(address.whole.for_proxy({}))


def test_another_operations_head_goes_to_its_own_path_with_the_same_headers() -> None:
    beside = beside_chat(address_of(endpoint("https://x/v1?api-version=1"), Secret(KEY)), "embeddings")
    for one in (beside.whole, beside.streaming):
        first, headers = told(one.before(0))
        assert first == b"POST /v1/embeddings?api-version=1 HTTP/1.1"
        assert headers[b"authorization"] == f"Bearer {KEY}".encode()


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_how_long_a_body_is_is_not_for_an_endpoint_to_say(name: str) -> None:
    with pytest.raises(ConfigurationError, match="follows from the body"):
        endpoint("https://x/v1", headers={name: "7"})


@pytest.mark.parametrize(
    "headers",
    [{"X Team": "a"}, {"X-Team:": "a"}, {"X-Team": "a\x00b"}, {"X-Team": "\x1b[0m"}, {"X-Team": "\udcff"}, {"é": "a"}],
)
def test_what_would_not_arrive_as_one_header_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent"):
        endpoint("https://x/v1", headers=headers)


def test_a_tab_may_stand_in_a_value() -> None:
    assert b"X-Team: a\tb\r\n" in address_of(endpoint("https://x/v1", headers={"X-Team": "a\tb"}), None).whole.before(0)
