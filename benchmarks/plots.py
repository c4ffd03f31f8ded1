"""What does it look like?

    python -m benchmarks.plots [--quick] [--json FILE] [--to FOLDER]

Three pictures. Two are of simulated runs (`plots_runs`), in virtual time: the time to the first token by percentile,
and the share of calls within their objective around the brown-out of a region, for round robin, for the less loaded of
two endpoints, and for Paceline's interactive stack. The third is of what `benchmarks.scale` and `benchmarks.overhead`
have measured, read from their JSON in the folder: what a call costs by the number of endpoints. Drawing needs
matplotlib (``pip install '.[bench]'``); drawn from the same figures, a file is the same byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import plots_drawing as drawing
from benchmarks.command import parser, table, tell
from benchmarks.plots_runs import CALLS_PER_S, FROM_S, RUN_S, TO_S, TTFT_AIM_S, Heard, all_runs, in_time_by_load
from paceline.router.testing import quantile

QUESTION_ASKED = "What does it look like?"
RESULTS = Path(__file__).parent / "results"
SEEDS, QUICK_SEEDS = range(1, 6), range(1, 2)
LOAD_SEEDS = 2
BIN_S = 10.0
QUANTILES = (0.5, 0.9, 0.95, 0.99)
LITELLM = "LiteLLM's Router"


def over_time(heard: Sequence[Heard]) -> list[tuple[float, float]]:
    """The share within the objective, every ten seconds, by the instant the calls came."""
    points: list[tuple[float, float]] = []
    for number in range(int(RUN_S / BIN_S)):
        found = [each.in_time for each in heard if int(each.at_s / BIN_S) == number]
        if found:
            points.append(((number + 0.5) * BIN_S, sum(found) / len(found)))
    return points


def cost_lines(scale: Mapping[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Microseconds by endpoints, from the JSON of `benchmarks.scale`."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for cell in scale["us_per_call"]:
        if cell["how"] in {"one after the other", "100 a second"}:
            lines.setdefault(f"{cell['stack']}, {cell['how']}", []).append((cell["many"], cell["us"]))
    return lines


def cost_marks(overhead: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The peer, from the JSON of `benchmarks.overhead`; nothing where it was not measured."""
    costs = overhead["ways"].get(LITELLM)
    return {} if costs is None else {LITELLM: (10.0, costs["us_per_call"]["whole, 1 at once"])}


def figure_table(steady: Mapping[str, Sequence[Heard]], ill: Mapping[str, Sequence[Heard]]) -> str:
    """What the two simulated pictures show, in figures."""
    heads = ["policy", *(f"p{q * 100:g}, s" for q in QUANTILES), "in time", "in time in the brown-out", "unanswered"]
    rows: list[list[str]] = []
    for name, heard in steady.items():
        seconds = [each.ttft_s for each in heard if each.ttft_s is not None]
        told = [f"{quantile(seconds, q) or 0.0:.3f}" for q in QUANTILES]
        within = [each for each in ill[name] if FROM_S <= each.at_s < TO_S]
        unanswered = sum(each.ttft_s is None for each in within)
        rows.append([name, *told, _share(heard), _share(within), f"{unanswered} of {len(within):,}"])
    return table(heads, rows)


def _share(heard: Sequence[Heard]) -> str:
    return f"{sum(each.in_time for each in heard) / len(heard):.1%}"


def load_table(by_load: Mapping[str, drawing.Line]) -> str:
    """Shares within the objective by calls a second."""
    loads = [f"{calls_per_s:g}" for calls_per_s, _ in next(iter(by_load.values()))]
    rows = [[name, *(f"{share:.1%}" for _, share in line)] for name, line in by_load.items()]
    return table(["in time, by calls a second", *loads], rows)


def draw(
    folder: Path,
    steady: Mapping[str, Sequence[Heard]],
    ill: Mapping[str, Sequence[Heard]],
    by_load: Mapping[str, drawing.Line],
) -> list[str]:
    """Every picture that can be drawn. Gives the names of the files."""
    seconds = {name: [each.ttft_s for each in heard if each.ttft_s is not None] for name, heard in steady.items()}
    unanswered = {name: sum(each.ttft_s is None for each in heard) for name, heard in steady.items()}
    title = f"Time to first token by percentile: 9 endpoints, {CALLS_PER_S:g} calls a second"
    drawing.percentiles(folder / "latency.svg", title, seconds, unanswered)
    title = f"Calls that begin within {TTFT_AIM_S:g} s, around the brown-out of one region of three"
    lines = {name: over_time(heard) for name, heard in ill.items()}
    drawing.shares(folder / "incident.svg", title, lines, "seconds", (FROM_S, TO_S))
    title = f"Calls that begin within {TTFT_AIM_S:g} s, by load"
    drawing.shares(folder / "load.svg", title, by_load, "calls a second")
    drawn = ["latency.svg", "incident.svg", "load.svg"]
    scale, overhead = folder / "scale.json", folder / "overhead.json"
    if scale.exists() and overhead.exists():
        found = [json.loads(path.read_text(encoding="utf-8")) for path in (scale, overhead)]
        title = "What a call costs by the number of endpoints"
        drawing.costs(folder / "cost.svg", title, cost_lines(found[0]), cost_marks(found[1]))
        drawn.append("cost.svg")
    return drawn


def figures(
    steady: Mapping[str, Sequence[Heard]], ill: Mapping[str, Sequence[Heard]], by_load: Mapping[str, drawing.Line]
) -> dict[str, object]:
    """For JSON."""
    by_policy: dict[str, object] = {}
    for name, heard in steady.items():
        seconds = [each.ttft_s for each in heard if each.ttft_s is not None]
        told = {f"p{q * 100:g}": quantile(seconds, q) for q in QUANTILES}
        by_policy[name] = {
            "ttft_s": told,
            "in_time_around_the_brown_out": over_time(ill[name]),
            "in_time_by_calls_per_s": by_load[name],
        }
    return {"policies": by_policy}


def main() -> None:
    """Run, draw, print the figures, and write them as JSON if asked."""
    options = parser("plots", QUESTION_ASKED)
    options.add_argument("--to", type=Path, default=RESULTS, metavar="FOLDER", help="where to draw; default: results")
    chosen = options.parse_args()
    seeds = QUICK_SEEDS if chosen.quick else SEEDS
    steady, ill = all_runs(seeds, brown_out=False), all_runs(seeds, brown_out=True)
    chosen.to.mkdir(parents=True, exist_ok=True)
    by_load = in_time_by_load(seeds[:LOAD_SEEDS])
    drawn = draw(chosen.to, steady, ill, by_load)
    said = [figure_table(steady, ill), load_table(by_load), f"Drawn in {chosen.to.name}: {', '.join(drawn)}."]
    tell(QUESTION_ASKED, said, figures(steady, ill, by_load), json_file=chosen.json, libraries=["matplotlib"])


if __name__ == "__main__":
    main()
