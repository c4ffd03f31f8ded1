"""A policy that cannot work with every fleet is asked about its router's, once, when that is built."""

from __future__ import annotations

import pytest

from paceline.router import Call, Emit, Fleet, Handler, Route
from paceline.router.errors import ConfigurationError
from paceline.router.testing import Scripted, endpoint

from .stack import routed


class Picky:
    """Works with fleets that have an endpoint *wants*."""

    def __init__(self, wants: str) -> None:
        self._wants = wants
        self.asked: list[list[str]] = []

    def check_fleet(self, fleet: Fleet, /) -> None:
        self.asked.append([target.name for target in fleet])
        if self._wants not in self.asked[-1]:
            raise ConfigurationError(f"there is no {self._wants}")

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)


def test_a_fleet_that_fits_is_asked_about_once() -> None:
    picky = Picky("a")
    routed(endpoint("a", Scripted()), policies=[picky], routes=(Route(name="chat", models="m"),))
    assert picky.asked == [["a"]]


def test_one_that_does_not_is_refused_when_the_router_is_built() -> None:
    with pytest.raises(ConfigurationError, match="there is no b"):
        routed(endpoint("a", Scripted()), policies=[Picky("a"), Picky("b")])
