"""Play every policy through every scenario, on all cores, and print who is how good."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine

from . import tables
from .contestants import CONTESTANTS
from .figures import Figures, figures
from .measured import TRACE, measured
from .oracles import TOTAL_OBJECTIVE_S, TTFT_OBJECTIVE_S
from .playing import Row, Task, played
from .troubles import Scenario, quick, scenarios

QUESTION = "Is it smart? Policies under the same traffic and trouble, in virtual time."
SHARED = Path("../shared/data")
SEEDS, QUICK_SEEDS = 10, 3

Playing = dict[str, dict[str, list["Future[list[Row]]"]]]


def main() -> None:
    """Measure, print the tables, and write them if asked."""
    chosen = _arguments()
    folder: Path | None = chosen.data
    if folder is None and (SHARED / TRACE).is_file():
        folder = SHARED
    if folder is not None and not (folder / TRACE).is_file():
        sys.exit(f"there is no {TRACE} in {folder}: give the folder that holds it, or none for the built-in traffic")
    began_s = time.perf_counter()
    stage = [each for each in (quick() if chosen.quick else scenarios()) if chosen.only in each.name]
    if not stage:
        sys.exit(f"no scenario has {chosen.only!r} in its name: {', '.join(each.name for each in scenarios())}")
    seeds = chosen.seeds or (QUICK_SEEDS if chosen.quick else SEEDS)
    results = measure(stage, seeds, folder)
    about = _about(stage, seeds, folder, time.perf_counter() - began_s)
    text = _report(results, about, whole=not chosen.quick)
    print(text)
    if chosen.markdown is not None:
        chosen.markdown.write_text(f"{text}\n", encoding="utf-8")
    if chosen.json is not None:
        data = {"about": about, "scenarios": {name: tables.as_data(of) for name, of in results.items()}}
        chosen.json.write_text(f"{json.dumps(data, indent=1)}\n", encoding="utf-8")


def measure(stage: list[Scenario], seeds: int, folder: Path | None) -> dict[str, dict[str, Figures]]:
    """Figures by scenario and contestant."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        playing: Playing = {
            scenario.name: {
                name: [
                    pool.submit(played, Task(scenario=scenario, contestant=name, seed=seed, folder=folder))
                    for seed in range(seeds)
                ]
                for name in CONTESTANTS
            }
            for scenario in stage
        }
        summed = {
            scenario: {name: pool.submit(figures, [run.result() for run in runs]) for name, runs in of.items()}
            for scenario, of in playing.items()
        }
        return {scenario: {name: sums.result() for name, sums in of.items()} for scenario, of in summed.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=QUESTION)
    parser.add_argument("--quick", action="store_true", help="three scenarios and three seeds")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"runs of each; default {SEEDS}, quickly {QUICK_SEEDS}")
    parser.add_argument("--only", default="", metavar="TEXT", help="scenarios that have this in their name")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help=f"the traces and measurements; default {SHARED}, if it is there"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write what is printed there as well")
    return parser.parse_args()


def _about(stage: list[Scenario], seeds: int, folder: Path | None, took_s: float) -> dict[str, str]:
    known = measured(folder)
    traffic = "generated after the published figures of the Azure conversation trace (the trace itself is not there)"
    if folder is not None:
        traffic = f"{TRACE.name}, another part of it for each seed"
    fleets = {scenario.fleet.name: scenario.fleet for scenario in stage}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "traffic": traffic,
        "speeds": known.told,
        "compression": ", ".join(f"{plan.name} endpoints {plan.speed:g} times" for plan in fleets.values()),
        "objective": f"first token within {TTFT_OBJECTIVE_S:g} s and the whole within {TOTAL_OBJECTIVE_S:g} s",
        "seeds": f"0 to {seeds - 1}",
        "took": f"{took_s:.0f} s",
        **machine(),
    }


def _report(results: dict[str, dict[str, Figures]], about: dict[str, str], *, whole: bool) -> str:
    parts = [f"# {QUESTION}", tables.verdict(results), tables.summary(results)]
    parts += [f"## {name}\n\n{tables.detail(of)}" for name, of in results.items()] if whole else []
    parts.append("\n".join(f"- {name}: {value}" for name, value in about.items()))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
