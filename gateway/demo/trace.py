"""The calls of a run, replayed from a file in the format of the Azure LLM inference traces.

    TIMESTAMP,ContextTokens,GeneratedTokens
    2023-11-16 18:15:46.6805900,374,44

Lines may end as Windows ends them, the last may not end at all, and a second has seven digits after the point. The
run is short and the traces are long, so the first part of the file is taken, just long enough to have the calls the
run needs, and its time is scaled to the run's: gaps keep their proportions. What was done is told on the screen,
since compression changes how bursty traffic is against the time an answer takes.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from ...router.errors import ConfigurationError
from .traffic import PlannedCall, Traffic, which_route

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
TO_THE_SECOND = len("2023-11-16 18:15:46")


class BadTrace(ConfigurationError):
    """The file of a trace cannot be read as one. The message says where, and what was expected."""


@attrs.frozen
class Row:
    """One call of a trace: seconds on the file's own clock, tokens in and out."""

    at_s: float
    prompt_tokens: int
    answer_tokens: int


def replay(path: Path, *, seconds: float, rate: float, seed: int) -> Traffic:
    """The first calls of the file, as many as *seconds* at *rate* need, spread over *seconds*.

    Raises:
        BadTrace: the file is missing, empty, or not in the format; the message names the line.
    """
    wanted = max(1, round(seconds * rate))
    rows = list(islice(read(path), wanted + 1))
    span_s = _span_s(rows, wanted)
    scale = seconds / span_s if span_s else 0.0
    dice = random.Random(f"{seed}/traffic")
    calls = tuple(
        PlannedCall(
            number=number,
            at_s=(row.at_s - rows[0].at_s) * scale,
            route=which_route(dice),
            prompt_tokens=row.prompt_tokens,
            answer_tokens=row.answer_tokens,
        )
        for number, row in enumerate(rows[:wanted], start=1)
    )
    how = f"compressed {span_s / seconds:.2g} times" if span_s >= seconds else f"stretched {scale:.2g} times"
    return Traffic(calls=calls, told=f"the first {len(calls)} calls of {path.name}, {span_s:.1f} s of it, {how}")


def _span_s(rows: list[Row], wanted: int) -> float:
    """Seconds of the file that the wanted rows stand for: up to the row after them, or a mean gap after the last."""
    if len(rows) > wanted:
        return rows[wanted].at_s - rows[0].at_s
    return (rows[-1].at_s - rows[0].at_s) * len(rows) / max(1, len(rows) - 1)


def read(path: Path) -> Iterator[Row]:
    """Rows of the file, in order of time, read as they are asked for.

    Raises:
        BadTrace: as `replay`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from _rows(path, csv.reader(lines))
    except OSError as failure:
        raise BadTrace(f"{path} cannot be read: {failure.strerror}") from failure
    except (UnicodeDecodeError, csv.Error) as failure:
        raise BadTrace(f"{path} is not a file of comma-separated text: {failure}") from failure


def _rows(path: Path, table: Iterator[list[str]]) -> Iterator[Row]:
    header = next(table, None)
    if header is None:
        raise BadTrace(f"{path} is empty: expected the columns {','.join(COLUMNS)}")
    if tuple(name.strip() for name in header) != COLUMNS:
        raise BadTrace(f"{path}, line 1: the columns are {','.join(header)[:80]!r}, expected {','.join(COLUMNS)}")
    before_s: float | None = None
    for line, fields in enumerate(table, start=2):
        if not fields:
            continue
        try:
            row = _row(fields)
        except ValueError as mistake:
            raise BadTrace(f"{path}, line {line}: {mistake}") from None
        if before_s is not None and row.at_s < before_s:
            raise BadTrace(f"{path}, line {line}: {fields[0]} is before the line above: sort the file by time")
        before_s = row.at_s
        yield row
    if before_s is None:
        raise BadTrace(f"{path} has a header and no calls")


def _row(fields: list[str]) -> Row:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields, expected {len(COLUMNS)}")
    return Row(_instant_s(fields[0]), _tokens(COLUMNS[1], fields[1]), _tokens(COLUMNS[2], fields[2]))


def _instant_s(text: str) -> float:
    """Seconds since 1970. The fraction is read apart: it has a digit more than `datetime` keeps."""
    try:
        whole = datetime.strptime(text[:TO_THE_SECOND], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        fraction = text[TO_THE_SECOND:].strip()
        return whole.timestamp() + (float(f"0{fraction}") if fraction else 0.0)
    except ValueError:
        raise ValueError(f"TIMESTAMP is {text[:40]!r}, expected the form 2023-11-16 18:15:46.6805900") from None


def _tokens(column: str, text: str) -> int:
    if not text.strip().isdecimal() or not int(text):
        raise ValueError(f"{column} is {text[:40]!r}, expected a whole number above 0")
    return int(text)
