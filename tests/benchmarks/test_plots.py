"""`benchmarks.plots`: the same bytes each time, readable on white and on dark, from figures that are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import plots, plots_runs
from benchmarks.plots_drawing import COLOURS, by_percentile
from benchmarks.plots_runs import FROM_S, STACKS, Heard, heard

FEW = {
    name: [Heard(float(at_s), None if at_s == 7 else 0.2 + factor * at_s / 100) for at_s in range(300)]
    for factor, name in enumerate(STACKS)
}
SCALE = {
    "us_per_call": [
        {"stack": stack, "many": many, "how": how, "us": 30.0 + many}
        for stack in ("minimal", "interactive")
        for how in ("one after the other", "100 a second", "all at once")
        for many in (1, 10, 1000)
    ]
}
LOADS = {name: [(4.0, 1.0), (8.0, 0.5)] for name in STACKS}
OVERHEAD = {"ways": {plots.LITELLM: {"us_per_call": {"whole, 1 at once": 2000.0}}}}


def drawn(folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    (folder / "scale.json").write_text(json.dumps(SCALE), encoding="utf-8")
    (folder / "overhead.json").write_text(json.dumps(OVERHEAD), encoding="utf-8")
    return {name: (folder / name).read_bytes() for name in plots.draw(folder, FEW, FEW, LOADS)}


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = drawn(tmp_path / "a"), drawn(tmp_path / "b")

    assert first.keys() == {"latency.svg", "incident.svg", "load.svg", "cost.svg"}
    assert first == second


def test_a_picture_has_no_date_and_no_background_and_its_letters_are_text(tmp_path: Path) -> None:
    for picture in drawn(tmp_path / "a").values():
        assert b"dc:date" not in picture
        assert b"#ffffff" not in picture
        assert b"<text" in picture


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_every_colour_can_be_read_on_white_and_on_dark(page: str, tmp_path: Path) -> None:
    used = {colour for svg in drawn(tmp_path / "a").values() for colour in re.findall(r"#[0-9a-f]{6}", svg.decode())}

    assert set(COLOURS) <= used
    assert all(contrast(colour, page) >= 3.0 for colour in used)


def test_without_measurements_there_is_no_picture_of_them(tmp_path: Path) -> None:
    assert plots.draw(tmp_path, FEW, FEW, LOADS) == ["latency.svg", "incident.svg", "load.svg"]


def test_a_percentile_has_its_place_and_the_last_ten_calls_are_not_drawn() -> None:
    points = by_percentile([float(value) for value in range(100)], unanswered=0)

    assert points[0] == (1.0, 0.0)
    assert all(value / 100 == pytest.approx(1 - 1 / place) for place, value in points)
    assert points[-1][1] <= 90


def test_calls_without_an_answer_count_as_the_slowest() -> None:
    points = by_percentile([1.0] * 100, unanswered=100)

    assert points[-1][0] <= 2.0


def test_shares_over_time_are_by_the_instant_calls_came() -> None:
    calls = [Heard(1.0, 0.5), Heard(2.0, None), Heard(15.0, 0.5)]

    assert plots.over_time(calls) == [(5.0, 0.5), (15.0, 1.0)]


def test_only_what_is_by_endpoints_is_drawn_by_endpoints() -> None:
    lines = plots.cost_lines(SCALE)

    assert len(lines) == 4
    assert lines["interactive, 100 a second"] == [(1, 31.0), (10, 40.0), (1000, 1030.0)]
    assert plots.cost_marks({"ways": {}}) == {}


def test_a_run_with_one_seed_is_always_the_same_and_the_brown_out_is_felt() -> None:
    blindly, seconds = STACKS["round robin"], FROM_S + 20.0

    ill, again = (heard(blindly(), 1, brown_out=True, seconds=seconds) for _ in range(2))
    well = heard(blindly(), 1, seconds=seconds)

    late = [sum(each.in_time for each in calls if each.at_s >= FROM_S) for calls in (ill, well)]
    assert ill == again
    assert late[0] < late[1]
    assert plots.figures({"a": well}, {"a": ill}, {"a": [(4.0, 1.0)]})
    assert "| a |" in plots.figure_table({"a": well}, {"a": ill})


def test_a_heavier_load_leaves_fewer_calls_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots_runs, "LOADS_PER_S", (4.0, 40.0))
    monkeypatch.setattr(plots_runs, "LOAD_RUN_S", 15.0)

    lines = plots_runs.in_time_by_load([1])

    assert lines.keys() == STACKS.keys()
    assert all(light > heavy for (_, light), (_, heavy) in lines.values())
    assert plots.load_table(lines).splitlines()[0] == "| in time, by calls a second | 4 | 40 |"
