"""Connections as asked for: TLS that is trusted, a proxy, some that are open beforehand, and what each of them cost."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from paceline.providers import ClientCertificate, Connections, OpenAICompatible
from paceline.providers.http_body import LONG_BYTES
from paceline.router import Answer, ConnectionsWarmed, Endpoint, Event, Pool, Router
from paceline.router.errors import CallError, ConfigurationError, ConnectFailed
from paceline.router.verdict import Health

from .loopback import KEY, WHOLE, Asked, Vendor, asking, question, streams
from .test_keys import told_by

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import web

PASSWORD = "hunter2-hunter2"
GOOD = streams(WHOLE)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def certificate_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "client.pem"
    authority.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def server_tls(authority: trustme.CA, *, wants_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    if wants_certificate:
        authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def provider(**options: Any) -> OpenAICompatible:
    return OpenAICompatible(connections=Connections(**options))


def answer_over_tls(tls: ssl.SSLContext, connections: Connections, calls: int = 1) -> list[Answer]:
    async def main() -> list[Answer]:
        async with asking(GOOD, tls=tls, provider=OpenAICompatible(connections=connections)) as asked:
            return [await asked.complete() for _ in range(calls)]

    return asyncio.run(main())


# -- TLS


def test_an_authority_of_ones_own_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    (answer,) = answer_over_tls(server_tls(authority), Connections(ca_file=ca_file))

    assert answer.text == "Hello there"


def test_a_server_of_an_authority_that_is_not_trusted_is_no_connection(authority: trustme.CA) -> None:
    with pytest.raises(ConnectFailed, match=r"no connection.*certificate"):
        answer_over_tls(server_tls(authority), Connections())


def test_a_certificate_is_shown_to_a_server_that_asks(
    authority: trustme.CA, ca_file: Path, certificate_file: Path
) -> None:
    tls = server_tls(authority, wants_certificate=True)
    shown = ClientCertificate(file=certificate_file)

    assert answer_over_tls(tls, Connections(ca_file=ca_file, certificate=shown))[0].text == "Hello there"
    with pytest.raises(CallError):
        answer_over_tls(tls, Connections(ca_file=ca_file))


def test_a_context_of_ones_own_is_used_as_it_is(authority: trustme.CA) -> None:
    mine = ssl.create_default_context()
    authority.configure_trust(mine)  # pyright: ignore[reportUnknownMemberType]
    (answer,) = answer_over_tls(server_tls(authority), Connections(tls=mine))

    assert answer.attempts[0].connect_s is not None
    assert answer.attempts[0].tls_s is None, "its objects are not ours to replace"


# -- what a connection cost


def test_a_new_connection_tells_what_it_cost_and_a_kept_one_cost_nothing(authority: trustme.CA, ca_file: Path) -> None:
    first, second = (
        answer.attempts[0] for answer in answer_over_tls(server_tls(authority), Connections(ca_file=ca_file), calls=2)
    )

    assert first.connect_s is not None
    assert first.tls_s is not None
    assert 0.0 < first.tls_s <= first.connect_s
    assert first.dns_s is None, "an address needs no look-up"
    assert (second.connect_s, second.tls_s, second.dns_s) == (None, None, None)


def test_a_look_up_is_told_once_for_as_long_as_it_is_believed() -> None:
    async def main() -> list[Answer]:
        async with asking(GOOD) as asked:
            url = asked.vendor.url.replace("127.0.0.1", "localhost")
            endpoint = Endpoint(name="named", provider=OpenAICompatible(), model="m", url=url)
            async with Router([endpoint]) as router:
                calls = [await router.complete(question())]
                await asyncio.gather(*(router.complete(question()) for _ in range(2)))
                return [*calls, await router.complete(question())]

    first, later = (answer.attempts[0] for answer in asyncio.run(main()))
    assert first.connect_s is not None
    assert first.dns_s is not None
    assert 0.0 < first.dns_s <= first.connect_s
    assert first.tls_s is None
    assert later.dns_s is None


def test_a_look_up_that_fails_is_told_too() -> None:
    async def main() -> CallError:
        async with asking(GOOD, url="http://nowhere.invalid/v1") as asked:
            with pytest.raises(ConnectFailed) as raised:
                await asked.complete()
        return raised.value

    (attempt,) = asyncio.run(main()).attempts
    assert attempt.dns_s is not None
    assert attempt.connect_s is None


def test_a_long_prompt_goes_out_in_pieces_and_tells_how_long_that_took() -> None:
    async def main() -> tuple[Answer, Answer, int]:
        async with asking(GOOD) as asked:
            prompt = "word " * (LONG_BYTES * 6)  # more than a megabyte
            long = await asked.complete(messages=prompt)
            assert asked.vendor.bodies[0]["messages"][0]["content"] == prompt
            return long, await asked.complete(), asked.vendor.connections

    long, short, connections = asyncio.run(main())
    assert long.attempts[0].upload_s is not None
    assert long.attempts[0].upload_s > 0.0
    assert short.attempts[0].upload_s is None
    assert connections == 1, "the connection was kept"


# -- some that are open beforehand


@asynccontextmanager
async def warmed(
    wanted: int, say: Callable[[web.Request], Awaitable[web.StreamResponse]] = GOOD, **options: Any
) -> AsyncGenerator[tuple[Asked, list[ConnectionsWarmed]]]:
    heard: list[Event] = []
    async with asking(say, provider=provider(warm=wanted, **options), listeners=[heard.append]) as asked:
        yield asked, [event for event in heard if isinstance(event, ConnectionsWarmed)]


def test_connections_are_open_before_the_first_call_and_are_used_by_it() -> None:
    async def main() -> None:
        async with warmed(3) as (asked, told):
            assert asked.vendor.connections == 3
            assert asked.vendor.headers == [], "no call was made for it"
            assert asked.router.pools() == (Pool(provider="openai-compatible", in_use=0, idle=3, opened=3),)
            assert [(event.opened, event.wanted, event.why) for event in told] == [(3, 3, None)]
            answers = await asyncio.gather(*(asked.complete() for _ in range(3)))
            assert [answer.attempts[0].connect_s for answer in answers] == [None, None, None]
            assert asked.vendor.connections == 3

    asyncio.run(main())


def test_connections_over_tls_have_made_their_handshake(authority: trustme.CA, ca_file: Path) -> None:
    async def main() -> None:
        options = {"warm": 1, "ca_file": ca_file}
        async with asking(GOOD, tls=server_tls(authority), provider=provider(**options)) as asked:
            (attempt,) = (await asked.complete()).attempts
            assert (attempt.connect_s, attempt.tls_s) == (None, None)

    asyncio.run(main())


def test_no_key_goes_out_before_there_is_traffic() -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        endpoint = Endpoint(name="e", provider=provider(warm=2), model="m", url=url, api_key=KEY)
        async with server, Router([endpoint]) as router:
            assert router.pools()[0].idle == 2
        assert len(heads) == 2
        assert all(head.startswith(b"HEAD / HTTP/1.1\r\n") and KEY.encode() not in head for head in heads)

    asyncio.run(main())


def test_a_server_that_tells_no_length_where_there_is_no_body_is_warmed_as_well() -> None:
    async def main() -> None:
        stays = bare(b"HTTP/1.1 200 OK\r\nServer: some\r\n\r\n", stays=True)
        server = await asyncio.start_server(stays, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server, Router([Endpoint(name="e", provider=provider(warm=2), model="m", url=url)]) as router:
            assert router.pools()[0].idle == 2

    asyncio.run(main())


def bare(
    reply: bytes, *, stays: bool = False
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        if stays:
            await reader.read()  # for as long as the client does
        writer.close()
        await writer.wait_closed()

    return talk


@pytest.mark.parametrize(
    ("reply", "within_s", "why"),
    [
        (b"", 0.05, "not within 0.05 s"),
        (b"SSH-2.0\r\n\r\n", 30.0, "HttpProcessingError"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 30.0, "keeps no connection"),
    ],
    ids=["silent", "no HTTP", "closes"],
)
def test_a_server_that_cannot_be_warmed_is_told_and_the_router_opens(reply: bytes, within_s: float, why: str) -> None:
    heard: list[Event] = []

    async def main() -> None:
        server = await asyncio.start_server(bare(reply, stays=not reply), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        endpoint = Endpoint(name="e", provider=provider(warm=2, warm_within_s=within_s), model="m", url=url)
        async with server, Router([endpoint], listeners=[heard.append]) as router:
            assert router.pools()[0].in_use == 0

    asyncio.run(main())
    (told,) = [event for event in heard if isinstance(event, ConnectionsWarmed)]
    assert (told.opened, told.wanted) == (0, 2)
    assert why in (told.why or "")


def test_a_closed_port_is_told_and_the_router_opens() -> None:
    heard: list[Event] = []

    async def main() -> None:
        endpoint = Endpoint(name="e", provider=provider(warm=1), model="m", url="http://127.0.0.1:1/v1")
        async with Router([endpoint], listeners=[heard.append]):
            pass

    asyncio.run(main())
    assert [event.opened for event in heard if isinstance(event, ConnectionsWarmed)] == [0]


# -- how many there are


def test_the_pool_tells_how_many_connections_are_open_and_idle() -> None:
    async def main() -> None:
        async with asking(GOOD) as asked:
            pools = [asked.router.pools()]
            await asked.complete()
            pools.append(asked.router.pools())
            await asyncio.gather(*(asked.complete() for _ in range(3)))
            pools.append(asked.router.pools())
        assert pools == [
            (Pool(provider="openai-compatible", in_use=0, idle=0, opened=0),),
            (Pool(provider="openai-compatible", in_use=0, idle=1, opened=1),),
            (Pool(provider="openai-compatible", in_use=0, idle=3, opened=3),),
        ]
        assert asked.router.pools() == (), "it is closed"

    asyncio.run(main())


def test_endpoints_of_one_provider_share_a_pool_and_others_have_their_own() -> None:
    async def main() -> None:
        async with asking(GOOD) as asked:
            url, mine = asked.vendor.url, OpenAICompatible(name="mine")
            endpoints = [
                Endpoint(name="a", provider=OpenAICompatible(), model="m", url=url),
                Endpoint(name="b", provider=OpenAICompatible(), model="m", url=url),
                Endpoint(name="c", provider=mine, model="m", url=url),
            ]
            async with Router(endpoints) as router:
                assert [pool.provider for pool in router.pools()] == ["openai-compatible", "mine"]

    asyncio.run(main())


def test_an_idle_connection_is_kept_no_longer_than_asked() -> None:
    async def main() -> None:
        async with asking(GOOD, provider=provider(keepalive_s=0.02)) as asked:
            await asked.complete()
            async with asyncio.timeout(2.0):
                await asked.vendor.all_gone()

    asyncio.run(main())


# -- a proxy


class Proxy:
    """An HTTP proxy that passes on to one vendor. heads: of the requests it got."""

    def __init__(self, reply: bytes | None = None) -> None:
        self.heads: list[bytes] = []
        self._reply = reply

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self._reply is not None:
            writer.write(self._reply)
        else:
            await self._pass_on(head, reader, writer)
        writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, to, _ = head.split(b" ", 2)
        address = to if method == b"CONNECT" else to.split(b"/")[2]
        host, _, port = address.decode().partition(":")
        from_vendor, to_vendor = await asyncio.open_connection(host, int(port))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            to_vendor.write(head)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pipe(reader, to_vendor))
            both.create_task(self._pipe(from_vendor, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def proxied(proxy: Proxy) -> AsyncGenerator[str]:
    server = await asyncio.start_server(proxy.talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_a_proxy_that_hangs_up_counts_against_the_endpoint() -> None:
    async def main() -> ConnectFailed:
        async with proxied(Proxy(reply=b"")) as url:
            lost = Endpoint(name="e", provider=provider(proxy=url), model="m", url="https://vendor.invalid/v1")
            async with Router([lost]) as router:
                with pytest.raises(ConnectFailed, match="no connection: Server disconnected") as raised:
                    await router.complete(question())
        return raised.value

    assert asyncio.run(main()).health is Health.ENDPOINT


@pytest.mark.parametrize("host", ["127.1", "a..b"])
def test_a_host_that_cannot_be_one_counts_against_the_endpoint(host: str) -> None:
    async def main() -> ConnectFailed:
        async with Router([Endpoint(name="e", provider=provider(), model="m", url=f"http://{host}/v1")]) as router:
            with pytest.raises(ConnectFailed, match="no connection: ") as raised:
                await router.complete(question())
        return raised.value

    assert asyncio.run(main()).health is Health.ENDPOINT


def test_calls_go_through_the_proxy_with_its_login() -> None:
    async def main() -> list[bytes]:
        proxy = Proxy()
        async with proxied(proxy) as url:
            with_proxy = provider(proxy=url, proxy_login=f"user:{PASSWORD}")
            async with asking(GOOD, provider=with_proxy) as asked:
                assert (await asked.complete()).text == "Hello there"
        return proxy.heads

    (head,) = asyncio.run(main())
    assert head.startswith(b"POST http://127.0.0.1:")
    assert b"Proxy-Authorization: Basic " in head


def test_tls_goes_through_the_proxy_unread(authority: trustme.CA, ca_file: Path) -> None:
    async def main() -> tuple[list[bytes], Answer]:
        proxy = Proxy()
        async with proxied(proxy) as url:
            with_proxy = provider(proxy=url, ca_file=ca_file)
            async with asking(GOOD, tls=server_tls(authority), provider=with_proxy) as asked:
                return proxy.heads, await asked.complete()

    (head,), answer = asyncio.run(main())
    assert head.startswith(b"CONNECT 127.0.0.1:")
    assert KEY.encode() not in head
    assert answer.attempts[0].tls_s is not None


@pytest.mark.parametrize("tls", [False, True])
def test_a_proxy_that_refuses_is_no_connection_and_its_login_stays_here(authority: trustme.CA, *, tls: bool) -> None:
    """Of plain HTTP the proxy's answer looks like the vendor's."""

    async def main() -> CallError:
        proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        async with proxied(proxy) as url:
            with_proxy = provider(proxy=url, proxy_login=f"user:{PASSWORD}")
            given = server_tls(authority) if tls else None
            async with asking(GOOD, tls=given, provider=with_proxy) as asked:
                with pytest.raises(CallError, match="HTTP 407") as raised:
                    await asked.complete()
        return raised.value

    error = asyncio.run(main())
    assert isinstance(error, ConnectFailed) is tls
    assert not [told for told in told_by(error) if PASSWORD in told or KEY in told]


def test_a_proxy_that_is_not_there_is_no_connection_and_its_login_stays_here() -> None:
    async def main() -> CallError:
        with_proxy = provider(proxy="http://127.0.0.1:1", proxy_login=f"user:{PASSWORD}")
        async with asking(GOOD, provider=with_proxy) as asked:
            with pytest.raises(ConnectFailed) as raised:
                await asked.complete()
        return raised.value

    assert not [told for told in told_by(asyncio.run(main())) if PASSWORD in told]


# -- what is built


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"warm": -1}, "warm must be"),
        ({"warm_within_s": 0.0}, "warm_within_s must be"),
        ({"keepalive_s": 0.0}, "keepalive_s must be"),
        ({"dns_ttl_s": -1.0}, "dns_ttl_s must be"),
        ({"proxy": "proxy.example:3128"}, "must be a URL such as"),
        ({"proxy": "http://[half"}, "must be a URL such as"),
        ({"proxy": f"http://user:{PASSWORD}@proxy.example"}, "move them to proxy_login"),
        ({"proxy_login": f"user:{PASSWORD}"}, "without a proxy"),
        ({"proxy": "http://p", "proxy_login": PASSWORD}, "'user:password'"),
        ({"ca_file": "nowhere.pem"}, "'nowhere.pem' cannot be used"),
        ({"ca_file": __file__}, "cannot be used"),
        ({"certificate": ClientCertificate(file=__file__)}, "cannot be used"),
        ({"certificate": "client.pem"}, "must be ClientCertificate"),
        ({"tls": ssl.create_default_context(), "ca_file": "x.pem"}, "in place of"),
        ({"tls": True}, "must be SSLContext"),
    ],
)
def test_options_that_cannot_work_are_refused_when_they_are_built(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        Connections(**options)
    assert PASSWORD not in str(raised.value)


def test_a_wrong_password_of_a_certificate_is_told_and_nobody_is_asked_for_one(
    authority: trustme.CA, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415  comes with trustme

    issued = authority.issue_cert("client@example.org")
    key = s.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(PASSWORD.encode()))
    path = tmp_path / "client.pem"
    path.write_bytes(locked + issued.cert_chain_pems[0].bytes())

    Connections(certificate=ClientCertificate(file=path, password=PASSWORD))
    for password in (None, "another"):
        with pytest.raises(ConfigurationError, match="password"):
            Connections(certificate=ClientCertificate(file=path, password=password))


def test_no_option_shows_a_credential() -> None:
    shown = ClientCertificate(file="x.pem", password=PASSWORD)
    options = Connections(proxy="http://p", proxy_login=f"user:{PASSWORD}")

    assert PASSWORD not in repr(shown) + repr(options) + repr(OpenAICompatible(connections=options))


def test_equal_options_make_equal_providers() -> None:
    assert provider(warm=2) == provider(warm=2)
    assert len({provider(warm=2), provider(warm=2), provider(warm=3)}) == 2


def test_a_vendor_that_asks_for_no_tls_costs_no_reading_of_authorities() -> None:
    async def main() -> object:
        async with Vendor(GOOD).serving(), asking(GOOD) as asked:
            return asked.target.handler._pool._tls  # type: ignore[attr-defined]

    assert asyncio.run(main()) is True
