"""What the words of a file stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from paceline.gateway.config import Bind, Settings, read_file
from paceline.policies import Breaker, Fallback, Hedge, LatencyBudget, Regions, Retry, Slots
from paceline.providers import Anthropic, OpenAI
from paceline.router import (
    Aimd,
    Budget,
    Extra,
    HistoryShape,
    Keys,
    Limits,
    Objective,
    Priority,
    Profile,
    Secret,
    Steps,
    TtftGradient,
    Urgency,
    WindowShape,
)

from .texts import ENVIRON, PLAIN, SAMPLE, endpoint, read, route


def test_the_documented_file_is_what_it_says() -> None:
    found = read(SAMPLE)

    assert found.source == "gateway.toml"
    assert found.settings == Settings(keys=(Secret("first-key"), Secret("second-key")))
    east, west = found.endpoints
    assert (east.name, east.provider, east.url) == ("east-mini", OpenAI(), "http://127.0.0.1:9001/v1")
    assert (east.api_key, east.model, east.region) == (Secret("east-secret"), "gpt-4o-mini", "us-east")
    assert (east.slots, east.quality, east.price_in_per_m, east.price_out_per_m) == (200, 3, 0.15, 0.6)
    assert east.profile == Profile(ttft_s=0.15, tokens_per_s=100.0, total_p95_s=1.0)
    assert (west.provider, west.url) == (Anthropic(), None)
    (chat,) = found.routes
    assert (chat.name, chat.models, chat.priority) == ("chat", ("gpt-4o-mini", "claude-3-haiku"), Priority.TTFT)
    assert chat.objective == Objective(ttft_s=0.8, total_s=8.0, success=0.99)
    assert (chat.budget_s, chat.max_tokens, chat.residency) == (8.0, 1024, {"us-east", "us-west"})
    assert [type(policy) for policy in found.policies] == [
        Fallback, Retry, Hedge, Regions, Breaker, LatencyBudget, Slots,
    ]  # fmt: skip


def test_an_endpoint_is_enough_and_gets_the_interactive_stack() -> None:
    found = read(PLAIN)

    assert found.settings == Settings()
    assert found.routes == ()
    assert isinstance(found.policies[0], Fallback)
    assert found.router().fleet["a"].model == "m"


def test_a_file_is_read_from_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SAMPLE.encode())

    assert read_file(path, ENVIRON).source == str(path)


def test_secrets_come_from_this_process_unless_another_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(SAMPLE)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    assert read_file(path).endpoints[0].api_key == Secret("east-secret")


def test_the_program_is_told_where_to_listen_and_what_to_bear() -> None:
    found = read(
        f"""{PLAIN}
        [gateway]
        host = "::1"
        port = 0
        watch_host = "0.0.0.0"
        watch_port = 9100
        watch_keys_env = "WEST_KEY"
        keys_env = "EAST_KEY"
        max_body_bytes = 2048
        body_timeout_s = 5
        write_timeout_ms = 2500
        most_calls = 10
        workers = 2
        grace_s = 0
        """
    )

    assert found.settings == Settings(
        bind=Bind(host="::1", port=0),
        keys=(Secret("east-secret"),),
        watch_bind=Bind(host="0.0.0.0", port=9100),  # noqa: S104  it has keys
        watch_keys=(Secret("west-secret"),),
        max_body_bytes=2048,
        body_timeout_s=5.0,
        write_timeout_s=2.5,
        most_calls=10,
        workers=2,
        grace_s=0.0,
    )


def test_one_half_of_an_address_leaves_the_other_as_by_default() -> None:
    settings = read(f"{PLAIN}\n[gateway]\nport = 9\nwatch_host = 'localhost'").settings

    assert settings.bind == Bind(port=9)
    assert settings.watch_bind == Bind(host="localhost")


def test_the_dashboard_may_be_for_anyone_where_the_api_is_not() -> None:
    settings = read(f"{PLAIN}\n[gateway]\nkeys_env = 'EAST_KEY'\nwatch_open = true").settings

    assert settings.watch_keys == ()
    assert read(f"{PLAIN}\n[gateway]\nkeys_env = 'EAST_KEY'\nwatch_open = false").settings.watch_keys is None


def test_the_router_is_told_what_is_about_all_of_its_calls() -> None:
    found = read(
        f"""{PLAIN}
        [router]
        budget_ms = 1500
        extra_attempts = {{ ratio = 0.2, reserve = 3, caps = {{ hedge = 0.5 }} }}
        window = {{ periods = 3, period_s = 5 }}
        history = {{ periods = 6 }}
        """
    )

    assert found.budget_s == 1.5
    assert repr(found.budget) == repr(Budget(ratio=0.2, reserve=3, caps={Extra.HEDGE: 0.5}))  # type: ignore[arg-type]
    assert found.window == WindowShape(periods=3, period_s=5.0)
    assert found.history == HistoryShape(periods=6)
    assert "budget 1.5 s" in found.router().describe()


def test_an_endpoint_is_told_everything_it_can_be() -> None:
    found = endpoint(
        'domain = "one-building"',
        'deployment = "mini-3"',
        "tokens_per_slot = 1000",
        "queue = 5",
        "limits = { first_token_ms = 900, gap_s = 2, total_s = false }",
        'headers = { x-team = "search" }',
        'headers_env = { x-trace = "WEST_KEY" }',
        'api_key_env = ["EAST_KEY", "WEST_KEY"]',
        "profile = { ttft_s = 0.5, ttft_p95_ms = 900 }",
    )

    assert (found.domain, found.deployment, found.tokens_per_slot, found.queue) == ("one-building", "mini-3", 1000, 5)
    assert found.limits == Limits(first_token_s=0.9, gap_s=2.0, total_s=None)
    assert found.headers == {"x-team": "search", "x-trace": "west-secret"}
    assert found.api_key == Keys((Secret("east-secret"), Secret("west-secret")))
    assert found.profile == Profile(ttft_s=0.5, ttft_p95_s=0.9)


def test_several_keys_have_options_of_their_own() -> None:
    found = endpoint('api_key_env = { names = ["EAST_KEY", "WEST_KEY"], aside_s = 60, rest_ms = 500 }')

    assert found.api_key == Keys((Secret("east-secret"), Secret("west-secret")), aside_s=60.0, rest_s=0.5)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7", 7),
        ("false", None),
        ('"aimd"', Aimd()),
        ('{ kind = "aimd", initial = 8, most = 64 }', Aimd(initial=8, most=64)),
        ('{ kind = "aimd", window_ms = 500 }', Aimd(window_s=0.5)),
        ('{ kind = "paceline/ttft-gradient" }', TtftGradient()),
    ],
)
def test_slots_are_a_number_or_a_limit_that_finds_itself(written: str, meant: object) -> None:
    assert endpoint(f"slots = {written}").slots == meant


def test_a_route_is_told_everything_it_can_be() -> None:
    found = route(
        'priority = "throughput"',
        'urgency = "background"',
        "budget_s = 30",
        "min_quality = 0",
        "[route.objective]",
        "ttft_s = 1",
        "[route.grades.ttft]",
        "great_ms = 100",
        "fine_ms = 200",
        "slow_s = 1",
    )

    assert (found.priority, found.urgency, found.budget_s) == (Priority.THROUGHPUT, Urgency.BACKGROUND, 30.0)
    assert found.objective == Objective(ttft_s=1.0)
    assert found.grades is not None
    assert found.grades.ttft == Steps(0.1, 0.2, 1.0)


def test_one_region_or_model_needs_no_list() -> None:
    text = f'{PLAIN}\n[[route]]\nname = "chat"\nmodels = "m"\nresidency = "global"'

    (found,) = read(text).routes

    assert (found.models, found.residency) == (("m",), {"global"})
