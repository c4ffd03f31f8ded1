"""The page's own files, and the chart library that the plotly package brings: with caching, and squeezed once.

plotly is only located, never imported: its Python is of no use here, and would take tens of megabytes.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from importlib.util import find_spec
from pathlib import Path

from aiohttp import hdrs, web

PAGE = Path(__file__).parent / "page"
"""Found beside this file in a wheel and in a checkout alike."""

CHARTS = "plotly.min.js"

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Plotly sets style attributes on what it draws, and has no other way; they run nothing. Scripts are ours alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def located() -> Path | None:
    """The chart library's file; None where plotly is not installed."""
    found = find_spec("plotly")
    for folder in (found.submodule_search_locations if found is not None else None) or ():
        path = Path(folder) / "package_data" / CHARTS
        if path.is_file():
            return path
    return None


def page_files() -> dict[str, Path]:
    """The page's own files, by name."""
    return {path.name: path for path in sorted(PAGE.iterdir()) if path.suffix in KINDS}


class Asset:
    """A file that is read when it is first asked for, and kept squeezed."""

    __slots__ = ("_path", "_reading", "_tag")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tag = ""
        self._reading: asyncio.Task[bytes] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        """The file, or that it has not changed."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(asyncio.to_thread(self._read))
        squeezed = await asyncio.shield(self._reading)
        headers = {**HEADERS, hdrs.ETAG: self._tag, hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_ENCODING}
        if request.headers.get(hdrs.IF_NONE_MATCH) == self._tag:
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = KINDS[self._path.suffix]
        if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            return web.Response(body=await asyncio.to_thread(gzip.decompress, squeezed), headers=headers)
        return web.Response(body=squeezed, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})

    def _read(self) -> bytes:
        body = self._path.read_bytes()
        self._tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return gzip.compress(body, 6, mtime=0)
