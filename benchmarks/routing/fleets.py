"""Three fleets: one provider in three regions, five in two, six in five.

What is measured is in `measured`; what each endpoint has of seats, and what it costs, nobody publishes. They are made
up, and uneven on purpose: the fastest has least room.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import attrs

HERE = "us-east"
MODEL = "llama-70b"


@attrs.frozen(kw_only=True)
class Site:
    """One provider in one region.

    knee: calls at once that it bears well; twice as many have a seat, and the others queue.
    in_per_m, out_per_m: money for a million tokens.
    """

    provider: str
    region: str
    knee: int
    in_per_m: float
    out_per_m: float

    @property
    def name(self) -> str:
        """Of the endpoint."""
        return f"{self.provider}.{self.region}"

    @property
    def seats(self) -> int:
        """Calls that are worked on at once."""
        return 2 * self.knee


@attrs.frozen(kw_only=True)
class FleetPlan:
    """A fleet and the traffic it is made for.

    speed: how many times the trace's own rate. seconds: how long a run is, so that all have as many calls.
    """

    name: str
    sites: Sequence[Site]
    speed: float
    seconds: float


KNEES = MappingProxyType({"groq": 8, "anyscale": 32, "perplexity": 32, "fireworks": 48, "together": 24, "bedrock": 32})
PRICES = MappingProxyType(
    {
        "groq": (0.6, 0.8),
        "anyscale": (1.0, 1.0),
        "perplexity": (0.7, 2.8),
        "fireworks": (0.9, 0.9),
        "together": (0.9, 0.9),
        "bedrock": (2.0, 2.6),
    }
)


def _sites(providers: Sequence[str], regions: Sequence[str]) -> tuple[Site, ...]:
    return tuple(
        Site(
            provider=provider,
            region=region,
            knee=KNEES[provider],
            in_per_m=PRICES[provider][0],
            out_per_m=PRICES[provider][1],
        )
        for region in regions
        for provider in providers
    )


FIVE = ("bedrock", "fireworks", "together", "anyscale", "groq")

THREE_ENDPOINTS = FleetPlan(
    name="3", sites=_sites(["fireworks"], ["eu-west", "us-west", "us-east"]), speed=1.0, seconds=330.0
)
TEN_ENDPOINTS = FleetPlan(name="10", sites=_sites(FIVE, ["us-west", "us-east"]), speed=3.0, seconds=150.0)
THIRTY_ENDPOINTS = FleetPlan(
    name="30",
    sites=_sites([*FIVE, "perplexity"], ["asia-east", "eu-north", "eu-west", "us-west", "us-east"]),
    speed=9.0,
    seconds=90.0,
)
