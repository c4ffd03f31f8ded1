"""A simulated fleet to try the gateway with, and nothing else yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...policies import stacks
from ...providers import Behaviour, Simulated
from ...router import Endpoint, Route
from ...router.errors import ConfigurationError
from ..config import Configuration

if TYPE_CHECKING:
    from pathlib import Path


def configuration_of(path: Path | None) -> Configuration:
    """The simulated fleet."""
    if path is not None:
        raise ConfigurationError("files cannot be read yet")
    vendor = Simulated(behaviour=Behaviour(ttft_s=0.2, tokens_per_s=80))
    endpoints = tuple(
        Endpoint(name=f"{model}.{region}", provider=vendor, model=model, region=region, slots=50)
        for model in ("large", "small")
        for region in ("us-east", "eu-west")
    )
    route = Route(name="chat", models=("large", "small"))
    return Configuration(endpoints=endpoints, routes=(route,), policies=tuple(stacks.interactive(here="us-east")))
