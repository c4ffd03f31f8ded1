"""The picture: what it says, and that it fits every screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.gateway.top.choices import Choices, Sort
from paceline.gateway.top.frame import Room, Seen, footer, frame, room
from paceline.gateway.top.snapshot import Loaded, Note, Promise, Quantiles, Snapshot, Try

from .seen import call, endpoint, lines, route, snapshot

URL = "http://127.0.0.1:8080"


def drawn(
    what: Snapshot | None,
    width: int = 140,
    height: int | None = 40,
    choices: Choices | None = None,
    trouble: str | None = None,
) -> list[str]:
    seen = Seen(url=URL, snapshot=what, trouble=trouble, since_s=7.0)
    return lines(frame(seen, choices or Choices(), width, height), width)


def row(picture: list[str], begins: str) -> str:
    (found,) = [line for line in picture if line.startswith(begins)]
    return found


@pytest.mark.parametrize("width", [80, 140])
def test_a_route_is_told_against_its_promise(width: int) -> None:
    told = row(drawn(snapshot(), width), "chat").split()

    assert told[1:3] == ["300ms", "600ms"]
    assert "97.0%" in told
    assert ("0.8s / 6s" if width == 80 else "TTFT 0.8s, total 6s") in " ".join(told)


@pytest.mark.parametrize(
    ("objective", "wide", "narrow"),
    [
        (Promise(), "-", "-"),
        (Promise(ttft_s=0.25), "TTFT 0.25s", "0.25s / -"),
        (Promise(total_s=30.0), "total 30s", "- / 30s"),
    ],
)
def test_only_what_is_promised_is_told(objective: Promise, wide: str, narrow: str) -> None:
    watched = snapshot(routes=[route(objective=objective)])

    assert row(drawn(watched), "chat").endswith(f"  {wide}")
    assert row(drawn(watched, 80), "chat").endswith(f" {narrow}")


def test_an_endpoint_is_told_with_its_state_its_slots_and_its_errors() -> None:
    out = endpoint(
        state="out", until_s=12.0, why="5 failures in a row", waiting=4, failures={"timeout": 3, "rate_limited": 9}
    )

    told = row(drawn(snapshot(endpoints=[out])), "east")

    assert " out 12s " in told
    assert " 3/20 " in told
    assert told.endswith("9 rate_limited, 3 timeout; 5 failures in a row")


def test_an_endpoint_without_a_limit_has_the_calls_in_flight() -> None:
    told = row(drawn(snapshot(endpoints=[endpoint(limit=None, in_flight=17)])), "east").split()

    assert told[4:6] == ["17", "-"]


def test_what_is_not_known_is_a_dash() -> None:
    nothing = snapshot(
        routes=[route(calls=0, success=None, in_time=None, ttft=Quantiles(), total=Quantiles())], calls=[]
    )

    assert row(drawn(nothing, 80), "chat").split()[1:5] == ["-"] * 4
    assert "no call has ended yet" in drawn(nothing)


def test_what_went_wrong_is_added_up_over_the_routes() -> None:
    watched = snapshot(
        routes=[
            route(retries={"timeout": 1, "rate_limited": 5}, hedges=3, hedges_won=1, failures={"deadline": 2}),
            route("batch", retries={"timeout": 7}, fallbacks={"no_endpoint": 1}),
        ]
    )

    tall, short = drawn(watched, 140, 40), drawn(watched, 140, 24)

    assert [line for line in tall if line.startswith(("failures", "retries", "fallbacks", "hedges"))] == [
        "failures 2 deadline",
        "retries 8 timeout, 5 rate_limited",
        "fallbacks 1 no_endpoint",
        "hedges 3, 1 won",
    ]
    assert "failures 2 deadline   retries 8 timeout, 5 rate_limited" in short


def test_a_call_is_told_with_the_way_it_took_and_why() -> None:
    hard = call(
        tries=[Try("east", "failed", "rate_limited"), Try("west", "cancelled"), Try("north", "ok", hedge=True)],
        notes=[Note(0.0, "Regions", "all near"), Note(0.1, "Retry", "elsewhere"), Note(0.2, "LatencyBudget", "1 of 2")],
    )

    told = row(drawn(snapshot(calls=[hard])), "   2s chat")

    assert "east (rate_limited) > west (cancelled) + north  Retry: elsewhere; LatencyBudget: 1 of 2; Regions" in told


def test_a_call_that_was_not_answered_says_how_it_ended() -> None:
    failed = call(2, outcome="failed", reason="deadline", tries=[], notes=[])
    left = call(1, outcome="cancelled", tries=[Try("east", "cancelled")], notes=[])

    told = drawn(snapshot(calls=[failed, left]))

    assert told[-2].endswith("nowhere failed: deadline")
    assert told[-1].endswith("east (cancelled) its caller left")


def test_calls_in_trouble_go_before_others_where_there_is_no_room_for_all() -> None:
    calls = [call(number, route=f"r{number}", notable=number == 3) for number in range(20)]

    told = [line.split()[1] for line in drawn(snapshot(calls=calls), 140, 16) if line.startswith("   2s")]

    assert (told[0], told[-1]) == ("r19", "r3")  # the newest first
    assert len(told) < 10


def test_more_than_fits_is_counted() -> None:
    many = snapshot(endpoints=[endpoint(f"e{number}") for number in range(30)], calls=[call()] * 9)

    picture = drawn(many, 80, 24)

    shown = [line for line in picture if line.startswith("e") and line[1].isdigit()]
    assert row(picture, "and ") == f"and {30 - len(shown)} more"
    assert len(shown) >= 8


@given(
    width=st.integers(80, 220),
    height=st.integers(14, 60),
    routes=st.integers(1, 12),
    endpoints=st.integers(1, 40),
    calls=st.integers(0, 50),
    troubled=st.booleans(),
    long=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_it_fits_the_screen(
    *, width: int, height: int, routes: int, endpoints: int, calls: int, troubled: bool, long: bool
) -> None:
    name = "a-rather-long-name-of-something-that-is-somewhere-else" if long else "e"
    trouble = {"rate_limited": 12, "provider_overloaded": 3} if troubled else {}
    watched = snapshot(
        routes=[route(f"{name}{number}", retries=trouble, failures=trouble, hedges=3) for number in range(routes)],
        endpoints=[endpoint(f"{name}{number}", failures=trouble) for number in range(endpoints)],
        calls=[call(number, tries=[Try(name, "failed", "timeout")] * 4) for number in range(calls)],
    )

    picture = drawn(watched, width, height)

    assert max(map(len, picture)) <= width
    assert len(picture) <= height - 1  # the last line is the footer's
    assert not any("…" in line[:4] for line in picture)


def test_no_figure_is_cut_at_80_columns() -> None:
    watched = snapshot(
        routes=[route("a-long-name-of-a-route", calls_per_s=1234.0, success=0.9991, ttft=Quantiles(9, 11.1, 22.2))],
        endpoints=[endpoint("a-long-name-of-an-endpoint", state="easing in", used=1000, limit=1000, attempts=99_999)],
    )

    picture = drawn(watched, 80, 24)

    assert "11.1s 22.2s" in "\n".join(picture)
    assert "1000/1000" in "\n".join(picture)
    assert "99,999" in "\n".join(picture)


@given(
    height=st.integers(8, 100),
    routes=st.integers(1, 50),
    endpoints=st.integers(1, 200),
    troubles=st.integers(0, 5),
    calls=st.integers(0, 100),
)
def test_room_is_never_more_than_there_is_nor_than_is_wanted(
    height: int, routes: int, endpoints: int, troubles: int, calls: int
) -> None:
    fits = room(height, routes=routes, endpoints=endpoints, troubles=troubles, calls=calls)

    assert 1 <= fits.routes <= routes
    assert 0 <= fits.endpoints <= endpoints
    assert 0 <= fits.calls <= calls
    if height >= 20:
        assert fits.routes + fits.endpoints + fits.calls <= height - 7 - troubles


def test_a_tall_screen_has_room_for_everything() -> None:
    assert room(10_000, routes=9, endpoints=90, troubles=5, calls=100) == Room(routes=9, endpoints=90, calls=100)


def test_names_cannot_command_the_terminal() -> None:
    nasty = "a\x1b[2Jb"
    watched = snapshot(
        routes=[route(nasty, failures={nasty: 1})],
        endpoints=[endpoint(nasty, model=nasty, region=nasty, state=nasty, why=nasty)],
        calls=[call(route=nasty, tries=[Try(nasty, "failed", nasty)], notes=[Note(0.0, nasty, nasty)])],
        configuration=Loaded(nasty),
    )

    assert "\x1b[2J" not in "\n".join(drawn(watched))


# -- the head and the foot


def test_the_head_says_what_is_looked_at() -> None:
    head = drawn(snapshot(configuration=Loaded("fleet.toml")))[0]

    assert head == f"paceline top  {URL}  up 3h, figures of 60s  fleet.toml"


def test_the_head_says_what_became_of_a_change() -> None:
    refused = drawn(snapshot(configuration=Loaded("fleet.toml", "line 3: no such key")))[0]
    half_taken = drawn(snapshot(configuration=Loaded("fleet.toml", None, ("host and port", "workers"))))[0]

    assert refused.endswith("fleet.toml was changed and refused")
    assert half_taken.endswith("fleet.toml was changed; a restart is needed for host and port, workers")


def test_the_head_says_since_when_nobody_answers_and_the_last_picture_stays() -> None:
    picture = drawn(snapshot(), trouble="Connection refused")

    assert picture[0].endswith("no answer for 7s: Connection refused")
    assert row(picture, "chat")


def test_before_the_first_answer_there_is_nothing_to_show() -> None:
    assert "waiting" in drawn(None)[-1]
    assert drawn(None, trouble="Connection refused")[0].endswith("Connection refused")


def test_standing_still_is_told() -> None:
    assert "  paused  " in drawn(snapshot(), choices=Choices(paused=True))[0]


def test_the_order_of_the_endpoints_is_the_chosen_one() -> None:
    watched = snapshot(
        endpoints=[
            endpoint("a", used=1, ttft=Quantiles(9, 0.1, 0.9)),
            endpoint("b", used=9, ttft=Quantiles(9, 0.1, None)),
            endpoint("c", used=2, failures={"timeout": 2}),
        ]
    )

    def order(sort: Sort) -> str:
        picture = drawn(watched, choices=Choices(sort=sort))
        return "".join(line[0] for line in picture if line[:2] in {"a ", "b ", "c "})

    assert {sort: order(sort) for sort in Sort} == {
        Sort.CONFIGURED: "abc", Sort.TTFT: "acb", Sort.LOAD: "bca", Sort.ERRORS: "cab"
    }  # fmt: skip


def test_the_foot_says_what_the_keys_do() -> None:
    assert lines(footer(Choices()), 80) == [" q  quit    p  pause    s  sort: as configured"]
    assert "p  go on" in lines(footer(Choices(paused=True)), 80)[0]


def test_keys_change_what_they_say() -> None:
    choices = Choices()

    for key in "spx":
        choices.press(key)
    assert (choices.sort, choices.paused, choices.quit) == (Sort.TTFT, True, False)
    for key in "SSSP":
        choices.press(key)
    assert (choices.sort, choices.paused) == (Sort.CONFIGURED, False)
    choices.press("q")
    assert choices.quit
