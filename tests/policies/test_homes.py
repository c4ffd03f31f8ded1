"""`Homes`: the latest users, each for a while, and never more of them than there is room for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.sticky import Homes

VISITS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["eu", "us"]), st.integers(0, 40)), max_size=60
)


def test_a_user_is_known_for_as_long_as_was_said_and_no_longer() -> None:
    homes = Homes(most=10, for_s=60.0)
    homes.keep("ann", "eu", 0.0)

    assert [homes.of("ann", at_s) for at_s in (0.0, 59.0, 60.0)] == ["eu", "eu", None]


def test_every_call_begins_the_time_anew() -> None:
    homes = Homes(most=10, for_s=60.0)
    homes.keep("ann", "eu", 0.0)
    homes.keep("ann", "us", 59.0)

    assert [homes.of("ann", at_s) for at_s in (118.0, 119.0)] == ["us", None]


def test_nobody_is_known_before_the_first_call() -> None:
    assert Homes(most=10, for_s=60.0).of("ann", 0.0) is None


def test_who_has_not_called_for_longest_gives_way() -> None:
    homes = Homes(most=2, for_s=60.0)
    for at_s, user in enumerate(["ann", "bob", "ann", "cid"]):
        homes.keep(user, "eu", float(at_s))

    assert [homes.of(user, 4.0) for user in ("ann", "bob", "cid")] == ["eu", None, "eu"]


def test_users_whose_time_is_up_take_no_memory() -> None:
    homes = Homes(most=1000, for_s=60.0)
    for number in range(100):
        homes.keep(f"user-{number}", "eu", 0.0)

    homes.keep("ann", "eu", 60.0)

    assert len(homes) == 1


def test_none_is_kept_where_none_is_to_be() -> None:
    homes = Homes(most=0, for_s=60.0)
    homes.keep("ann", "eu", 0.0)

    assert (len(homes), homes.of("ann", 0.0)) == (0, None)


@given(visits=VISITS, most=st.integers(1, 5), for_s=st.integers(1, 60))
def test_it_knows_what_a_list_of_all_visits_would_tell(
    visits: list[tuple[str, str, int]], most: int, for_s: int
) -> None:
    homes, now_s = Homes(most, for_s), 0
    last: dict[str, tuple[str, int]] = {}
    for user, region, later_s in visits:
        now_s += later_s
        homes.keep(user, region, now_s)
        last.pop(user, None)
        last[user] = (region, now_s)

        assert len(homes) <= most
    for user in "abcdefgh":
        visit = last.get(user)
        expected = None
        if visit is not None and now_s < visit[1] + for_s and user in list(last)[-most:]:
            expected = visit[0]
        assert homes.of(user, now_s) == expected
