"""What goes wrong, one thing a scenario, between two fifths and three quarters of the run.

Each hits where it hurts: the region that is nearest, or one endpoint that a good policy sends much to. What is ill is
ill for everybody, at the same instants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from paceline.router.errors import AttemptFailed, ConnectFailed, ProviderError

from .fleets import HERE, TEN_ENDPOINTS, THIRTY_ENDPOINTS, THREE_ENDPOINTS, FleetPlan, Site
from .traffic import NATIVE_PER_S, Crowd

COUNTED_FROM = 0.2
"""Share of the run after which calls count: before it, nobody knows anything."""

BEGINS, ENDS = 0.4, 0.75
"""Shares of the run."""

WARM_AFTER_S = 20.0


@attrs.frozen(kw_only=True)
class Trouble:
    """Some endpoints are worse for a while. Times in seconds of the run.

    at: names of the endpoints. ttft, tpot: factors. failing: share of the calls that fail, *after_s* each.
    """

    at: frozenset[str]
    from_s: float
    to_s: float
    ttft: float = 1.0
    tpot: float = 1.0
    failing: float = 0.0
    error: type[AttemptFailed] = ProviderError
    after_s: float = 0.05

    def is_on(self, name: str, at_s: float) -> bool:
        """Whether *name* suffers at *at_s*."""
        return self.from_s <= at_s < self.to_s and name in self.at


@attrs.frozen(kw_only=True)
class Allowance:
    """Calls that some endpoints together may take in each minute of the vendor's clock; the others are refused."""

    at: frozenset[str]
    per_min: float


@attrs.frozen(kw_only=True)
class Scenario:
    """A fleet, its traffic, and what goes wrong.

    joins: name of an endpoint that is there only from the trouble's beginning on. None: all are there from the start.
    """

    name: str
    fleet: FleetPlan
    troubles: Sequence[Trouble] = ()
    allowance: Allowance | None = None
    crowd: Crowd | None = None
    joins: str | None = None

    @property
    def begins_s(self) -> float:
        """When the trouble begins."""
        return BEGINS * self.fleet.seconds


def _named(plan: FleetPlan, which: Callable[[Site], bool]) -> frozenset[str]:
    return frozenset(site.name for site in plan.sites if which(site))


def _trouble(
    plan: FleetPlan,
    which: Callable[[Site], bool],
    *,
    to: float = ENDS,
    ttft: float = 1.0,
    tpot: float = 1.0,
    failing: float = 0.0,
    error: type[AttemptFailed] = ProviderError,
    after_s: float = 0.05,
) -> Trouble:
    return Trouble(
        at=_named(plan, which),
        from_s=BEGINS * plan.seconds,
        to_s=to * plan.seconds,
        ttft=ttft,
        tpot=tpot,
        failing=failing,
        error=error,
        after_s=after_s,
    )


def _is_here(site: Site) -> bool:
    return site.region == HERE


def _is(name: str) -> Callable[[Site], bool]:
    return lambda site: site.name == name


def calm(plan: FleetPlan) -> Scenario:
    """Nothing goes wrong."""
    return Scenario(name=f"calm, {plan.name} endpoints", fleet=plan)


def brown_out(plan: FleetPlan) -> Scenario:
    """The nearest region is slow and fails now and then, as in the demo."""
    troubles = [_trouble(plan, _is_here, ttft=8.0, tpot=4.0, failing=0.2)]
    return Scenario(name=f"brown-out, {plan.name} endpoints", fleet=plan, troubles=troubles)


def region_outage(plan: FleetPlan) -> Scenario:
    """The nearest region cannot be reached, and that takes half a second to find out."""
    troubles = [_trouble(plan, _is_here, failing=1.0, error=ConnectFailed, after_s=0.5)]
    return Scenario(name=f"region outage, {plan.name} endpoints", fleet=plan, troubles=troubles)


def latency_step(plan: FleetPlan) -> Scenario:
    """The best endpoint with room takes six times as long to begin, and stays so."""
    troubles = [_trouble(plan, _is(f"anyscale.{HERE}"), to=1.0, ttft=6.0)]
    return Scenario(name="latency step", fleet=plan, troubles=troubles)


def slow_drip(plan: FleetPlan) -> Scenario:
    """It begins as ever, and then takes thirty times as long for each token."""
    troubles = [_trouble(plan, _is(f"anyscale.{HERE}"), tpot=30.0)]
    return Scenario(name="slow drip", fleet=plan, troubles=troubles)


def fast_failing(plan: FleetPlan) -> Scenario:
    """It fails within a millisecond."""
    troubles = [_trouble(plan, _is(f"anyscale.{HERE}"), failing=1.0, after_s=0.001)]
    return Scenario(name="fast failing", fleet=plan, troubles=troubles)


def cold_start(plan: FleetPlan) -> Scenario:
    """It is new, and ten times as slow until it has been there for twenty seconds."""
    name = f"anyscale.{HERE}"
    begins_s = BEGINS * plan.seconds
    cold = Trouble(at=frozenset({name}), from_s=begins_s, to_s=begins_s + WARM_AFTER_S, ttft=10.0)
    return Scenario(name="cold start", fleet=plan, troubles=[cold], joins=name)


def quota_sawtooth(plan: FleetPlan) -> Scenario:
    """The best provider takes a fifth of the calls, counted by the minute: it is there, and then it is not."""
    allowance = Allowance(
        at=_named(plan, lambda site: site.provider == "anyscale"), per_min=0.2 * NATIVE_PER_S * plan.speed * 60.0
    )
    return Scenario(name="quota sawtooth", fleet=plan, allowance=allowance)


def flash_crowd(plan: FleetPlan) -> Scenario:
    """Calls come two and a half times as fast."""
    crowd = Crowd(from_s=BEGINS * plan.seconds, to_s=(BEGINS + 0.2) * plan.seconds, times=2.5)
    return Scenario(name="flash crowd", fleet=plan, crowd=crowd)


def scenarios() -> list[Scenario]:
    """All of them."""
    ten = TEN_ENDPOINTS
    incidents = (latency_step, slow_drip, fast_failing, cold_start, quota_sawtooth, flash_crowd)
    return [
        calm(ten),
        calm(THREE_ENDPOINTS),
        calm(THIRTY_ENDPOINTS),
        brown_out(ten),
        brown_out(THREE_ENDPOINTS),
        region_outage(ten),
        region_outage(THIRTY_ENDPOINTS),
        *(incident(ten) for incident in incidents),
    ]


def quick() -> list[Scenario]:
    """The few that tell most."""
    return [calm(TEN_ENDPOINTS), brown_out(TEN_ENDPOINTS), fast_failing(TEN_ENDPOINTS)]
