"""``paceline replay``: recorded traffic through another configuration, from the file to the exit code."""

import json
from pathlib import Path

import pytest

from paceline.gateway.cli import main
from paceline.gateway.replay.figures import blocks_of, estimates
from paceline.gateway.replay.recording import Recording, read
from paceline.gateway.replay.run import replay
from paceline.policies import Retry, RoundRobin
from paceline.router.errors import ConfigurationError

from .traffic import record

ENDPOINT = """
[[endpoint]]
name = "{name}"
provider = "openai"
api_key_env = "A_KEY_THAT_NOBODY_HAS"
model = "m"
region = "{name}"
slots = 50
price_in_per_m = 1.0
price_out_per_m = 2.0
{more}
"""
ROUTE = """
[[route]]
name = "chat"
models = ["m"]
objective = { ttft_ms = 800, success = 0.9 }
"""
IN_TURN = 'policies = ["retry", "round-robin"]'


def configuration(path: Path, *names: str, policies: str = "", more: str = "", route: str = ROUTE) -> Path:
    path.write_text(policies + "".join(ENDPOINT.format(name=name, more=more) for name in names) + route)
    return path


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "traffic.jsonl"
    record(path, "quick", "slow", "flaky", policies=[Retry(), RoundRobin()])
    return path


@pytest.fixture(scope="module")
def recording(traffic: Path) -> Recording:
    return read([traffic])


def test_the_policies_that_were_recorded_come_to_what_was_recorded(recording: Recording, tmp_path: Path) -> None:
    same = configuration(tmp_path / "same.toml", "quick", "slow", "flaky", policies=IN_TURN)
    calls = [call for seed in range(3) for call in replay(recording, same, seed).calls]

    found = {name: each.value for name, each in estimates(blocks_of(calls, "chat", 120.0)).items()}
    told = {name: each.value for name, each in estimates(blocks_of(recording.calls, "chat", 120.0)).items()}

    assert found["in_time"] == pytest.approx(told["in_time"], abs=0.03)
    assert found["retries_per_call"] == pytest.approx(told["retries_per_call"], abs=0.03)
    assert found["ttft_p50_s"] == pytest.approx(told["ttft_p50_s"], rel=0.1)
    assert found["total_p50_s"] == pytest.approx(told["total_p50_s"], rel=0.1)
    assert found["cost_per_call"] == pytest.approx(told["cost_per_call"], rel=0.05)


def test_one_seed_gives_one_result(recording: Recording, tmp_path: Path) -> None:
    other = configuration(tmp_path / "other.toml", "quick", "flaky")

    assert replay(recording, other, 1).calls == replay(recording, other, 1).calls
    assert replay(recording, other, 1).calls != replay(recording, other, 2).calls


def test_every_call_of_the_recording_is_played(recording: Recording, tmp_path: Path) -> None:
    other = configuration(tmp_path / "other.toml", "quick")

    played = replay(recording, other, 1).calls

    assert sorted(call.prompt_tokens for call in played) == sorted(call.prompt_tokens for call in recording.calls)
    assert {attempt.endpoint for call in played for attempt in call.attempts} == {"quick"}


def test_a_better_stack_is_seen_to_be_better(traffic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = configuration(tmp_path / "new.toml", "quick", "slow", "flaky")
    old = configuration(tmp_path / "old.toml", "quick", "slow", "flaky", policies=IN_TURN)
    figures = tmp_path / "figures.json"

    code = main([
        "replay", "--traffic", str(traffic), "--config", str(new), "--against", str(old), "--seeds", "2",
        "--json", str(figures),
    ])  # fmt: skip

    assert code == 0
    shown = capsys.readouterr().out
    assert "new - old" in shown
    assert "Kept: " in shown
    (route,) = json.loads(figures.read_bytes())["routes"]
    assert route["old"]["in_time"]["value"] < 0.8
    assert route["new"]["in_time"]["value"] > 0.95
    assert route["difference"]["in_time"]["low"] > 0.15


def test_a_broken_objective_is_an_exit_code(traffic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = configuration(tmp_path / "slow.toml", "slow")

    code = main(["replay", "--traffic", str(traffic), "--config", str(slow), "--seeds", "1"])

    assert code == 1
    assert "BROKEN: " in capsys.readouterr().out


def test_a_new_endpoint_behaves_as_its_profile_says(recording: Recording, tmp_path: Path) -> None:
    profile = "profile = { ttft_ms = 100, tokens_per_s = 100 }"
    new = configuration(tmp_path / "new.toml", "brand-new", more=profile)

    calls = replay(recording, new, 1).calls

    times_s = sorted(call.ttft_s for call in calls if call.ttft_s is not None)
    assert times_s[len(times_s) // 2] == pytest.approx(0.1, rel=0.1)


def test_a_new_endpoint_without_a_profile_is_refused_by_name(recording: Recording, tmp_path: Path) -> None:
    new = configuration(tmp_path / "new.toml", "quick", "brand-new")

    with pytest.raises(ConfigurationError, match="nothing was recorded of brand-new"):
        replay(recording, new, 1)


def test_a_route_that_is_no_more_is_asked_for_as_a_model(recording: Recording, tmp_path: Path) -> None:
    new = configuration(
        tmp_path / "new.toml", "quick", route=ROUTE.replace('"chat"', '"talk"').replace('"m"', '"chat"')
    )
    new.write_text(new.read_text().replace('model = "m"', 'model = "chat"'))

    calls = replay(recording, new, 1).calls

    assert len(calls) == len(recording.calls)
    assert {call.outcome for call in calls} == {"answered"}


def test_a_route_that_nothing_stands_for_is_refused_by_name(recording: Recording, tmp_path: Path) -> None:
    new = configuration(tmp_path / "new.toml", "quick", route=ROUTE.replace('"chat"', '"talk"'))

    with pytest.raises(ConfigurationError, match="calls of chat were recorded"):
        replay(recording, new, 1)


@pytest.mark.parametrize("wrong", ["traffic", "config", "json"])
def test_files_that_cannot_be_used_are_told_without_a_traceback(
    wrong: str, traffic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = configuration(tmp_path / "new.toml", "quick")
    given = {"traffic": traffic, "config": new}
    given[wrong] = tmp_path / "nowhere" / "file"

    if wrong == "json":
        with pytest.raises(SystemExit) as left:
            main(["replay", "--traffic", str(traffic), "--config", str(new), "--json", str(given["json"])])
        code = left.value.code
    else:
        code = main(["replay", "--traffic", str(given["traffic"]), "--config", str(given["config"]), "--seeds", "1"])

    assert code == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("seeds", ["0", "-1", "many", "101"])
def test_a_number_of_runs_out_of_range_is_refused(seeds: str, traffic: Path, tmp_path: Path) -> None:
    new = configuration(tmp_path / "new.toml", "quick")

    with pytest.raises(SystemExit) as left:
        main(["replay", "--traffic", str(traffic), "--config", str(new), "--seeds", seeds])

    assert left.value.code == 2
