"""What is known of latency as a file, so that a process starts warm where another one stopped.

The file is a histogram log, version 1.3: the ``.hlog`` of the HdrHistogram family. It has a line for each interval of
each distribution, under a tag that names it (`tag`), and the usual tools read and plot it as it is. Values are
nanoseconds (`payload`), which these tools divide by a million: their milliseconds are milliseconds for every metric,
time per token included. Latencies that were cut off have tags of their own, ending in ``/censored``: a tool that does
not know what censored means must not count them as if they had been seen to their end.

    #[Logged with Paceline, format 1]
    #[Histogram log format version 1.3]
    #[Values are nanoseconds: divide by 1000000 for milliseconds]
    #[StartTime: 1764000000.000 (seconds since epoch), 2025-11-24T16:00:00Z]
    #[BaseTime: 1764000000.000 (seconds since epoch)]
    "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
    Tag=eu/ttft/size-5,0.000,10.000,413.000,HISTFAAAACx4nJNpmSzMwMDAyQABzGCS38kByHQz2LGAwf4DRGI1N5MxkzSTMhMAjbUGEw==
    Tag=eu/ttft/size-5/censored,0.000,10.000,2007.000,HISTFAAAACV4nJNpmSzMwMDAzAABEJrfyQHIdDPYsYDB/gNE4rMuEwBqWwYA
    #[End of Paceline's log: 2 histograms, CRC-32 49fffe7b]

The last line is a comment to others. To us it says that nothing is missing and nothing was changed: `load` gives what
`save` was given, or an error. A log that another program wrote has no such line, and is read without it if its tags
are ours. Several logs in one file are one log.

A file belongs to the wall clock, which a router does not look at; so whoever calls says what time it is. What a file
tells of the future, because the clock was set back, counts as of now.

Source: HdrHistogram, HistogramLogWriter and HistogramLogReader. The Python library's own two are not used: its writer
knows no tags and fails at the start time, its reader passes over lines it does not understand.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from ..errors import ConfigurationError, CorruptStatistics
from ..replaced import replace
from . import payload
from .deflated import deflated
from .hlog_reader import BEGIN, END, END_OF_TIME_S, FORMAT, HlogReader, Recorded
from .snapshot import Intake, Snapshot

SHORTEST_S = 0.001
"""The resolution of times in a log."""


def save(path: str | PathLike[str], snapshot: Snapshot, *, now_epoch_s: float) -> None:
    """Write a snapshot to a file, whole or not at all; what the file held before is replaced.

    A new file is its owner's alone to read: it names endpoints. It waits for the disk, so not within an event loop.
    now_epoch_s: the wall clock, seconds since 1970 UTC, at the time the snapshot was taken.

    Raises:
        ConfigurationError: the wall clock cannot be right.
        OSError: it could not be written; what was there still is.
    """
    replace(Path(path), written(snapshot, now_epoch_s=now_epoch_s))


def load(path: str | PathLike[str], *, now_epoch_s: float) -> Snapshot:
    """The snapshot in a file, its intervals aged by the time that has passed since.

    now_epoch_s: the wall clock, seconds since 1970 UTC, at the time the snapshot is used.

    Raises:
        CorruptStatistics: the file is damaged, cut short, too large, or not Paceline's; the error names the line.
        ConfigurationError: the wall clock cannot be right.
        OSError: it could not be read; `FileNotFoundError` if there is none.
    """
    _check(now_epoch_s)
    intake = Intake()
    for recorded in read(path):
        age_s = max(0.0, now_epoch_s - recorded.end_epoch_s)
        try:
            intake.add(recorded.tag, age_s, recorded.length_s, recorded.histogram)
        except CorruptStatistics as fault:
            raise CorruptStatistics(str(fault), file=str(path)) from fault
    return intake.snapshot()


def read(path: str | PathLike[str]) -> Iterator[Recorded]:
    """The histograms in a file, one by one, so that a file of any length takes little memory.

    Raises:
        CorruptStatistics, OSError: as `load`. What came before is not to be used then.
    """
    with Path(path).open("rb") as file:
        yield from HlogReader(file, str(path))


def written(snapshot: Snapshot, *, now_epoch_s: float) -> bytes:
    """The text of the log, as `save` puts it into a file.

    Raises:
        ConfigurationError: the wall clock cannot be right.
    """
    _check(now_epoch_s)
    lines = sorted(_lines(snapshot, now_epoch_s), key=lambda line: (line.start_epoch_s, str(line.tag)))
    start_s = lines[0].start_epoch_s if lines else now_epoch_s
    _check(start_s)
    base_s = math.floor(start_s * 1000.0) / 1000.0
    text = "\n".join([*_head(base_s), *(_line(line, base_s) for line in lines), ""]).encode("ascii")
    end = END.format(histograms=len(lines), checksum=zlib.crc32(text))
    return f"{BEGIN.format(version=FORMAT)}\n".encode("ascii") + text + f"{end}\n".encode("ascii")


def _check(epoch_s: float) -> None:
    if not 0.0 <= epoch_s < END_OF_TIME_S:
        raise ConfigurationError(f"the wall clock is at {epoch_s} s: give seconds since 1970, as time.time() does")


def _lines(snapshot: Snapshot, now_epoch_s: float) -> Iterator[Recorded]:
    for tag, interval, histogram in snapshot.histograms():
        length_s = max(SHORTEST_S, interval.length_s)
        yield Recorded(tag, now_epoch_s - interval.age_s - length_s, length_s, histogram)


def _head(base_s: float) -> tuple[str, ...]:
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(base_s))
    return (
        "#[Histogram log format version 1.3]",
        "#[Values are nanoseconds: divide by 1000000 for milliseconds]",
        f"#[StartTime: {base_s:.3f} (seconds since epoch), {date}]",
        f"#[BaseTime: {base_s:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    )


def _line(line: Recorded, base_s: float) -> str:
    histogram = line.histogram
    max_ms = histogram.highest_s(histogram.filled()[-1][0]) * 1000.0
    offset_s = max(0.0, line.start_epoch_s - base_s)  # floats may put the first a hair before itself: -0.000
    times = f"{offset_s:.3f},{line.length_s:.3f},{max_ms:.3f}"
    return f"Tag={line.tag},{times},{deflated(payload.encode(histogram))}"
