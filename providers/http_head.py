"""The head of a request, as it goes over the line: put together once an endpoint, for it is the same in every call.

aiohttp's session merges, checks and encodes the headers of each request anew, and starts a task to send its body. That
costs more than everything else on the way to an answer. So of aiohttp a request here uses the connections and the
parser, and what goes out is two pieces of bytes.

Sources: RFC 9110, 5.5 and 5.6.2, on what a header may hold; RFC 9112, 3.2, on a request's first line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

USUAL = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
"""What goes with every request that says nothing else. More ways to compress would need more than is installed."""

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that say where a body ends. They follow from the body."""

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Control characters, and what stands for bytes that were no text, as in a variable of the environment."""


@attrs.frozen(kw_only=True)
class Head:
    """Where a request goes, and what it says before its body. The headers hold the key: never shown.

    method: default POST. url: complete. headers: beside ``Host`` and those of the body.
    target: what is asked for, in the words of the first line; default None: the path of *url*.
    origin: the server, as text.
    """

    method: str = "POST"
    url: URL
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    target: str | None = None
    origin: str = attrs.field(init=False, repr=False, eq=False)
    _opening: bytes = attrs.field(init=False, repr=False, eq=False)
    """All of it but the length of the body, and the blank line."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "origin", str(self.url.origin()))
        target = self.url.raw_path_qs if self.target is None else self.target
        lines = CIMultiDict({"Host": self.url.host_port_subcomponent or "", **USUAL})
        lines.update(self.headers)
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        object.__setattr__(self, "_opening", f"{self.method} {target} HTTP/1.1\r\n{text}".encode())

    def before(self, length: int) -> bytes:
        """It as bytes, in front of a body of *length* bytes."""
        return b"%bContent-Length: %d\r\n\r\n" % (self._opening, length)

    def alone(self) -> bytes:
        """It as bytes, without a body."""
        return self._opening + b"\r\n"

    def for_proxy(self, headers: Mapping[str, str]) -> Head:
        """As a proxy is asked that reads the request itself: it needs the whole URL, and *headers* of its own."""
        told = CIMultiDict(self.headers)
        told.update(headers)
        return attrs.evolve(self, headers=CIMultiDictProxy(told), target=str(self.url))


def can_be_sent(name: str, value: str) -> bool:
    """Whether a header may be so."""
    return TOKEN.fullmatch(name) is not None and UNSENDABLE.search(value) is None
