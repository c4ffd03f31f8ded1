"""The figures of each route in the last minute, out of the bins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...router import Objective, Route
from .bins import Bin, RouteBin
from .histogram import Counts, pour, quantiles
from .now import Promise, Quantiles, RouteNow


def added_up(bins: Iterable[RouteBin]) -> RouteBin:
    """Several bins of one route as one."""
    total = RouteBin()
    for one in bins:
        for name in SUMS:
            setattr(total, name, getattr(total, name) + getattr(one, name))
        for name in REASONS:
            into: dict[str, int] = getattr(total, name)
            for reason, many in getattr(one, name).items():
                into[reason] = into.get(reason, 0) + many
        pour(one.ttft, total.ttft)
        pour(one.total, total.total)
    return total


SUMS = (
    "calls", "answered", "cancelled", "in_time", "by_retry", "by_fallback", "by_hedge", "refused", "attempts", "hedges",
    "hedges_won", "tokens_in", "tokens_out",
)  # fmt: skip
REASONS = ("failures", "retries", "fallbacks")


def of(counts: Counts) -> Quantiles:
    """The quantiles that are told."""
    p50, p95, p99 = quantiles(counts, 0.5, 0.95, 0.99)
    return Quantiles(sum(counts.values()), p50, p95, p99)


def routes_now(routes: Sequence[Route], late: Sequence[Bin], seconds: float) -> tuple[RouteNow, ...]:
    """Every route that is configured, and models that were asked for by their own names.

    routes: every one there is. late: the bins of the last *seconds*.
    """
    return tuple(
        _route_now(route, added_up(bin_.routes[route.name] for bin_ in late if route.name in bin_.routes), seconds)
        for route in routes
    )


def _route_now(route: Route, total: RouteBin, seconds: float) -> RouteNow:
    objective = route.objective
    counted = total.calls - total.cancelled
    success = total.answered / counted if counted else None
    in_time = total.in_time / counted if counted else None
    promises = objective.ttft_s is not None or objective.total_s is not None
    return RouteNow(
        name=route.name,
        models=route.models,
        priority=route.priority.value,
        objective=Promise(objective.ttft_s, objective.total_s, objective.success),
        residency=None if route.residency is None else tuple(sorted(route.residency)),
        calls=total.calls,
        calls_per_s=total.calls / seconds,
        tokens_per_s=total.tokens_out / seconds,
        cancelled=total.cancelled,
        success=success,
        in_time=in_time if promises else None,
        burn=_burn(in_time, objective),
        burn_of_failures=_burn(success, objective),
        by_retry=_share(total.by_retry, total.in_time),
        by_fallback=_share(total.by_fallback, total.in_time),
        by_hedge=_share(total.by_hedge, total.in_time),
        refused=total.refused,
        attempts=total.attempts,
        failures=total.failures,
        retries=total.retries,
        fallbacks=total.fallbacks,
        hedges=total.hedges,
        hedges_won=total.hedges_won,
        ttft=of(total.ttft),
        total=of(total.total),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _burn(good: float | None, objective: Objective) -> float | None:
    """The share that is not good by the share that need not be; None where all must be."""
    if good is None or objective.success >= 1.0:
        return None
    return (1.0 - good) / (1.0 - objective.success)
