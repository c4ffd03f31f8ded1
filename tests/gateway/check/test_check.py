"""``paceline check``: what it says of good files and bad ones, where calls go, and with which exit code it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from paceline.gateway import cli
from paceline.gateway.check import table
from paceline.gateway.check.findings import EndpointFound, Findings, PolicyFound, RouteFound, Share
from paceline.gateway.config import TRIAL, read_text

WIDTH = 80

TWO_REGIONS = """
[[endpoint]]
name = "near"
provider = "simulated"
model = "mini"
region = "us"
profile = { ttft_ms = 200, tokens_per_s = 100 }

[[endpoint]]
name = "other"
provider = "simulated"
model = "mini"
region = "us"
profile = { ttft_ms = 220, tokens_per_s = 100 }

[[endpoint]]
name = "far"
provider = "simulated"
model = "mini"
region = "eu"
profile = { ttft_ms = 90, tokens_per_s = 100 }

[[endpoint]]
name = "large"
provider = "simulated"
model = "large"
region = "us"
profile = { ttft_ms = 600, tokens_per_s = 50 }

[[route]]
name = "chat"
models = ["mini", "large"]
objective = { ttft_ms = 800 }
budget_s = 12
residency = ["us"]
"""


@pytest.fixture(autouse=True)
def _a_terminal_of_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setenv("COLUMNS", str(WIDTH))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(["check", *arguments])
    return code, capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code, told = checked(capsys, *arguments, "--json")
    return code, json.loads(told)


def steps(route: Mapping[str, Any], place: int) -> list[tuple[str, str]]:
    return [(step["endpoint"], step["why"]) for step in route["paths"][place]["steps"]]


def test_without_a_file_it_shows_the_simulated_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(capsys)

    assert code == 0
    assert "(simulated fleet) can be used." in told
    assert "here = 'us-east'" in told
    assert "every endpoint is overloaded: EveryModelFailed" in told
    assert max(map(len, told.splitlines())) <= WIDTH


def test_the_simulated_fleet_can_be_had_as_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(capsys, "--show-simulated")

    assert (code, told) == (0, TRIAL)
    assert read_text(told, "x", {}).endpoints


def test_a_bad_file_is_told_with_every_mistake(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text(TWO_REGIONS.replace('"chat"', '""').replace('region = "eu"', "regoin = 'eu'"))

    code, told = checked(capsys, str(path))

    assert code == 2
    assert "cannot be used: 2 mistakes." in told.replace("\n", " ")
    assert 'line 20  endpoint[3] "far".regoin' in told
    assert "did you mean region?" in told
    assert "line 31  route[1].name" in told


def test_mistakes_are_json_if_so_wished(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text("x = 1")

    code, told = found(capsys, str(path))

    assert code == 2
    assert told["ok"] is False
    assert told["source"] == str(path)
    assert [(mistake["place"], mistake["line"]) for mistake in told["mistakes"]] == [("", None), ("x", 1)]


def test_a_file_that_is_not_there_cannot_be_used(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    code, told = checked(capsys, str(path))

    assert code == 2
    assert "the file" in told
    assert "No such file" in told


def test_where_calls_go_is_what_the_stack_does(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text(TWO_REGIONS)

    code, told = found(capsys, str(path))

    (route,) = told["routes"]
    assert code == 0
    failing, silent = steps(route, 0), steps(route, 1)
    assert {name for name, _ in failing[:2]} == {"near", "other"}
    assert [why for _, why in failing[:2]] == ["first choice", "retry"]
    assert ("large", "fallback") in failing
    assert [why for _, why in silent] == ["first choice", "hedge", "fallback"]
    assert silent[-1][0] == "large"
    assert route["paths"][0]["ends"] == "EveryModelFailed"
    assert route["paths"][1]["after_s"] == pytest.approx(12.0)


def test_a_rehearsed_call_has_the_time_of_its_route_else_the_routers(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    path.write_text(TWO_REGIONS.replace("budget_s = 12", "") + "\n[router]\nbudget_s = 7")

    _, told = found(capsys, str(path))

    assert told["routes"][0]["paths"][1]["after_s"] == pytest.approx(7.0)


def test_a_stack_without_fallback_and_hedge_goes_nowhere_else(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    text = TWO_REGIONS.replace('residency = ["us"]', "")
    path.write_text(f'{text}\n[policies]\nstack = ["round-robin"]')

    _, told = found(capsys, str(path))

    assert [len(steps(told["routes"][0], place)) for place in (0, 1)] == [1, 1]
    shares = {share["endpoint"]: share["share"] for share in told["routes"][0]["shares"]}
    assert len(shares) == 4
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_route_that_is_bound_to_regions_is_shown_with_its_proof(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    path.write_text(TWO_REGIONS)

    _, told = checked(capsys, str(path))

    assert "stays in us, kept there by Regions and dispatch; never far: proven" in told
    _, told = found(capsys, str(path))
    assert told["routes"][0]["never"] == ["far"]
    assert told["routes"][0]["kept"] is True
    assert "far" not in {name for place in (0, 1) for name, _ in steps(told["routes"][0], place)}


def test_models_without_a_route_are_said_to_be_asked_for_by_name(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    path.write_text(TWO_REGIONS.partition("[[route]]")[0])

    code, told = checked(capsys, str(path))

    assert code == 0
    assert "each model is asked for by its own name" in told


def test_live_calls_tell_who_answers_and_how_fast(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text(TWO_REGIONS.replace("tokens_per_s = 50", "tokens_per_s = 1000"))

    code, told = found(capsys, str(path), "--live")

    assert code == 0
    assert [(call["endpoint"], call["ok"], call["tokens"]) for call in told["live"]] == [
        (name, True, 16) for name in ("near", "other", "far", "large")
    ]
    assert all(0.0 < call["ttft_s"] < call["total_s"] for call in told["live"])


DEAD = """
[[endpoint]]
name = "dead"
provider = "compatible"
base_url = "http://127.0.0.1:9/v1"
model = "m"

