"""The whole picture, fitted to the screen: what does not fit is counted, and nothing is broken into two lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs
from rich.console import Group
from rich.text import Text

from ..printable import printable
from . import below, tables
from .choices import Choices, ordered
from .figures import passed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from .snapshot import Snapshot

RowT = TypeVar("RowT")

LEAST_ENDPOINTS, LEAST_CALLS, MOST_ROUTES_SHARE = 3, 2, 0.3
TALL = 32
"""Lines from which on each kind of trouble has one of its own."""
CALLS_HEAD = f"{'ended':>5} {'call of':<14} {'TTFT':>6} {'total':>6} the way it took, and why"


@attrs.frozen(kw_only=True)
class Seen:
    """What there is to draw. snapshot: the last one; None: there was none yet. trouble: why there is no newer one."""

    url: str
    snapshot: Snapshot | None
    trouble: str | None = None
    since_s: float = 0.0
    """Seconds that the trouble has lasted."""


@attrs.frozen(kw_only=True)
class Room:
    """Rows that each part may have."""

    routes: int
    endpoints: int
    calls: int


def room(height: int, *, routes: int, endpoints: int, troubles: int, calls: int) -> Room:
    """Share a screen of so many lines: routes first, then endpoints, and the calls get what is left.

    Seven lines are taken: the head, the footer, two heads of tables, and three blank ones; and by what went wrong.
    """
    left = height - 7 - troubles
    for_routes = min(routes, max(1, int(left * MOST_ROUTES_SHARE)) if routes + endpoints > left else routes)
    left -= for_routes
    wanted = min(calls, LEAST_CALLS) + 2 if calls else 0
    for_endpoints = max(min(endpoints, LEAST_ENDPOINTS), min(endpoints, left - wanted))
    left -= for_endpoints
    return Room(routes=for_routes, endpoints=max(0, for_endpoints), calls=max(0, min(calls, left - 2)))


def frame(seen: Seen, choices: Choices, width: int, height: int | None) -> RenderableType:
    """The picture. height: lines of the screen; None: as many as it takes, and no footer."""
    head = _head(seen, choices)
    snapshot = seen.snapshot
    if snapshot is None:
        return Group(head, Text(), Text("waiting for the gateway's first answer …", style=tables.QUIET))
    troubles = below.troubles(snapshot.routes, a_line=2 if height is not None and height < TALL else 1)
    fits = room(
        10_000 if height is None else height,
        routes=len(snapshot.routes),
        endpoints=len(snapshot.endpoints),
        troubles=len(troubles) + 1 if troubles else 0,
        calls=max(1, len(snapshot.calls)),  # that there is none takes a line too
    )
    parts: list[RenderableType] = [head, Text()]
    parts += [tables.routes(_cut(snapshot.routes, fits.routes), width), *_more(snapshot.routes, fits.routes), Text()]
    endpoints = ordered(snapshot.endpoints, choices.sort)
    parts += [tables.endpoints(_cut(endpoints, fits.endpoints), width), *_more(endpoints, fits.endpoints)]
    if troubles:
        parts += [Text(), *troubles]
    if fits.calls and not snapshot.calls:
        parts += [Text(), Text("no call has ended yet", style=tables.QUIET)]
    elif fits.calls:
        parts += [Text(), Text(CALLS_HEAD, style="bold", no_wrap=True, overflow="ellipsis")]
        parts += below.calls(snapshot, fits.calls)
    return Group(*parts)


def footer(choices: Choices) -> Text:
    """What the keys do, and what they have done."""
    told = Text(no_wrap=True, overflow="ellipsis")
    for key, does in (("q", "quit"), ("p", "go on" if choices.paused else "pause"), ("s", f"sort: {choices.sort}")):
        told.append(f" {key} ", style="reverse").append(f" {does}   ")
    return told


def _head(seen: Seen, choices: Choices) -> Text:
    head = Text("paceline top", style="bold", no_wrap=True, overflow="ellipsis")
    head.append(f"  {seen.url}", style=tables.QUIET)
    snapshot = seen.snapshot
    if seen.trouble is not None:
        return head.append(f"  no answer for {passed(seen.since_s)}: {printable(seen.trouble)}", style="bold red")
    if snapshot is None:
        return head
    if choices.paused:
        head.append("  paused", style="bold yellow")
    head.append(f"  up {passed(snapshot.up_s)}, figures of {passed(snapshot.over_s)}", style="")
    loaded = snapshot.configuration
    if loaded.refused:
        return head.append(f"  {printable(loaded.source)} was changed and refused", style="bold yellow")
    if loaded.needs_restart:
        told = printable(", ".join(loaded.needs_restart))
        return head.append(f"  {printable(loaded.source)} was changed; a restart is needed for {told}", style="yellow")
    return head.append(f"  {printable(loaded.source)}", style=tables.QUIET)


def _cut(rows: Sequence[RowT], most: int) -> Sequence[RowT]:
    """Those that fit: one row goes to the number of the others."""
    return rows if len(rows) <= most else rows[: max(0, most - 1)]


def _more(rows: Sequence[object], most: int) -> list[Text]:
    if len(rows) <= most:
        return []
    return [Text(f"and {len(rows) - max(0, most - 1)} more", style=tables.QUIET)]
