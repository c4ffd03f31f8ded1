"""The stage: which models stand where, what is promised to whom, and what goes wrong.

Three models in each of three regions, called from us-east. A chat, where somebody waits for the first word, and a
report, where somebody waits for the last. In the middle third the nearest region, the one a latency router would
rather use, browns out: it does not go down, which any health check would see, but is slow and fails now and then.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from ...providers import OpenAICompatible
from ...router import Endpoint, Limits, Objective, Priority, Profile, Route
from .published import ANYSCALE_13B, ANYSCALE_70B, GROQ_70B, ROUND_TRIP_S

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = "us-east"
REGIONS = ("us-east", "us-west", "eu-west")
MODELS = MappingProxyType({"atlas-70b": ANYSCALE_70B, "atlas-13b": ANYSCALE_13B, "swift-70b": GROQ_70B})
"""What is asked for by name, and the cell of published measurements its servers draw from. The names are made up."""

SLOTS = 48
"""Calls in flight that each endpoint's quota allows."""

CHAT = Route(
    name="chat",
    models=("atlas-70b", "atlas-13b"),
    priority=Priority.TTFT,
    objective=Objective(ttft_s=0.8),
    budget_s=15.0,
    max_tokens=200,
)
REPORT = Route(
    name="report",
    models=("swift-70b", "atlas-70b"),
    priority=Priority.THROUGHPUT,
    objective=Objective(total_s=4.0),
    budget_s=20.0,
    max_tokens=600,
)
ROUTES = (CHAT, REPORT)
CHAT_SHARE = 0.7
"""Of the calls; the others are reports."""


@attrs.frozen(kw_only=True)
class Incident:
    """A region that is slow and fails now and then, between two instants of the run.

    ttft_factor, tpot_factor: how many times longer the first token and each further one take. Default 8 and 4.
    failing: share of the calls that fail. Default 0.2.
    """

    region: str
    from_s: float
    until_s: float
    ttft_factor: float = 8.0
    tpot_factor: float = 4.0
    failing: float = 0.2

    def strikes(self, region: str, at_s: float | None) -> bool:
        """Whether *region* suffers at *at_s*; None: the run has not begun."""
        return at_s is not None and region == self.region and self.from_s <= at_s < self.until_s

    def phase(self, at_s: float) -> str:
        """``before``, ``brownout`` or ``after``: where a call that arrives at *at_s* is counted."""
        if at_s < self.from_s:
            return "before"
        return "brownout" if at_s < self.until_s else "after"


PHASES = ("before", "brownout", "after")


def incident(seconds: float) -> Incident:
    """The brown-out of a run of so many seconds: its middle third."""
    return Incident(region=HERE, from_s=seconds / 3.0, until_s=seconds * 2.0 / 3.0)


def round_trip_s(region: str) -> float:
    """From where the calls are made to *region* and back."""
    return ROUND_TRIP_S.get((HERE, region), 0.0)


def endpoint_name(model: str, region: str) -> str:
    """What an endpoint is called in reports."""
    return f"{model}.{region}"


def endpoints(ports: Mapping[str, int], limits: Limits) -> list[Endpoint]:
    """Every model in every region, at the servers of one contestant, whose *ports* go by region.

    Each has the profile that its operator could have looked up: the published medians, and the way there.
    """
    provider = OpenAICompatible(name="loopback")
    return [
        Endpoint(
            name=endpoint_name(model, region),
            provider=provider,
            model=model,
            region=region,
            url=f"http://127.0.0.1:{ports[region]}/v1",
            slots=SLOTS,
            limits=limits,
            profile=Profile(
                ttft_s=cell.ttft_s.median + round_trip_s(region),
                ttft_p95_s=cell.ttft_s.at(0.95) + round_trip_s(region),
                tokens_per_s=1.0 / cell.tpot_s.median,
            ),
        )
        for model, cell in MODELS.items()
        for region in REGIONS
    ]
