"""How the pictures of `benchmarks.plots` look: SVG that is the same, byte for byte, whenever it is drawn anew.

Nothing in the file depends on the day or on chance, and letters are text. There is no background, and every colour is
of a middle tone, with a contrast of at least 3 to 1 to white and to the dark of code hosts; so one file serves both.

Percentiles are drawn as Gil Tene's HdrHistogram draws them: the axis is 1 / (1 - p), logarithmic, so that the tail has
as much room as the body.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.apart import library

GREY, BLUE, ORANGE, GREEN = "#79797a", "#3b82f6", "#d9730d", "#2e9e5b"
COLOURS = (GREY, ORANGE, BLUE, GREEN)
"""Of lines, in order; the last of three is the one that matters."""

STYLE: Mapping[str, object] = {
    "svg.hashsalt": "paceline",
    "svg.fonttype": "none",
    "figure.constrained_layout.w_pad": 0.12,  # letters are wider in some fonts
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}
NINES = {1.0: "0", 2.0: "50", 10.0: "90", 20.0: "95", 100.0: "99", 1000.0: "99.9"}
"""Percentiles that are named on the axis, by their place on it."""

Line = Sequence[tuple[float, float]]
"""Points, in order."""


@contextmanager
def picture(path: Path, title: str) -> Generator[Any]:
    """One plot, matplotlib's axes, written to *path* at the end.

    Raises:
        Absent: matplotlib is not installed.
    """
    with library("matplotlib").rc_context(dict(STYLE)):
        figure = library("matplotlib.figure").Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title)
        yield axes
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _lines(axes: Any, lines: Mapping[str, Line], *, marker: str = "") -> None:
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        axes.plot([x for x, _ in points], [y for _, y in points], color=colour, label=name, marker=marker)
    axes.legend()


def percentiles(path: Path, title: str, seconds: Mapping[str, Sequence[float]], unanswered: Mapping[str, int]) -> None:
    """Seconds by percentile. *unanswered*: calls that count as longer than all others, so their line ends before."""
    ticker = library("matplotlib.ticker")
    with picture(path, title) as axes:
        lines = {name: by_percentile(values, unanswered.get(name, 0)) for name, values in seconds.items()}
        _lines(axes, lines)
        axes.set(xscale="log", yscale="log", xlabel="percentile", ylabel="time to first token, s")
        axes.set_xticks(list(NINES), list(NINES.values()))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(_plain))


def by_percentile(values: Sequence[float], unanswered: int) -> Line:
    """Each value at its place 1 / (1 - p), as many as can be told apart, to where ten calls are above."""
    ordered, many = sorted(values), len(values) + unanswered
    points: list[tuple[float, float]] = []
    for number, value in enumerate(ordered):
        place = many / (many - number)
        if many - number >= 10 and (not points or place > 1.02 * points[-1][0]):
            points.append((place, value))
    return points


def shares(
    path: Path, title: str, lines: Mapping[str, Line], along: str, incident: tuple[float, float] | None = None
) -> None:
    """Shares, 0 to 1, *along* something; with a time in which something was wrong, if there was one."""
    with picture(path, title) as axes:
        if incident is not None:
            axes.axvspan(*incident, color=GREY, alpha=0.15, linewidth=0)
        _lines(axes, lines)
        axes.set(ylim=(0.0, 1.02), xlabel=along, ylabel="within the objective")
        axes.yaxis.set_major_formatter(library("matplotlib.ticker").PercentFormatter(1.0))


def costs(path: Path, title: str, lines: Mapping[str, Line], marks: Mapping[str, tuple[float, float]]) -> None:
    """Microseconds by number of endpoints. *marks*: single points, each with its name beside it."""
    with picture(path, title) as axes:
        _lines(axes, lines, marker="o")
        for name, (x, y) in marks.items():
            axes.plot([x], [y], color=GREY, marker="s")
            axes.annotate(name, (x, y), textcoords="offset points", xytext=(8, -3))
        axes.set(xscale="log", yscale="log", xlabel="endpoints", ylabel="CPU of a call, µs")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(library("matplotlib.ticker").FuncFormatter(_plain))


def _plain(value: float, _position: int | None = None) -> str:
    return f"{value:,g}"
