"""How the connections to vendors are made and kept: the options that every provider over HTTP shares.

    OpenAICompatible(connections=Connections(warm=4, proxy="http://proxy.corp:3128", ca_file="corp.pem"))

A router keeps one pool for each provider it is given, on the loop it was opened on. Opening a connection costs a
look-up and two or three round trips, a tenth of a second each across an ocean, and whoever calls first after a pause
pays it as part of the first token. Hence the three options that matter for latency: connections are kept for as long as
servers usually keep them, names are looked up rarely, and some connections can be opened before there is traffic.

There is no option for aiohttp's timeouts or its limit of connections: time is limited by the attempt's own limits, and
calls wait for slots, where waiting is bounded and counted.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import attrs
from multidict import CIMultiDict
from yarl import URL

from ..router import check
from ..router.errors import ConfigurationError
from ..router.secret import Secret, secret_or_none
from .http_marks import MarkingTls

DEFAULT_KEEPALIVE_S = 55.0
"""Most servers and load balancers on the way close an idle connection after 60 seconds or more, and what closes first
from this side is never closed under a request. One that a server closes earlier is noticed, and opened anew."""


def _proxy(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    check.named(instance, attribute, value)
    try:
        url = URL(value)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("Connections: proxy must be a URL such as http://proxy.example:3128")
    if url.user is not None or url.password is not None:
        raise ConfigurationError("Connections: proxy holds credentials: move them to proxy_login, as 'user:password'")


def _login(_instance: object, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and ":" not in value.reveal():
        raise ConfigurationError("Connections: proxy_login must be 'user:password'")


@attrs.frozen(kw_only=True)
class ClientCertificate:
    """What this side shows of itself to servers that ask for it, from PEM files.

    file: the certificate, with those between it and its root. key_file: its key; default None: it is in *file*.
    password: of the key; default None: it has none. Never shown.
    """

    file: str | Path = attrs.field(validator=check.one_of(str, Path))
    key_file: str | Path | None = attrs.field(default=None, validator=check.if_given(check.one_of(str, Path)))
    password: Secret | None = attrs.field(default=None, converter=secret_or_none, repr=False)


@attrs.frozen(kw_only=True)
class Connections:
    """Options of a connection pool. Files are read when this is built.

    warm: connections to open for each endpoint before the router takes calls, TLS included; default 0. They stay for
        *keepalive_s*: meant for a start under traffic, not for the first call after lunch. What could not be opened is
        told in a `ConnectionsWarmed` event, and no reason not to start.
    warm_within_s: seconds that opening the router waits for them at most, above 0. Default 2.
    keepalive_s: seconds an idle connection is kept for the next call, above 0. Default 55; a server that closes earlier
        is noticed.
    dns_ttl_s: seconds for which a looked-up address is believed, above 0. Default 60.
    proxy: URL of an HTTP proxy, without credentials; default None: none. proxy_login: ``user:password`` for it, a
        `Secret` or a string that becomes one. Never shown.
    ca_file: PEM file of the authorities to trust in place of the system's; default None: the system's.
    certificate: to show to servers that ask for one; default None.
    tls: an `ssl.SSLContext` in place of these two, for whatever else is needed; default None. With one of these the
        time of a handshake is not told.

    Raises:
        ConfigurationError: a file cannot be used, or the options do not go together.
    """

    warm: int = attrs.field(default=0, validator=check.count(0))
    warm_within_s: float = attrs.field(default=2.0, validator=check.positive)
    keepalive_s: float = attrs.field(default=DEFAULT_KEEPALIVE_S, validator=check.positive)
    dns_ttl_s: float = attrs.field(default=60.0, validator=check.positive)
    proxy: str | None = attrs.field(default=None, validator=check.if_given(_proxy))
    proxy_login: Secret | None = attrs.field(default=None, converter=secret_or_none, validator=_login, repr=False)
    ca_file: str | Path | None = attrs.field(default=None, validator=check.if_given(check.one_of(str, Path)))
    certificate: ClientCertificate | None = attrs.field(
        default=None, validator=check.if_given(check.one_of(ClientCertificate))
    )
    tls: ssl.SSLContext | None = attrs.field(default=None, validator=check.if_given(check.one_of(ssl.SSLContext)))
    _own_tls: ssl.SSLContext | None = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.proxy_login is not None and self.proxy is None:
            raise ConfigurationError("Connections: proxy_login without a proxy: give the proxy's URL, or leave it out")
        asked = self.ca_file is not None or self.certificate is not None
        if self.tls is not None and asked:
            raise ConfigurationError("Connections: tls stands in place of ca_file and certificate: load them into it")
        object.__setattr__(self, "_own_tls", self._trusting() if asked else None)

    def tls_given(self) -> ssl.SSLContext | None:
        """What TLS connections are to be made with; None if nothing was asked for."""
        return self.tls or self._own_tls

    def tls_of_system(self) -> ssl.SSLContext:
        """TLS that trusts whom the system trusts. Reads its authorities, which takes some hundredths of a second."""
        return self._trusting()

    def proxy_headers(self) -> CIMultiDict[str] | None:
        """What the proxy is shown; None for nothing."""
        if self.proxy_login is None:
            return None
        login = b64encode(self.proxy_login.reveal().encode()).decode()
        return CIMultiDict({"Proxy-Authorization": f"Basic {login}"})

    def _trusting(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"Connections: ca_file {str(self.ca_file)!r} cannot be used: {error}") from None
        context.set_alpn_protocols(("http/1.1",))  # aiohttp speaks no other
        context.sslobject_class = MarkingTls
        shown = self.certificate
        if shown is not None:
            password = None if shown.password is None else shown.password.reveal()
            try:
                # Without an answer ready OpenSSL would ask for the password on the terminal.
                context.load_cert_chain(shown.file, shown.key_file, lambda: password or "")
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(
                    f"Connections: certificate {str(shown.file)!r} cannot be used: {error} "
                    "(do its key and its password belong to it?)"
                ) from None
        return context
