"""A router for a person to read: its stack, its routes with what they can reach, its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pipeline import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .budget import Budget
    from .fleet import Fleet
    from .pipeline import Policy
    from .reach import ResidencyProof


def described(
    fleet: Fleet, policies: Sequence[Policy], proofs: Sequence[ResidencyProof], budget: Budget, budget_s: float
) -> str:
    """The stack, from the caller inwards, and what it routes to."""
    lines = [f"Router: {len(fleet)} endpoints, budget {budget_s:g} s unless a route or request says"]
    lines += [f"  {name_of(policy):<14} {policy!r}" for policy in policies]
    lines.append(f"  {'dispatch':<14} limits of each attempt, commit point, latency windows")
    lines.append(f"  {'extra attempts':<14} {budget!r}")
    for route in fleet.routes:
        lines.append(f"route {route.name}: {' > '.join(route.models)}, fast means {route.priority.value}")
        lines += [f"  {proof}" for proof in proofs if proof.route == route.name]
    for target in fleet:
        endpoint = target.endpoint
        limit = "" if target.limiter is None else f", limited by {endpoint.slots!r}"
        slots = "no slot limit" if endpoint.slots is None else f"{target.slots.limit} slots{limit}"
        lines.append(
            f"endpoint {endpoint.name}: {endpoint.model} of {endpoint.provider.name} in {endpoint.region}, {slots}"
        )
    return "\n".join(lines)
