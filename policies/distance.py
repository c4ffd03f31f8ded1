"""What a region costs to reach from where the caller is.

    cost = (round trip + 5 ms) / (1 - load)

The round trip is configured, and measured where it can be: from where the router runs, by the time it takes to open a
connection. TCP takes one round trip and TLS 1.3 another, so that time is halved for https. Only new connections tell,
and there are few of them, each with its share of chance (a name to look up, a lost packet). So what is configured
counts as much as three of them, and with *n* connections

    round trip = (3 * configured + n * measured) / (3 + n)

so that the measured replaces the configured as samples come. What is measured is the smoothed time of the region's
nearest endpoint, and *n* counts the connections of all its endpoints: they share the way there.

The waiting time behind a load grows with 1 / (1 - load), as in M/M/1.

Sources: Peña, "Latency-based LLM routing" (regional selection); the weights are those of a Bayesian estimate of a mean,
with a prior worth three samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ..router.target import Target

NEAR_S = 0.005
"""What even the nearest region costs, so that its load counts too."""

FULLEST = 0.99

PRIOR_CONNECTIONS = 3
"""Measured connections that the configured round trip weighs as much as."""

TLS_ROUND_TRIPS = 2
"""Round trips to open a connection over TLS 1.3, TCP's own among them; without TLS it is one."""


class Distances(msgspec.Struct, frozen=True):
    """What is known of the way from callers to regions.

    here: where the router runs, None if unknown. rtt_s: seconds of round trip by (location, region), as configured.
    """

    here: str | None
    rtt_s: Mapping[tuple[str, str], float]

    def costs(self, there: Mapping[str, Sequence[Target]], location: str | None) -> dict[str, float]:
        """What each of these regions costs from *location*, in seconds; those of unknown distance are left out."""
        costs: dict[str, float] = {}
        for region, targets in there.items():
            round_trip_s = self.round_trip_s(location, region, targets)
            if round_trip_s is not None:
                load = min(FULLEST, sum(target.load for target in targets) / len(targets))
                costs[region] = (round_trip_s + NEAR_S) / (1.0 - load)
        return costs

    def round_trip_s(self, location: str | None, region: str, targets: Sequence[Target]) -> float | None:
        """Seconds to a region and back; None if unknown. Measured is only what starts where the router is."""
        configured_s = self._configured_s(location, region)
        if location != self.here:
            return configured_s
        measured = [seconds for seconds in map(measured_round_trip_s, targets) if seconds is not None]
        if not measured or configured_s is None:
            return min(measured, default=configured_s)
        connections = sum(target.connections for target in targets)
        return (PRIOR_CONNECTIONS * configured_s + connections * min(measured)) / (PRIOR_CONNECTIONS + connections)

    def _configured_s(self, location: str | None, region: str) -> float | None:
        if location is None:
            return None
        return 0.0 if location == region else self.rtt_s.get((location, region))


def measured_round_trip_s(target: Target) -> float | None:
    """The round trip that the endpoint's connections tell of, in seconds; None before the first."""
    if target.network_s is None:
        return None
    url = target.endpoint.url
    return target.network_s / TLS_ROUND_TRIPS if url is not None and url.startswith("https:") else target.network_s
