"""What the tests of races and hedges set up alike: endpoints that are known, and calls that go to the first of them."""

from __future__ import annotations

from functools import partial

from paceline.policies import Hedge
from paceline.router import Request, Router
from paceline.router.statistics.size_class import octave_of
from paceline.router.testing import virtual_clock

ask = partial(Request, messages="hello", model="m")

SIZE = octave_of(ask().estimated_prompt_tokens())

USUAL_S = 0.5
ENOUGH = 50


def make_known(router: Router, samples: int = ENOUGH, /, **ttft_s: float) -> None:
    """Endpoints, by name, that have given so many first tokens after so many seconds each."""
    for name, usual_s in ttft_s.items():
        for _ in range(samples):
            router.fleet[name].learned.ttft.record(usual_s, SIZE, virtual_clock())


def late_after_s(router: Router, name: str) -> float:
    """When an endpoint is late by the default settings."""
    late_s = Hedge().late_after_s(router.fleet[name], SIZE, virtual_clock())
    assert late_s is not None
    return late_s
