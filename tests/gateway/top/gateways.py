"""A real gateway on loopback, with simulated endpoints, to be looked at."""

from __future__ import annotations

from paceline.gateway.config import Bind, Configuration, Settings
from paceline.gateway.serve.server import Gateway
from paceline.policies import stacks
from paceline.router import Endpoint, Objective, Route
from paceline.router.testing import Behaviour, Simulated


def gateway(port: int = 0) -> Gateway:
    """At *port*; 0: at a free one."""
    vendor = Simulated(behaviour=Behaviour(ttft_s=0.01, tokens_per_s=1000))
    endpoints = tuple(
        Endpoint(name=f"{region}-{model}", provider=vendor, model=model, region=region, slots=24)
        for model in ("mini", "large")
        for region in ("us-east", "us-west")
    )
    chat = Route(name="chat", models=("mini", "large"), objective=Objective(ttft_s=0.6, total_s=4.0))
    return Gateway(
        Configuration(
            settings=Settings(bind=Bind(port=port), grace_s=0.0),
            endpoints=endpoints,
            routes=(chat,),
            policies=tuple(stacks.interactive(here="us-east")),
            source="(simulated)",
        )
    )
