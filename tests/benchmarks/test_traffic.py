"""The calls of a run: parts of a trace, compressed, and a crowd among them."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.routing.traffic import Crowd, planned

HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A call a second, each with a prompt of its own length."""
    rows = [f"2023-11-16 18:{second // 60:02}:{second % 60:02}.0000000,{second + 1},7" for second in range(600)]
    path = tmp_path / "trace.csv"
    path.write_text("\r\n".join([HEAD, *rows]), encoding="utf-8")
    return path


def test_a_part_of_the_trace_is_replayed_with_its_gaps(trace: Path) -> None:
    calls = planned(trace, seconds=60.0, speed=1.0, seed=1)

    assert len(calls) in {60, 61}
    assert [later.at_s - call.at_s for call, later in pairwise(calls)] == pytest.approx([1.0] * (len(calls) - 1))
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))


def test_compressed_it_comes_that_much_faster(trace: Path) -> None:
    assert len(planned(trace, seconds=60.0, speed=3.0, seed=1)) == pytest.approx(180, abs=1)


def test_each_seed_takes_another_part_and_one_seed_the_same(trace: Path) -> None:
    one, other, again = (planned(trace, seconds=60.0, speed=1.0, seed=seed) for seed in (1, 2, 1))

    assert one == again
    assert [call.prompt_tokens for call in one] != [call.prompt_tokens for call in other]


def test_a_part_that_begins_near_the_end_goes_on_at_the_beginning(trace: Path) -> None:
    prompts = {call.prompt_tokens for call in planned(trace, seconds=590.0, speed=1.0, seed=3)}

    assert len(prompts) >= 589


def test_without_a_trace_it_is_generated_at_its_rate() -> None:
    calls = planned(None, seconds=600.0, speed=2.0, seed=1)

    assert len(calls) == pytest.approx(600.0 * 2.0 * 5.53, rel=0.3)
    assert calls == planned(None, seconds=600.0, speed=2.0, seed=1)


def test_a_crowd_comes_faster_and_what_follows_comes_as_before() -> None:
    crowd = Crowd(from_s=10.0, to_s=20.0, times=3.0)

    assert [crowd.when(at_s) for at_s in (5.0, 10.0, 25.0, 40.0, 41.0)] == [5.0, 10.0, 15.0, 20.0, 21.0]
    assert crowd.more_s() == 20.0
