"""Who is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from paceline.policies import Retry, Slots, stacks
from paceline.policies.hedge import Hedge

from .fleets import HERE
from .oracles import Distributions, Hindsight
from .peer import Cooldown, FailureAccrual, Peer
from .prequal import Prequal
from .rules import LeastBusy, LeastLoadedOfTwo, MeanOfLastTen, PeakEwmaOfTwo, Random, RoundRobin

if TYPE_CHECKING:
    from paceline.router import Policy

    from .world import World

Stack = Callable[["World"], "list[Policy]"]

OURS = "Paceline, interactive"
CONTROL = "round robin"
KNOWING = "oracle: distributions"
LIMIT = "oracle: hindsight"


def _interactive(world: World) -> list[Policy]:
    round_trips = {(HERE, region): seconds for region, seconds in world.known.round_trip_s.items()}
    return stacks.interactive(here=HERE, rtt_s=round_trips)


def _unhedged(world: World) -> list[Policy]:
    return [policy for policy in _interactive(world) if not isinstance(policy, Hedge)]


def _prequal(world: World) -> list[Policy]:
    return [Peer(Prequal(lambda name: world.servers[name].in_flight), FailureAccrual())]


PEERS: Mapping[str, Stack] = MappingProxyType(
    {
        "random": lambda _world: [Peer(Random())],
        CONTROL: lambda _world: [Peer(RoundRobin())],
        "LiteLLM, least busy": lambda _world: [Peer(LeastBusy(), Cooldown(), avoids_tried=False)],
        "LiteLLM, latency": lambda _world: [Peer(MeanOfLastTen(), Cooldown(), avoids_tried=False)],
        "P2C, least loaded": lambda _world: [Peer(LeastLoadedOfTwo(), FailureAccrual())],
        "P2C, Peak EWMA": lambda _world: [Peer(PeakEwmaOfTwo(), FailureAccrual())],
        "Prequal": _prequal,
    }
)
OURSELVES: Mapping[str, Stack] = MappingProxyType(
    {
        "Paceline, minimal": lambda _world: [Retry(), Slots()],
        "Paceline, no hedge": _unhedged,
        OURS: _interactive,
    }
)
ORACLES: Mapping[str, Stack] = MappingProxyType(
    {
        KNOWING: lambda world: [Peer(Distributions(world))],
        LIMIT: lambda world: [Peer(Hindsight(world))],
    }
)
CONTESTANTS: Mapping[str, Stack] = MappingProxyType({**PEERS, **OURSELVES, **ORACLES})
