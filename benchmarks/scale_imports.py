"""The third table of `benchmarks.scale`: the CPU a fresh process takes to import Paceline, and its memory then."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from benchmarks.apart import fresh
from benchmarks.command import judged, table

AIM_IMPORT_MS = 100.0
"""Milliseconds that importing the router and the policies may take beyond aiohttp's own."""

AIOHTTP, OURS = "aiohttp", "router and policies"
SOURCES = {
    "nothing": "pass",
    AIOHTTP: "import aiohttp",
    OURS: "import paceline.router, paceline.policies",
    "providers as well": "import paceline.router, paceline.policies, paceline.providers",
}
TIMED = """
import time
began_s = time.process_time()
{source}
spent_s = time.process_time() - began_s
from resource import RUSAGE_SELF, getpagesize, getrusage
try:
    resident = int(open("/proc/self/statm").read().split()[1]) * getpagesize()
except OSError:  # not Linux: the most it ever was
    resident = getrusage(RUSAGE_SELF).ru_maxrss
print(spent_s * 1e3, resident / 2**20)
"""


@attrs.frozen(order=True)
class Import:
    """What one import took. ms: of CPU. mib: of the whole process, in RAM."""

    ms: float
    mib: float


def by_imports(rounds: int) -> dict[str, Import]:
    """The least of all rounds, which are interleaved: nothing can make an import faster than it is."""
    least: dict[str, Import] = {}
    for _ in range(rounds):
        for name, source in SOURCES.items():
            found = Import(*map(float, fresh("-c", TIMED.format(source=source)).split()))
            least[name] = min(least.get(name, found), found)
    return least


def import_table(imports: Mapping[str, Import]) -> str:
    """Milliseconds and MiB of a fresh process."""
    heads = ["import of", "ms", "beside aiohttp", "MiB of the process"]
    floor_ms = imports[AIOHTTP].ms
    return table(
        heads,
        [[name, f"{it.ms:.0f}", f"{it.ms - floor_ms:+.0f}", f"{it.mib:.0f}"] for name, it in imports.items()],
    )


def import_verdict(imports: Mapping[str, Import]) -> str:
    """What became of the aim."""
    more_ms = imports[OURS].ms - imports[AIOHTTP].ms
    judgement = f"{judged(more_ms, AIM_IMPORT_MS)} of {AIM_IMPORT_MS:g} ms"
    return f"Importing the router and the policies takes {more_ms:.0f} ms of CPU more than aiohttp: {judgement}."
