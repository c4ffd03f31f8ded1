"""What is known of speeds and distances: read from the shared data where they are, else the published figures."""

from __future__ import annotations

import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import attrs

from paceline.gateway.demo.quantiles import Quantiles

from . import published

TRACE = Path("azure-llm-2023/AzureLLMInferenceTrace_conv.csv")
LLMPERF = Path("llmperf-leaderboard/llmperf_individual_2023-12.csv")
ROUND_TRIPS = Path("rtt-azure-2026/rtt_azure_p95_2026-07.csv")
THEFASTEST = Path("thefastest-ai/thefastest_runs_2024-04.csv")

MODEL = "llama2-70b"
RENAMED = ("fixie-westus.azure/", "azure.westus/")
"""Two labels of one series, of before and after 2024-04-24."""

FEWEST_RUNS = 10


@attrs.frozen(kw_only=True)
class Measured:
    """Distributions of seconds to the first token and per token by provider, round trips by region, and the drift.

    drift: standard deviation of the logarithm of an endpoint's own level over time.
    told: where they come from.
    """

    ttft_s: Mapping[str, Quantiles]
    tpot_s: Mapping[str, Quantiles]
    round_trip_s: Mapping[str, float]
    drift: float
    told: str


def measured(folder: Path | None) -> Measured:
    """From the files in *folder*, or, without it, as published."""
    if folder is None:
        return Measured(
            ttft_s=published.TTFT_S,
            tpot_s=published.TPOT_S,
            round_trip_s=published.ROUND_TRIP_S,
            drift=published.drift_spread(published.DAY_TO_DAY),
            told="published quantiles of LLMPerf's cells, Azure's round trips and thefastest.ai's drift",
        )
    ttft_s, tpot_s = _cells(folder / LLMPERF)
    return Measured(
        ttft_s=ttft_s,
        tpot_s=tpot_s,
        round_trip_s=_round_trips(folder / ROUND_TRIPS),
        drift=published.drift_spread(_day_to_day(folder / THEFASTEST)),
        told=f"rows of {LLMPERF.name}, {ROUND_TRIPS.name} and {THEFASTEST.name}",
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def resampled(values: list[float]) -> Quantiles:
    """The distribution of a sample: all of its rows, and what lies between two of them."""
    ordered = tuple(sorted(values))
    return Quantiles(tuple(place / (len(ordered) - 1) for place in range(len(ordered))), ordered)


def _cells(path: Path) -> tuple[dict[str, Quantiles], dict[str, Quantiles]]:
    good: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(path):
        if row["model"] == MODEL and not row["error_code"] and row["provider"] in published.TTFT_S:
            good[row["provider"]].append(row)
    return (
        {name: resampled([float(row["ttft_s"]) for row in rows]) for name, rows in good.items()},
        {name: resampled([float(row["tpot_s"]) for row in rows]) for name, rows in good.items()},
    )


def _round_trips(path: Path) -> dict[str, float]:
    here = published.AZURE["us-east"]
    row = next(row for row in _rows(path) if row["Source"] == here)
    return {ours: float(row[theirs] or 0.0) / 1000.0 for ours, theirs in published.AZURE.items()}


def _day_to_day(path: Path) -> float:
    series: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in _rows(path):
        model, ttft_s = row["model"].replace(*RENAMED), float(row["ttft_s"])
        if row["clean"] == "1" and "azure" in model and ttft_s > 0.0:
            series[row["client_region"], model].append(ttft_s)
    changes = [
        statistics.median(abs(math.log(after / before)) for before, after in pairwise(runs))
        for runs in series.values()
        if len(runs) >= FEWEST_RUNS
    ]
    return statistics.median(changes)
