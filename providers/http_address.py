"""Where an endpoint's calls go, and with which headers. Worked out once an endpoint, and checked when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..router.credential import static_secrets
from ..router.errors import ConfigurationError
from .http_head import FRAMING, Head, can_be_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..router.endpoint import Endpoint
    from ..router.secret import Secret

CHAT = "chat/completions"
ADDED = (CHAT, "completions", "embeddings")
EXAMPLE = "https://api.openai.com/v1"


@attrs.frozen(kw_only=True)
class Address:
    """The destination of requests.

    whole: the head of one for an answer in one piece; streaming: for a stream.
    """

    whole: Head
    streaming: Head

    @property
    def url(self) -> URL:
        """Complete, and one for both."""
        return self.whole.url

    def moved(self, url: URL) -> Address:
        """The same of another *url*."""
        return Address(whole=attrs.evolve(self.whole, url=url), streaming=attrs.evolve(self.streaming, url=url))


def address_of(endpoint: Endpoint, key: Secret | None, default_url: str | None = None) -> Address:
    """The address of *endpoint*'s chat completions, for a call with *key*. A key is revealed here, and nowhere else.

    default_url: the base where the endpoint gives none.

    Raises:
        ConfigurationError: its url or its headers cannot work; the message says what to mend, and shows no value.
    """
    headers = plain_headers()
    if key is not None:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    return address_at(_url(endpoint, endpoint.url or default_url), headers, endpoint)


def plain_headers() -> CIMultiDict[str]:
    """What goes with every request, whoever is asked."""
    return CIMultiDict({"Content-Type": "application/json", "User-Agent": "paceline"})


def address_at(url: URL, headers: CIMultiDict[str], endpoint: Endpoint) -> Address:
    """The address of *url*. *headers*: the vendor's, which those of *endpoint* add to and override.

    Raises:
        ConfigurationError: a header cannot be sent.
    """
    headers.update(endpoint.headers)
    _check_headers(endpoint.name, headers)
    # A compressed stream is held back until the compressor has enough of it, and the first token with it.
    streaming = CIMultiDict({"Accept-Encoding": "identity"})
    streaming.update(headers)
    return Address(
        whole=Head(url=url, headers=CIMultiDictProxy(headers)),
        streaming=Head(url=url, headers=CIMultiDictProxy(streaming)),
    )


def check_address(endpoint: Endpoint, address_of: Callable[[Endpoint, Secret | None], Address]) -> None:
    """Refuse an endpoint that has no address, or with a key among those already known that no header can carry.

    Raises:
        ConfigurationError: saying what to mend.
    """
    for key in static_secrets(endpoint.api_key) or (None,):
        address_of(endpoint, key)


def hidden_in(endpoint: Endpoint) -> list[str]:
    """Header values of *endpoint* that must not appear in any message."""
    return [value for value in endpoint.headers.values() if len(value) > 3]


def _url(endpoint: Endpoint, given: str | None) -> URL:
    """The base URL with the path of chat completions; a query, such as Azure's ``api-version``, stays."""
    if given is None:
        raise ConfigurationError(f"endpoint {endpoint.name!r} has no url: give one such as {EXAMPLE}")
    base = base_of(endpoint, given, EXAMPLE)
    added = next((path for path in ADDED if base.path.rstrip("/").endswith(f"/{path}")), None)
    if added is not None:
        raise ConfigurationError(f"endpoint {endpoint.name!r}: url is to end before /{added}, which is added")
    return (base / "chat" / "completions").with_query(base.query)


def base_of(endpoint: Endpoint, url: str, example: str) -> URL:
    """*url*, the base of *endpoint*'s, if it is one. *example*: of what would be, for the error.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        base = URL(url)
    except ValueError:
        base = URL()
    if base.scheme not in {"http", "https"} or not base.host:
        raise ConfigurationError(
            f"endpoint {endpoint.name!r}: url must begin with http:// or https:// and name a host, such as {example}"
        )
    if base.user is not None or base.password is not None:
        raise ConfigurationError(f"endpoint {endpoint.name!r}: url holds credentials: move them to api_key or headers")
    return base


def _check_headers(name: str, headers: Mapping[str, str]) -> None:
    for header, value in headers.items():
        if not can_be_sent(header, value):
            raise ConfigurationError(
                f"endpoint {name!r}: the header {header!r} cannot be sent: it must be text without line breaks "
                "(is there one at the end of the api_key?)"
            )
        if header.lower() in FRAMING:
            raise ConfigurationError(f"endpoint {name!r}: the header {header!r} follows from the body: leave it out")
