"""The lines of a histogram log, read without trust.

A log may come from another program, another machine or a broken disk. It is read line by line, each line is taken
apart by the letter, and everything that is allocated has a limit: a file of gigabytes, or one that inflates to them,
costs seconds and some megabytes before it is refused.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import attrs

from ..errors import CorruptStatistics
from . import payload
from .deflated import inflated
from .tag import MOST_TOLD, Tag

if TYPE_CHECKING:
    from .hdr import Histogram

FORMAT = 1

BEGIN = "#[Logged with Paceline, format {version}]"
END = "#[End of Paceline's log: {histograms} histograms, CRC-32 {checksum:08x}]"
BEGINS = re.compile(r"#\[Logged with Paceline, format (\d{1,4})\]")
ENDS = re.compile(r"#\[End of Paceline's log: (\d{1,12}) histograms, CRC-32 ([0-9a-f]{8})\]")

NUMBER = r"\d{1,12}(?:\.\d{1,9})?"
CLOCK = re.compile(rf"#\[(StartTime|BaseTime): *({NUMBER}) ")
INTERVAL = re.compile(
    rf"(?:Tag=(?P<tag>[^,]*),)?(?P<start>{NUMBER}),(?P<length>{NUMBER}),{NUMBER},(?P<histogram>[A-Za-z0-9+/=]+)"
)

LONGEST_LINE = 128 * 1024

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of a file, and of what its histograms inflate to, together."""

END_OF_TIME_S = 253_402_300_800.0
"""The year 10000, seconds since 1970 UTC: dates go no further."""

A_YEAR_S = 365 * 24 * 3600.0


@attrs.frozen
class Recorded:
    """One line: the latencies of one stretch of time.

    start_epoch_s: when it began, seconds since 1970 UTC. length_s: seconds it lasted, above 0.
    """

    tag: Tag
    start_epoch_s: float
    length_s: float
    histogram: Histogram

    @property
    def end_epoch_s(self) -> float:
        """When it ended."""
        return self.start_epoch_s + self.length_s


class HlogReader:
    """The histograms of a log, in the order of its lines; to be iterated once.

    file: open for reading bytes. name: what errors call it.

    Raises:
        CorruptStatistics: while iterating. What came before is not to be used then.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._line = 0
        self._room = MOST_BYTES
        self._is_log = False
        """Something of a log was seen."""
        self._within = False
        """Between the first and the last line of a log of ours."""
        self._histograms = 0
        self._checksum = 0
        self._start_s: float | None = None
        self._base_s: float | None = None

    def __iter__(self) -> Iterator[Recorded]:
        while raw := self._file.readline(LONGEST_LINE + 1):
            self._line += 1
            self._spend(len(raw))
            line = raw.rstrip(b"\r\n").decode("ascii", "replace")
            if begins := BEGINS.fullmatch(line):
                self._begin(int(begins[1]))
            elif ends := ENDS.fullmatch(line):
                self._end(int(ends[1]), int(ends[2], 16))
            else:
                self._checksum = zlib.crc32(raw, self._checksum)
                if line.startswith("#"):
                    self._comment(line)
                elif line and not line.startswith('"'):
                    yield self._recorded(line)
        if self._within:
            raise self._damaged("the log breaks off, its last line is missing")
        if not self._is_log:
            raise self._foreign("there is no histogram log in it")

    def _spend(self, size: int) -> None:
        self._room -= size
        if size > LONGEST_LINE:
            raise self._foreign(f"the line is longer than {LONGEST_LINE:,} bytes")
        if self._room < 0:
            raise self._foreign(f"the log is larger than {MOST_BYTES:,} bytes, or inflates to more")

    # -- what frames a log of ours

    def _begin(self, version: int) -> None:
        if self._within:
            raise self._damaged("a log begins where the one before has not ended")
        if version != FORMAT:
            raise self._foreign(f"the log has format {version}, and this Paceline reads format {FORMAT}")
        self._forget()
        self._within = self._is_log = True

    def _end(self, histograms: int, checksum: int) -> None:
        if not self._within:
            raise self._damaged("a log ends that has not begun")
        if (histograms, checksum) != (self._histograms, self._checksum):
            raise self._damaged("the log was changed after it was written")
        self._within = False
        self._forget()

    def _forget(self) -> None:
        self._histograms = 0
        self._checksum = 0
        self._start_s = None
        self._base_s = None

    # -- what any log has

    def _comment(self, line: str) -> None:
        clock = CLOCK.match(line)
        if clock is None:
            return
        self._is_log = True
        if clock[1] == "StartTime":
            self._start_s = float(clock[2])
        else:
            self._base_s = float(clock[2])

    def _recorded(self, line: str) -> Recorded:
        found = INTERVAL.fullmatch(line)
        if found is None:
            raise self._foreign("the line is none of a histogram log, such as Tag=NAME,START,LENGTH,MAX,HISTOGRAM")
        tag = None if found["tag"] is None else Tag.read(found["tag"])
        if tag is None:
            which = "no tag" if found["tag"] is None else f"the tag {found['tag'][:MOST_TOLD]!r}"
            raise self._foreign(f"the histogram has {which}, and Paceline's are like Tag=ENDPOINT/ttft")
        start_s, length_s = self._epoch(float(found["start"])), float(found["length"])
        if length_s == 0.0 or start_s + length_s >= END_OF_TIME_S:
            raise self._damaged(f"the histogram begins at {start_s:.3f} s since 1970 and lasts {length_s:.3f} s")
        self._is_log = True
        self._histograms += 1
        return Recorded(tag, start_s, length_s, self._histogram(found["histogram"]))

    def _epoch(self, stamp_s: float) -> float:
        """Times count from the base. Where none is named, they are of 1970 unless far before the log's start."""
        if self._base_s is not None:
            return self._base_s + stamp_s
        if self._start_s is not None and stamp_s < self._start_s - A_YEAR_S:
            return self._start_s + stamp_s
        return stamp_s

    def _histogram(self, text: str) -> Histogram:
        try:
            encoded = inflated(text)
            histogram = payload.decode(encoded)
        except CorruptStatistics as fault:
            raise self._damaged(str(fault)) from fault
        self._spend(len(encoded))
        return histogram

    # -- what is wrong

    def _damaged(self, what: str) -> CorruptStatistics:
        return self._fault(f"{what}: take another copy, or do without, as all of it is learned anew")

    def _foreign(self, what: str) -> CorruptStatistics:
        return self._fault(f"{what}: give a histogram log that Paceline wrote")

    def _fault(self, message: str) -> CorruptStatistics:
        return CorruptStatistics(message, file=self._name, line=self._line or None)
