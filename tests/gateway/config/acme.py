"""What a package of somebody else's may offer: good things, and broken ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from paceline.policies import Retry
from paceline.router import TokenSource

if TYPE_CHECKING:
    from decimal import Decimal

    from paceline.router import Call, Emit, Handler

NOTHING_TO_CALL = 7


async def bystander(call: Call, emit: Emit, next: Handler, /) -> None:
    await next(call, emit)


@attrs.frozen
class Tagger:
    tag: str = "x"
    limit_ms: float = 1.0

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)


class NoPolicy:
    pass


class Fragile:
    def __init__(self, size: int) -> None:
        raise KeyError(size)

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None: ...


class Untold:
    def __init__(self, money: Decimal) -> None:
        self.money = money

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None: ...


def quiet() -> list[Retry]:
    return [Retry()]


def no_list() -> int:
    return 7


def entra(tenant: str) -> TokenSource:
    return TokenSource(lambda: f"token of {tenant}")