[[endpoint]]
name = "slow"
provider = { kind = "simulated", behaviour = { ttft_s = 30, tail = 0 } }
model = "m"
"""


def test_live_calls_that_fail_are_told_with_their_reason(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    path.write_text(DEAD)

    code, told = found(capsys, str(path), "--live", "--within", "0.3")

    dead, slow = told["live"]
    assert code == 1
    assert told["ok"] is False
    assert (dead["ok"], dead["reason"]) == (False, "connect")
    assert (slow["ok"], slow["reason"]) == (False, "deadline")
    assert slow["total_s"] == pytest.approx(0.3, abs=0.25)
    code, words = checked(capsys, str(path), "--live", "--within", "0.3")
    assert code == 1
    assert "connect: " in words
    assert max(map(len, words.splitlines()[1:])) <= WIDTH  # the first line is the path


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "601"])
def test_a_time_limit_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["check", "--within", seconds])

    assert end.value.code == 2
    assert "must be a number of seconds above 0 and up to 600" in capsys.readouterr().err


def shown(route: RouteFound, stack: Sequence[PolicyFound] = ()) -> str:
    console = Console(width=WIDTH, highlight=False)
    endpoint = EndpointFound(name="a", provider="p", model="m", region="r", slots="no limit")
    findings = Findings(
        source="x.toml", ok=True, listens="here", stack=list(stack), endpoints=[endpoint], routes=[route]
    )
    with console.capture() as capture:
        table.show(findings, console)
    return capture.get()


def a_route(**changes: Any) -> RouteFound:
    values: dict[str, Any] = {
        "name": "chat", "models": ["m"], "promises": "much", "residency": None, "kept_by": [], "never": [],
        "shares": [], "paths": [], "kept": True, "unrehearsed": None,
    }  # fmt: skip
    return RouteFound(**{**values, **changes})


def test_what_cannot_be_rehearsed_is_said() -> None:
    assert "cannot be rehearsed: OSError: no server" in shown(a_route(unrehearsed="OSError: no server"))


def test_a_route_whose_calls_left_their_regions_is_said_loudly() -> None:
    assert "NOT KEPT in rehearsal" in shown(a_route(residency=["us"], kept_by=["Regions"], kept=False))


SHARES = (0.5, 0.3, 0.1, 0.096, 0.002, 0.002)


def test_small_shares_are_told_together() -> None:
    shares = [Share(endpoint=name, share=share) for name, share in zip("abcdef", SHARES, strict=True)]

    assert "a 50%, b 30%, c 10%, d 10%, 2 others below 1%" in shown(a_route(shares=shares))


def test_many_endpoints_out_of_reach_are_told_in_short() -> None:
    told = shown(a_route(residency=["us"], kept_by=["Regions"], never=[f"e{number}" for number in range(9)]))

    assert "never e0, e1, e2, e3, e4, e5 and 3 others" in " ".join(told.split())


def test_nobody_who_answers_is_said_and_so_is_an_empty_stack() -> None:
    told = shown(a_route())

    assert "all is well: nobody answered" in told
    assert "every call goes to its first candidate" in told
