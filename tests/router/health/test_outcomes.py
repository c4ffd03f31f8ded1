"""Counts over a sliding window, held against a list."""

from hypothesis import given
from hypothesis import strategies as st

from paceline.router.health.outcomes import BUCKETS, Outcomes

WINDOW_S = 30.0
BUCKET_S = WINDOW_S / BUCKETS

steps = st.lists(
    st.tuples(st.integers(0, 400).map(lambda tenths: tenths / 10) | st.integers(0, 100).map(float), st.booleans())
)


@given(steps)
def test_it_counts_what_a_list_on_the_same_grid_would(steps: list[tuple[float, bool]]) -> None:
    outcomes, seen, now_s = Outcomes(WINDOW_S), list[tuple[int, bool]](), 0.0
    for after_s, good in steps:
        now_s += after_s
        outcomes.add(now_s, good=good)
        bucket = int(now_s / BUCKET_S)
        seen.append((bucket, good))
        within = [good for earlier, good in seen if earlier > bucket - BUCKETS]
        assert (outcomes.good, outcomes.bad) == (within.count(True), within.count(False))


def test_cleared_it_has_seen_nothing() -> None:
    outcomes = Outcomes(WINDOW_S)
    outcomes.add(1.0, good=True)
    outcomes.clear()
    outcomes.add(2.0, good=False)
    assert (outcomes.good, outcomes.bad) == (0, 1)
