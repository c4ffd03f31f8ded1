"""Hypothesis: the same examples in every run, and no limit on how long one takes. ``make fuzz`` tries many new ones."""

from hypothesis import settings

settings.register_profile("paceline", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=100_000, deadline=None, database=None)
settings.load_profile("paceline")
