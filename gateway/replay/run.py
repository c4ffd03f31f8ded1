"""Recorded traffic through a configuration, in virtual time: an hour in seconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median_high
from typing import TYPE_CHECKING

import anyio
import attrs

from ...router import CallEnded, Priority, Request, Urgency
from ...router.errors import ConfigurationError, PacelineError
from ...router.profile import TYPICAL_TOKENS
from ...router.simulation import Simulated
from ...router.simulation.behaviour import Behaviour
from ...router.testing import run
from ..config import read_file
from .recorded import NUMBER, TOKENS, Recorded, pasts_of
from .records import call_record

if TYPE_CHECKING:
    from ...router import Endpoint, Event, Profile, Route
    from ..config import Configuration
    from .recording import CallRecord, Recording


class _AnyKey(Mapping[str, str]):
    """An environment in which every variable is set: a replay calls nobody, and needs no key."""

    def __getitem__(self, name: str) -> str:
        return "unused"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@attrs.frozen(kw_only=True)
class Replayed:
    """What came of it. calls: in the order in which they ended. routes: of the configuration, by name."""

    calls: tuple[CallRecord, ...] = attrs.field(repr=False)
    routes: Mapping[str, Route]


def replay(recording: Recording, configuration: Path, seed: int) -> Replayed:
    """Play *recording* through a configuration. One seed gives one result.

    Raises:
        ConfigurationError: the configuration is wrong, or has endpoints of which nothing is known.
    """
    read = without_network(configuration, recording, seed)
    return run(lambda: _play(read, recording.calls, seed))


def without_network(path: Path, recording: Recording, seed: int) -> Configuration:
    """The configuration with endpoints that are replayed, or simulated where nothing was seen of them.

    Raises:
        ConfigurationError: as `replay`.
    """
    configuration, pasts = read_file(path, _AnyKey()), pasts_of(recording.calls)
    unknown = [each.name for each in configuration.endpoints if each.name not in pasts and each.profile is None]
    if unknown:
        raise ConfigurationError(
            f"{configuration.source}: nothing was recorded of {', '.join(unknown)}, nor is there a profile to go by: "
            "give it one, such as profile = { ttft_ms = 300, tokens_per_s = 60 }, or the name it was recorded by, one "
            f"of {', '.join(sorted(recording.endpoints | pasts.keys()))}"
        )
    asked = {call.route for call in recording.calls}
    missing = asked - {route.name for route in configuration.routes} - {each.model for each in configuration.endpoints}
    if missing:
        raise ConfigurationError(
            f"{configuration.source}: calls of {', '.join(sorted(missing))} were recorded, and there is no route and "
            "no model of that name: their callers would be refused"
        )
    names = {each.provider.name for each in configuration.endpoints}
    providers = {name: Recorded(name=name, pasts=pasts, seed=seed) for name in names}

    def quiet(endpoint: Endpoint) -> Endpoint:
        if endpoint.name in pasts:
            provider: Recorded | Simulated = providers[endpoint.provider.name]
        else:
            provider = _by_profile(endpoint, seed)
        return attrs.evolve(endpoint, provider=provider, api_key=None, url=None, headers={})

    return attrs.evolve(configuration, endpoints=tuple(map(quiet, configuration.endpoints)))


def _by_profile(endpoint: Endpoint, seed: int) -> Simulated:
    profile: Profile | None = endpoint.profile
    if profile is None:
        raise RuntimeError("endpoints of which nothing is known were refused")
    behaviour = Behaviour(ttft_s=profile.ttft_s, tokens_per_s=profile.tokens_per_s, tokens_per_chunk=64)
    return Simulated(behaviour=behaviour, seed=seed, name=endpoint.provider.name)


async def _play(configuration: Configuration, calls: Sequence[CallRecord], seed: int) -> Replayed:
    loop = asyncio.get_running_loop()
    ended: list[CallRecord] = []
    lengths = _typical_lengths(calls)

    def listen(event: Event) -> None:
        if isinstance(event, CallEnded):
            ended.append(call_record(event, began_s, decisions=False))

    router = configuration.router(clock=loop.time, listeners=[listen], dice=random.Random(f"{seed}/router"))
    async with router, asyncio.TaskGroup() as traffic:
        began_s = loop.time()
        known = {route.name for route in configuration.routes}

        async def one(number: int, call: CallRecord) -> None:
            await asyncio.sleep(max(0.0, began_s + call.at_s - loop.time()))
            request = _request(number, call, known, lengths.get(call.route, TYPICAL_TOKENS))
            patience_s = call.total_s if call.outcome == "cancelled" else None
            with anyio.move_on_after(patience_s):
                try:
                    if call.streamed:
                        async with router.stream(request) as chunks:
                            async for _ in chunks:
                                pass
                    else:
                        await router.complete(request)
                except PacelineError:
                    pass  # it is in the record

        for number, call in enumerate(calls):
            traffic.create_task(one(number, call))
    return Replayed(calls=tuple(ended), routes={route.name: route for route in configuration.routes})


def _typical_lengths(calls: Sequence[CallRecord]) -> dict[str, int]:
    """The median answer of each route, for calls whose own is not known."""
    told: dict[str, list[int]] = {}
    for call in calls:
        if call.tokens_out:
            told.setdefault(call.route, []).append(call.tokens_out)
    return {route: median_high(lengths) for route, lengths in told.items()}


def _request(number: int, call: CallRecord, routes: set[str], length: int) -> Request:
    """The call again, without its words. A route that is no more is asked for as the model it stood for."""
    return Request(
        messages="(not recorded)",
        route=call.route if call.route in routes else None,
        model=call.model if call.route in routes else call.model or call.route,
        budget_s=call.budget_s,
        max_tokens=call.max_tokens,
        prompt_tokens=max(1, call.prompt_tokens),
        priority=None if call.priority is None else Priority(call.priority),
        urgency=None if call.urgency is None else Urgency(call.urgency),
        min_quality=call.min_quality,
        residency=None if call.residency is None else frozenset(call.residency),
        location=call.location,
        stream=call.asks_stream,
        metadata={NUMBER: number, TOKENS: call.tokens_out or length},
    )
