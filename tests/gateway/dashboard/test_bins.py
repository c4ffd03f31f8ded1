"""A ring of bins: bounded, and giving back what was put in."""

from __future__ import annotations

import msgspec

from paceline.gateway.dashboard.bins import BIN_S, KEPT, MOST_NAMES, MOST_REASONS, OPEN, OTHER, Bin, Bins, count_reason


def past(bins: Bins, now_s: float) -> list[Bin]:
    return msgspec.json.decode(bins.past(now_s), type=list[Bin])


def test_what_ends_within_five_seconds_shares_a_bin() -> None:
    bins = Bins()

    assert bins.at(10.0) is bins.at(14.9)
    assert bins.at(15.0).number == 3


def test_a_packed_bin_gives_back_what_was_counted() -> None:
    bins = Bins()
    bins.at(0.0).route("chat").ttft[417] = 3
    bins.at(0.0).group("m", "here").gap[12] = 1

    (first, *_) = past(bins, 30 * BIN_S)

    assert first.routes["chat"].ttft == {417: 3}
    assert (first.groups["m\nhere"].region, first.groups["m\nhere"].gap) == ("here", {12: 1})


def test_ten_minutes_are_kept_and_no_more() -> None:
    bins = Bins()
    for number in range(3 * KEPT):
        bins.at(number * BIN_S).route("chat").calls += 1

    kept = past(bins, (3 * KEPT - 1) * BIN_S)

    assert [bin_.number for bin_ in kept] == list(range(2 * KEPT, 3 * KEPT))


def test_only_those_of_the_last_minute_stay_open() -> None:
    bins = Bins()
    for number in range(KEPT):
        bins.at(number * BIN_S)

    assert len(list(bins.late())) == OPEN


def test_a_pause_leaves_no_bins_and_forgets_what_is_too_old() -> None:
    bins = Bins()
    bins.at(0.0)

    bins.at(3600.0)

    assert [bin_.number for bin_ in past(bins, 3600.0)] == [720]


def test_more_names_than_a_configuration_has_share_one() -> None:
    now = Bin(0)
    for number in range(3 * MOST_NAMES):
        now.route(f"route-{number}").calls += 1
        now.endpoint(f"endpoint-{number}").attempts += 1
        now.group("m", f"region-{number}").ttft[1] = number

    assert len(now.routes) == len(now.endpoints) == len(now.groups) == MOST_NAMES + 1
    assert now.routes[OTHER].calls == 2 * MOST_NAMES
    assert now.groups[OTHER].model == OTHER


def test_more_reasons_than_there_are_share_one() -> None:
    reasons: dict[str, int] = {}
    for number in range(100):
        count_reason(reasons, f"reason-{number}")
        count_reason(reasons, "reason-0")

    assert len(reasons) == MOST_REASONS + 1
    assert (reasons["reason-0"], reasons[OTHER]) == (101, 100 - MOST_REASONS)
