"""Web pages of other sites must not spend a person's money through their browser.

A gateway on loopback without keys trusts whoever can reach it, and a browser on the same machine can: any page may send
a form there, or have its own name resolved to 127.0.0.1. What a browser says of itself gives it away. A body must be
called JSON, which a page cannot do to another site without being allowed to; a foreign ``Origin`` is refused; and on
loopback so is a name that is not the machine's own.

Where keys are asked for none of this matters: a page does not know them.

Source: OWASP, "Cross-Site Request Forgery Prevention"; the DNS rebinding attacks on services of developers' machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from yarl import URL

from ..dialects.refused import ForeignPage

OURSELVES = frozenset({"localhost", "127.0.0.1", "::1"})


def refuse_foreign_pages(headers: Mapping[str, str], *, on_loopback: bool) -> None:
    """Refuse what a page of another site sent. *on_loopback*: only this machine can reach us.

    Raises:
        ForeignPage: it was.
    """
    host = headers.get("Host", "")
    if on_loopback and _name_of(f"http://{host}") not in OURSELVES:
        raise ForeignPage(
            "without keys, a gateway on loopback answers to localhost and 127.0.0.1 only: use one of these, or set keys"
        )
    origin = headers.get("Origin")
    if origin is not None and (_authority_of(origin) != host or headers.get("Sec-Fetch-Site") == "cross-site"):
        raise ForeignPage("without keys, the gateway does not answer pages of other sites: set keys, and send one")


@lru_cache(maxsize=64)
def _name_of(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None


def _authority_of(url: str) -> str | None:
    try:
        return URL(url).authority
    except ValueError:
        return None
