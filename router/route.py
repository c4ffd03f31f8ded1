"""A named class of traffic: which models serve it, and what is promised to it. KPIs are told by route."""

from __future__ import annotations

import attrs

from . import check
from .errors import ConfigurationError
from .kpi.grades import Grades
from .request import Priority, Urgency


@attrs.frozen(kw_only=True)
class Objective:
    """What a route promises. Seconds and shares; None: not promised.

    ttft_s: to the first token, as the caller sees it; above 0. Default None.
    total_s: to the last token; above 0. Default None.
    success: share of calls that end well; above 0, up to 1. Default 0.99.
    """

    ttft_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    total_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    success: float = attrs.field(default=0.99, validator=check.share)

    def met_by(self, ttft_s: float | None, total_s: float) -> bool:
        """Whether an answered call was within what is promised of time."""
        in_time = self.total_s is None or total_s <= self.total_s
        return in_time and (self.ttft_s is None or (ttft_s is not None and ttft_s <= self.ttft_s))


def _models(value: object) -> tuple[str, ...]:
    return check.names(value, "Route: models")


def _residency(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Route: residency")


@attrs.frozen(kw_only=True)
class Route:
    """One class of traffic: a chat screen, a nightly report.

    name: what requests ask for; unique in a router.
    models: in order of preference, at least one, each served by at least one endpoint. It is `Fallback` that keeps the
        order; a stack without it takes their endpoints for equals.
    priority: what "fast" means here. Default TTFT.
    urgency: who gets a slot first where slots are short. Default normal.
    objective: what is promised; latency-budget routing aims at it. Default: nothing.
    grades: from which percentiles on its report says great, fine, slow or sluggish. Default None: by what its objective
        promises, and for the rest by what a person who waits would like (`kpi.grades`).
    budget_s: the default budget of its calls, seconds above 0. Default None: the router's.
    max_tokens: cap of its answers, at least 1; a request may set a lower one. Default None: none.
    min_quality: the least quality tier, at least 0; a request may ask for a higher one. Default 0.
    residency: regions that may see its calls, on every retry and fallback. Default None: all.
    """

    name: str = attrs.field(validator=check.named)
    models: tuple[str, ...] = attrs.field(converter=_models)
    priority: Priority = attrs.field(default=Priority.TTFT, validator=check.one_of(Priority))
    urgency: Urgency = attrs.field(default=Urgency.NORMAL, validator=check.one_of(Urgency))
    objective: Objective = attrs.field(factory=Objective, validator=check.one_of(Objective))
    grades: Grades | None = attrs.field(default=None, validator=check.if_given(check.one_of(Grades)))
    budget_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    max_tokens: int | None = attrs.field(default=None, validator=check.if_given(check.count(1)))
    min_quality: int = attrs.field(default=0, validator=check.count(0))
    residency: frozenset[str] | None = attrs.field(default=None, converter=_residency)

    def __attrs_post_init__(self) -> None:
        if not self.models:
            raise ConfigurationError(f"Route {self.name!r}: models is empty: name at least one model")
        if len(set(self.models)) != len(self.models):
            raise ConfigurationError(f"Route {self.name!r}: models names one twice: {', '.join(self.models)}")
        if self.residency is not None and not self.residency:
            raise ConfigurationError(
                f"Route {self.name!r}: residency is an empty set, which allows no region: leave it out to allow all"
            )
