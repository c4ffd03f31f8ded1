"""What a check found: plain structs, which are the command's JSON as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ..config import Mistake


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake in the file, as `config.Mistake`."""

    place: str
    line: int | None
    wrong: str

    @classmethod
    def of(cls, mistake: Mistake) -> Wrong:
        """The same."""
        return cls(place=mistake.place, line=mistake.line, wrong=mistake.wrong)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt of a rehearsed call. at_s: when it was sent, seconds from the call's beginning. why: in a word."""

    at_s: float
    endpoint: str
    model: str
    region: str
    why: str


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call goes in one situation. ends: how the call ended, in words; after: seconds from its beginning."""

    situation: str
    steps: list[Step]
    ends: str
    after_s: float


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a route's traffic an endpoint gets when all is well; 0 to 1."""

    endpoint: str
    share: float


class RouteFound(msgspec.Struct, frozen=True, kw_only=True):
    """One route.

    promises: in words. residency: regions that may see its calls; None: all. kept_by: the policies that see to it.
    never: endpoints of its models that it can never reach. shares: who answers while all is well.
    paths: where a call goes when things go wrong. kept: whether no rehearsed call left its regions.
    unrehearsed: why its calls could not be rehearsed; None: they were.
    """

    name: str
    models: list[str]
    promises: str
    residency: list[str] | None
    kept_by: list[str]
    never: list[str]
    shares: list[Share]
    paths: list[Path]
    kept: bool
    unrehearsed: str | None


class EndpointFound(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint, as configured. slots: in words. operations: what it can do."""

    name: str
    provider: str
    model: str
    region: str
    slots: str
    operations: list[str] = []


class PolicyFound(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of the stack. options: those that are not as by default."""

    name: str
    options: str


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A small call to a real endpoint. error: in words; None: it answered. reason: of the error, in one word."""

    endpoint: str
    ok: bool
    ttft_s: float | None
    total_s: float
    tokens: int | None
    reason: str | None
    error: str | None


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. ok: the file can be used, and every endpoint that was called has answered."""

    source: str
    ok: bool
    mistakes: list[Wrong] = []
    listens: str | None = None
    stack: list[PolicyFound] = []
    endpoints: list[EndpointFound] = []
    routes: list[RouteFound] = []
    live: list[Live] | None = None
