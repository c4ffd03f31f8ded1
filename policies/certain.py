"""What may be sent for certain, so that nearly all calls need look at no limit.

What is in a bucket grows by itself, and shrinks only by what is taken. So what all candidates of a call had at the last
look, less all that was let through since, wherever it went, is there for certain. However many endpoints there are, a
call costs one comparison until that is used up, or a quarter of a second is over; then they are looked at again.

Calls and tokens are added up to one number, the *weight* of what was let through, so that one comparison will do: who
has room for so much weight has room for the calls in it, and for the tokens. Nothing is wrong with a look too early.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ..router.remembered import Pulse

if TYPE_CHECKING:
    from ..router.target import Target

A_CALL = 300.0
"""What a call weighs beside its tokens: about as many as vendors' limits allow for each call."""

LOOK_AGAIN_S = 0.25
"""Seconds that nobody need look: what was sent meanwhile is entered into the meters with each look."""

MOST_KEPT = 256
"""Selections of candidates that are remembered; more than these do not repeat."""


class Room(msgspec.Struct, frozen=True):
    """What there was at the last look at *targets*: enough until so much weight was let through in all.

    until_s: until when that holds. pulse: theirs, which says until when one of them wants to be left alone.
    """

    targets: tuple[Target, ...]
    weight: float
    until_s: float
    pulse: Pulse


NOWHERE = Room((), -math.inf, -math.inf, Pulse())


class Certain:
    """Of one router.

    weight: all that was ever let through, or used beyond that. room: the last that was asked for.
    """

    __slots__ = ("_rooms", "room", "weight")

    def __init__(self) -> None:
        self.weight = 0.0
        self.room = NOWHERE
        self._rooms: dict[int, Room] = {}
        """By identity: a tuple that is handed down again and again is not hashed. It is kept, to stay the only one."""

    def of(self, targets: tuple[Target, ...]) -> Room:
        """What there was at the last look at them."""
        self.room = room = self._rooms.get(id(targets), NOWHERE)
        return room

    def seen(self, targets: tuple[Target, ...], calls: float, tokens: float, now_s: float, until_s: float) -> None:
        """Each of *targets* has room for so many; infinity: for any number. Looked at now, and again a little later."""
        until_s = min(until_s, now_s + LOOK_AGAIN_S)
        if len(self._rooms) >= MOST_KEPT:
            self._rooms.clear()
        self.room = self._rooms[id(targets)] = Room(
            targets, self.weight + min(A_CALL * calls, tokens), until_s, targets[0].pulse
        )

    def lost(self, calls: float, tokens: float) -> None:
        """So much is there no more, and was not let through."""
        self.weight += A_CALL * calls + tokens

    def forget(self) -> None:
        """Nothing is certain any more."""
        self._rooms.clear()
        self.room = NOWHERE
