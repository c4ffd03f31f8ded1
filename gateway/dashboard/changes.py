"""What has changed: two stretches of the last ten minutes compared, for whoever asks.

A diagnosis takes some ten milliseconds for a thousand calls, so it works on a sample, in a thread, one at a time, and
an answer is good for a few seconds: ten pages that ask the same cost as much as one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import msgspec

from ...router import Diagnosis, Headline, diagnose
from ...router.kpi.diagnosis_result import LABELS

if TYPE_CHECKING:
    from ...router import CallRow, Clock, History
    from .feed import Runs

MOST_ROWS = 2_000
"""Calls of either stretch that are looked at."""

STEP_S = 10.0
"""Rows are read in steps: a period of the history at a time, between which other things run."""

GOOD_FOR_S = 4.0
MOST_KEPT = 16


class Unanswerable(ValueError):
    """What was asked cannot be answered. The message says how to ask."""


@attrs.frozen
class Question:
    """now, before: stretches, each as seconds ago, from and until."""

    route: str
    of: Headline
    now: tuple[float, float]
    before: tuple[float, float]

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Question:
        """Out of a URL's query: ``?route=chat&of=ttft&now=120,0&before=600,120``. All but the route may be left out.

        Raises:
            Unanswerable: it is none.
        """
        route = query.get("route", "")
        if not route:
            raise Unanswerable("name a route: ?route=chat")
        try:
            of = Headline(query.get("of", Headline.TTFT))
        except ValueError:
            raise Unanswerable(f"of must be one of {', '.join(Headline)}") from None
        return cls(
            route, of, _stretch("now", query.get("now", "120,0")), _stretch("before", query.get("before", "600,120"))
        )


def _stretch(name: str, text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        from_s, until_s = (float(part) for part in parts)
    except ValueError:
        from_s = until_s = math.nan
    if not (0.0 <= until_s < from_s < math.inf):
        raise Unanswerable(f"{name} must be two numbers of seconds ago, the earlier moment first, such as 120,0")
    return from_s, until_s


class Changes:
    """Answers questions about what *running* has served."""

    def __init__(self, running: Runs, clock: Clock) -> None:
        self._running = running
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._kept: dict[Question, tuple[float, bytes]] = {}
        self._encode = msgspec.json.Encoder().encode

    async def answer(self, question: Question) -> bytes:
        """The diagnosis, as JSON.

        Raises:
            Unanswerable: there is no such route.
        """
        router = self._running.router
        if question.route not in {route.name for route in router.fleet.every_route}:
            raise Unanswerable("there is no such route")
        async with self._one_at_a_time:
            now_s = self._clock()
            kept = self._kept.get(question)
            if kept is not None and now_s - kept[0] < GOOD_FOR_S:
                return kept[1]
            before = await self._rows(router.history, question.route, question.before, now_s)
            now = await self._rows(router.history, question.route, question.now, now_s)
            diagnosis = await asyncio.to_thread(diagnose, before, now, of=question.of)
            answer = self._encode(_told(question, diagnosis))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[question] = now_s, answer
            return answer

    async def _rows(
        self, history: History, route: str, stretch: tuple[float, float], now_s: float
    ) -> Sequence[CallRow]:
        """Calls of a stretch; of many, every second, third, ... one."""
        from_s, until_s = now_s - stretch[0], now_s - stretch[1]
        rows: list[CallRow] = []
        while from_s < until_s:
            to_s = min(until_s, (math.floor(from_s / STEP_S) + 1) * STEP_S)
            rows += history.rows(route, from_s, to_s)
            from_s = to_s
            await asyncio.sleep(0)
        return rows[:: -(-len(rows) // MOST_ROWS)] if rows else rows


def _told(question: Question, diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "route": question.route,
        "of": question.of,
        "now": question.now,
        "before": question.before,
        "diagnosis": diagnosis,
        "labels": LABELS,
    }
