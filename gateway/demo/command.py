"""The command ``paceline demo``: from its options to its exit code.

Ctrl-C and SIGTERM end the run where it is. The calls that had finished are reported as after a whole run, on the
screen and in the JSON, and the exit code says which signal it was: 130 or 143.
"""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import time
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from ...router import Headline, diagnose
from ..ending import BAD_INPUT, FAILED, complain
from ..signals import SIGNALLED, ended_by_signals
from . import report, screen, summary
from .cloud import Cloud, CloudFailed
from .contestant import PACELINE, ROUND_ROBIN, Record, paceline, round_robin
from .lag import LagMeter, Strain
from .race import Race
from .scene import CHAT, MODELS, REGIONS, incident
from .trace import BadTrace, replay
from .traffic import Traffic, plan

if TYPE_CHECKING:
    from ...router import Diagnosis, Router
    from .options import Options

CONTESTANTS = (ROUND_ROBIN, PACELINE)


def run(options: Options) -> int:
    """Run the demo, and give its exit code."""
    console = Console(highlight=False)
    gc.freeze()  # a full collection of all that was imported would be a pause in the middle of the measurement
    try:
        traffic = _traffic(options)
        return asyncio.run(Demo(options, traffic, console).run())
    except BadTrace as mistake:
        return complain("demo", mistake, BAD_INPUT)
    except (CloudFailed, OSError) as failure:
        return complain("demo", failure, FAILED)
    finally:
        gc.unfreeze()


def _traffic(options: Options) -> Traffic:
    if options.trace is None:
        return plan(seconds=options.seconds, rate=options.rate, seed=options.seed)
    return replay(options.trace, seconds=options.seconds, rate=options.rate, seed=options.seed)


class Demo:
    """One run of the demo, and what has come of it so far."""

    def __init__(self, options: Options, traffic: Traffic, console: Console) -> None:
        self._options = options
        self._traffic = traffic
        self._console = console
        self._incident = incident(options.seconds)
        self._records: dict[str, list[Record]] = {name: [] for name in CONTESTANTS}
        self._strain: dict[str, Strain] = {}
        self._routers: dict[str, Router] = {}
        self._began_s = 0.0

    async def run(self) -> int:
        """Run it to its end or to a signal, report, and give the exit code."""
        self._announce()
        stage = asyncio.create_task(self._stage())
        with ended_by_signals(stage.cancel) as signals:
            await asyncio.wait([stage])
        if not signals:
            stage.result()
        outcome = self._outcome(interrupted=bool(signals))
        if self._options.json is not None:
            self._options.json.write_bytes(msgspec.json.format(msgspec.json.encode(outcome), indent=2) + b"\n")
        if signals:
            self._console.print(
                f"\nEnded by {signal.Signals(signals[0]).name}: this is of the calls that had finished."
            )
        report.show(outcome, self._console)
        return SIGNALLED + signals[0] if signals else 0

    def _announce(self) -> None:
        options, broken = self._options, self._incident
        self._console.print(
            f"{self._traffic.told}, to {len(MODELS)} models in {len(REGIONS)} regions, seed {options.seed}. "
            f"From {broken.from_s:.1f} to {broken.until_s:.1f} s {broken.region} is slow, and fails "
            f"{broken.failing:.0%} of its calls.\n"
        )

    async def _stage(self) -> None:
        """Servers up, both contestants through, servers down."""
        options = self._options
        async with Cloud(seconds=options.seconds, seed=options.seed, contestants=CONTESTANTS) as cloud:
            meter = LagMeter()

            def begin() -> None:
                cloud.begin()
                meter.start()
                self._began_s = time.monotonic()

            self._routers = routers = {
                ROUND_ROBIN: round_robin(cloud.ports[ROUND_ROBIN], seed=options.seed),
                PACELINE: paceline(cloud.ports[PACELINE], seed=options.seed, seconds=options.seconds),
            }
            race = Race(self._traffic, routers, begin)
            self._records = {lane.name: lane.records for lane in race.lanes}
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(screen.watch(race, self._incident, options.seconds, self._console))
                await race.run()
                watching.cancel()
            self._strain = {"callers": meter.stop(), "servers": await cloud.strain()}

    def _outcome(self, *, interrupted: bool) -> summary.Outcome:
        return summary.Outcome(
            seed=self._options.seed,
            seconds=self._options.seconds,
            traffic=self._traffic.told,
            interrupted=interrupted,
            runs={name: summary.run(records, self._incident) for name, records in self._records.items()},
            strain=self._strain,
            report=self._routers[PACELINE].report() if self._routers else None,
            why={name: self._why(router) for name, router in self._routers.items()},
        )

    def _why(self, router: Router) -> Diagnosis:
        """Why the chat's first tokens took as long as they did in the brown-out, by the router's own records."""
        rows = router.history.rows(CHAT.name, self._began_s, math.inf)
        arrived = [(self._incident.phase(row.ended_s - row.total_s - self._began_s), row) for row in rows]
        before, brownout = ([row for phase, row in arrived if phase == name] for name in ("before", "brownout"))
        return diagnose(before, brownout, of=Headline.TTFT)
