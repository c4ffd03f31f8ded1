"""Below the tables: what went wrong by reason, and the last calls with the way they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ..printable import printable
from .figures import passed, reasons, seconds
from .tables import BAD, DOUBTFUL, GOOD, QUIET

if TYPE_CHECKING:
    from .snapshot import CallSeen, Note, RouteSeen, Snapshot, Try

NAME_CELLS = 14
ROUTINE = ("LatencyBudget", "Affinity", "Regions", "Slots")
"""Layers that decide on every call; the most telling first."""


def troubles(routes: Sequence[RouteSeen], *, a_line: int = 1) -> list[Text]:
    """Each kind of detour there was, over all routes; *a_line* of them side by side."""
    hedges, won = sum(route.hedges for route in routes), sum(route.hedges_won for route in routes)
    told = {
        "failures": reasons(_together(route.failures for route in routes), 5),
        "retries": reasons(_together(route.retries for route in routes), 5),
        "fallbacks": reasons(_together(route.fallbacks for route in routes), 5),
        "hedges": f"{hedges:,}, {won:,} won" if hedges else "",
    }
    kinds = [
        Text.assemble((f"{name} ", "bold"), (printable(words), BAD if name == "failures" else DOUBTFUL))
        for name, words in told.items()
        if words
    ]
    lines = [Text("   ").join(kinds[first : first + a_line]) for first in range(0, len(kinds), a_line)]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return lines


def _together(counts: Iterable[dict[str, int]]) -> Counter[str]:
    return sum((Counter(each) for each in counts), Counter[str]())


def calls(snapshot: Snapshot, most: int) -> list[Text]:
    """The last calls, the newest first. Those that met trouble go before the others where there is no room for all."""
    last = sorted(snapshot.calls, key=lambda call: call.id, reverse=True)
    shown = sorted(last, key=lambda call: not call.notable)[:most]
    return [_call(call, snapshot.now_s) for call in sorted(shown, key=lambda call: -call.id)]


def _call(call: CallSeen, now_s: float) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{passed(now_s - call.ended_s):>5} ", style=QUIET)
    line.append(f"{printable(call.route)[:NAME_CELLS]:<{NAME_CELLS}} ")
    line.append(f"{seconds(call.ttft_s):>6} {seconds(call.total_s):>6} ")
    line.append_text(_way(call.tries))
    if call.outcome != "answered":
        line.append(f" {printable(_end(call))}", style=BAD if call.outcome == "failed" else DOUBTFUL)
    notes = "; ".join(f"{note.by}: {note.words}" for note in sorted(call.notes, key=_rank))
    return line.append(f"  {printable(notes)}" if notes else "", style=QUIET)


def _end(call: CallSeen) -> str:
    if call.outcome == "cancelled":
        return "its caller left"
    return call.outcome if call.reason is None else f"{call.outcome}: {call.reason}"


def _rank(note: Note) -> int:
    """What is told first: a detour says more than a choice, and a choice more than what every call has."""
    return ROUTINE.index(note.by) if note.by in ROUTINE else -1


def _way(tries: Sequence[Try]) -> Text:
    """From endpoint to endpoint: ``east (rate_limited) > west``; a second leg after a plus sign."""
    way = Text()
    for attempt in tries:
        if way:
            way.append(" + " if attempt.hedge else " > ", style=QUIET)
        went_well = attempt.outcome == "ok"
        way.append(printable(attempt.endpoint), style=GOOD if went_well else DOUBTFUL)
        if not went_well and (attempt.reason or attempt.outcome):
            way.append(f" ({printable(attempt.reason or attempt.outcome)})", style=DOUBTFUL)
    return way or Text("nowhere", style=QUIET)
