"""What is shown: while it runs, and when it is over, on a wide terminal, a narrow one, and in a file."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from paceline.gateway.bench import progress, table
from paceline.gateway.bench.figures import outcome
from paceline.gateway.bench.measure import Bench
from paceline.gateway.bench.plan import Plan
from paceline.router import Endpoint
from paceline.router.errors import AuthenticationFailed
from paceline.router.testing import Behaviour, Simulated, run, virtual_clock

from .run import benched, came_of, simulated

FLEET = simulated(
    east=Behaviour(ttft_s=0.2, tokens_per_s=90, tail=0.0),
    slow=Behaviour(ttft_s=0.4, tokens_per_s=5, tail=0.0),
    broken=Behaviour(error_rate=1.0, error=AuthenticationFailed),
)


def shown(bench: Bench, width: int, *, terminal: bool = True) -> str:
    said = io.StringIO()
    table.show(
        came_of(bench), Console(file=said, width=width, force_terminal=terminal, no_color=True, color_system=None)
    )
    return said.getvalue()


@pytest.fixture(scope="module")
def bench() -> Bench:
    return benched(FLEET, Plan(calls=25, at_once=3))


def test_every_endpoint_has_a_row_with_its_figures(bench: Bench) -> None:
    rows = {line.split()[0]: line.split() for line in shown(bench, 140).splitlines() if line.strip()}

    east = came_of(bench).endpoints[0]
    assert rows["east"][1:3] == ["25", "100%"]
    assert rows["east"][3] == f"{(east.ttft_s.p50 or 0) * 1000:.0f}ms"
    assert rows["broken"][1:4] == ["25", "0.0%", "-"]


def test_what_went_wrong_is_told_below_with_the_mend(bench: Bench) -> None:
    said = shown(bench, 140)

    assert "broken: 25 x authentication, at first: failed, as simulated" in said
    assert "in none of the times: slow. Lower --rate" in " ".join(said.split())
    assert "p99 is no more than the slowest" in said or "p95 and p99 are no more" in said
    assert "No profile for broken" in said


def test_lines_to_paste_are_whole_however_narrow(bench: Bench) -> None:
    east = came_of(bench).endpoints[0]

    assert f"  {east.profile}  # east\n" in shown(bench, 30)


@pytest.mark.parametrize("width", [80, 96, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(bench: Bench, width: int) -> None:
    table_lines = shown(bench, width).split("\n\n")[0].splitlines()

    assert max(map(len, table_lines)) <= width
    assert len(table_lines) == 1 + len(FLEET)


def test_a_file_has_all_columns_whatever_their_width(bench: Bench) -> None:
    wide, narrow, piped = shown(bench, 160), shown(bench, 80), shown(bench, 40, terminal=False)

    assert [line.split() for line in piped.splitlines()[:4]] == [line.split() for line in wide.splitlines()[:4]]
    assert "queued" in piped.splitlines()[0]
    assert "queued" not in narrow.splitlines()[0]


def test_where_room_is_short_names_give_way_and_figures_do_not() -> None:
    long = simulated(**{"an-endpoint-with-a-name-that-is-longer-than-most": Behaviour(ttft_s=0.2, tail=0.0)})
    narrow = shown(benched(long, Plan(calls=25)), 70)

    assert narrow.splitlines()[1].startswith("an-endpo")
    assert "…" in narrow.splitlines()[1]
    assert narrow.splitlines()[1].split()[1] == "100%"
    assert "…" not in narrow.splitlines()[0]


def test_with_prices_it_tells_what_it_cost() -> None:
    priced = Endpoint(name="a", provider=Simulated(), model="m", price_in_per_m=100.0, price_out_per_m=100.0)

    assert "cost" in shown(benched([priced], Plan(calls=5)), 140)


def test_of_many_answers_nothing_has_to_be_excused() -> None:
    assert "no more than" not in shown(benched(simulated(a=Behaviour()), Plan(calls=120)), 140)


def test_names_cannot_command_the_terminal() -> None:
    said = shown(benched(simulated(**{"a\x1b[2J": Behaviour(error_rate=1.0)}), Plan(calls=2)), 140)

    assert "\x1b[2J" not in said
    assert "a\\x1b[2J" in said


def test_of_nothing_nothing_is_shown() -> None:
    async def main() -> Bench:
        return Bench(FLEET, Plan(), virtual_clock)

    assert "nothing to show" in shown(run(main), 80)


# -- while it runs


def running(width: int, height: int) -> tuple[str, str]:
    """The picture and the line, in the middle of a run."""

    async def main() -> tuple[str, str]:
        bench = Bench(FLEET, Plan(calls=20), virtual_clock)
        task = asyncio.create_task(bench.run())
        await asyncio.sleep(10.0)
        said = io.StringIO()
        Console(file=said, width=width, force_terminal=True, color_system=None).print(progress.picture(bench, height))
        line = progress.line(bench)
        task.cancel()
        await asyncio.wait([task])
        return said.getvalue(), line

    return run(main)


def test_a_bar_shows_how_far_each_endpoint_is() -> None:
    picture, line = running(80, 20)

    (east,) = [row.split() for row in picture.splitlines() if row.startswith("east")]
    assert east[2:4] == ["9/20", "0"]
    assert east[-2].endswith("ms")
    assert "10/20" in picture
    assert max(map(len, picture.splitlines())) <= 80
    assert line.startswith("19 of 60 calls ended, 10 failed, ")


def test_of_more_endpoints_than_fit_the_first_are_shown() -> None:
    picture, _ = running(80, 2)

    assert "and 2 more" in picture
    assert "broken" not in picture


@pytest.mark.parametrize("terminal", [True, False])
def test_the_run_is_watched_until_it_ends(terminal: bool) -> None:  # noqa: FBT001  a parameter of a test
    said = io.StringIO()

    async def main() -> None:
        console = Console(file=said, width=80, force_terminal=terminal, color_system=None)
        bench = Bench(FLEET, Plan(calls=20), virtual_clock)
        watching = asyncio.create_task(progress.watch(bench, console))
        await bench.run()
        watching.cancel()
        await asyncio.wait([watching])
        assert outcome(bench.plan, bench.lanes, source="", interrupted=False).endpoints[0].sent == 20

    run(main)
    assert ("of 60 calls ended" in said.getvalue()) is not terminal
    assert ("TTFT p50" in said.getvalue()) is terminal
