"""What was recorded of production traffic: one line of JSON for each call, without a word of what was said.

The first line of a file says when it was begun and which endpoints there were. Each other line is a call: when it came,
how large it was, what it wanted, what became of it, and every attempt with its timings. Seconds are relative: those of
a call to the beginning of the file, those of an attempt to the arrival of its call. There is no prompt, answer, user or
key in it, so it can be sent to whoever is to look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec
from msgspec import structs

from ...router import Operation
from ...router.errors import ConfigurationError

FORMAT = 1


class BadRecording(ConfigurationError):
    """A file is no recording, or a line of it cannot be read. The message says which."""


class Placed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint as it was configured when the recording began."""

    name: str
    model: str
    region: str
    provider: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file.

    paceline: number of the format. began: wall time, by which several files are laid side by side.
    """

    paceline: int
    began: datetime
    endpoints: tuple[Placed, ...]


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try at one endpoint. Seconds since it was sent; None: not reached, or not known.

    at_s: when it was sent, after the arrival of its call. outcome: ``ok``, ``failed``, ``timed_out`` or ``cancelled``.
    reason: of a failure, one word. in_flight: calls its endpoint had under way, itself included.
    ttft_s: to the first progress. tpot_s: per output token after it. total_s: to its end.
    retry_after_s: what a failure told of when to come back.
    """

    endpoint: str
    at_s: float
    outcome: str
    total_s: float
    reason: str | None = None
    in_flight: int = 1
    slot_wait_s: float = 0.0
    streamed: bool = True
    hedge: bool = False
    ttft_s: float | None = None
    tpot_s: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    retry_after_s: float | None = None


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call: what it wanted, and what became of it.

    at_s: when it came, in seconds since the file began. budget_s: seconds its caller would wait. tokens_out: of its
    answer, where the vendor told. outcome: ``answered``, ``failed`` or ``cancelled``. ttft_s, total_s: as its caller
    saw them. in_time: within the objective of its route. cost: money, of all its attempts.
    decisions: what each policy decided, in its own words. operation: what was asked for.
    """

    at_s: float
    route: str
    outcome: str
    total_s: float
    budget_s: float
    prompt_tokens: int
    model: str | None = None
    reason: str | None = None
    tokens_out: int | None = None
    max_tokens: int | None = None
    priority: str | None = None
    urgency: int | None = None
    min_quality: int | None = None
    residency: tuple[str, ...] | None = None
    location: str | None = None
    streamed: bool = True
    asks_stream: bool = True
    ttft_s: float | None = None
    in_time: bool = False
    cost: float = 0.0
    hedges: int = 0
    retries: tuple[str, ...] = ()
    fallbacks: int = 0
    attempts: tuple[AttemptRecord, ...] = ()
    decisions: tuple[str, ...] = ()
    operation: str = Operation.CHAT.value


@attrs.frozen(kw_only=True)
class Recording:
    """All that was read.

    calls: in order of arrival, in seconds since the first file began. endpoints: names of those that were there.
    cut: lines that end in the middle, as the last line of a program that was killed does; they are left out.
    """

    calls: tuple[CallRecord, ...] = attrs.field(repr=False)
    endpoints: frozenset[str]
    cut: int


def read(files: Iterable[Path]) -> Recording:
    """Read recordings: files that follow one another, or those of several processes, in any order.

    Raises:
        BadRecording: a file is no recording, is of another version, or has a line that cannot be read.
        OSError: a file cannot be opened.
    """
    found: list[tuple[datetime, list[CallRecord]]] = []
    endpoints: set[str] = set()
    cut = 0
    for path in files:
        with path.open("rb") as file:
            header = _header(path, file)
            endpoints.update(endpoint.name for endpoint in header.endpoints)
            calls: list[CallRecord] = []
            for call in _calls(path, file):
                if call is None:
                    cut += 1
                else:
                    calls.append(call)
            if calls:
                found.append((header.began, calls))
    if not found:
        raise BadRecording("there is no call in what was recorded: record some traffic first")
    first = min(began for began, _ in found)
    laid = [
        structs.replace(call, at_s=call.at_s + (began - first).total_seconds())
        for began, calls in found
        for call in calls
    ]
    first_s = min(call.at_s for call in laid)
    laid = [structs.replace(call, at_s=call.at_s - first_s) for call in laid]
    return Recording(calls=tuple(sorted(laid, key=lambda call: call.at_s)), endpoints=frozenset(endpoints), cut=cut)


def _header(path: Path, file: BinaryIO) -> Header:
    try:
        header = msgspec.json.decode(file.readline(1 << 24), type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRecording(
            f"{path} is no recording: it does not begin with the line that every recording has"
        ) from None
    if header.began.tzinfo is None:
        raise BadRecording(f"{path} is no recording: the time in its first line has no zone")
    if header.paceline != FORMAT:
        raise BadRecording(f"{path} is a recording of format {header.paceline}, and this program reads {FORMAT}")
    return header


def _calls(path: Path, file: BinaryIO) -> Iterator[CallRecord | None]:
    """The calls of a file; None for a last line that was cut off."""
    decoder = msgspec.json.Decoder(CallRecord)
    for number, line in enumerate(file, start=2):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            if line.endswith(b"\n"):
                raise BadRecording(f"{path}, line {number}: {fault}") from None
            yield None
