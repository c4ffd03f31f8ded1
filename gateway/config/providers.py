"""The adapter of an endpoint: by its name, ``provider = "azure"``, or by a table with its options.

provider = { kind = "azure", api_version = "2024-10-21", connections = { warm = 4 } }
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import attrs

from ...providers import Anthropic, AzureOpenAI, Behaviour, DeepInfra, OpenAI, OpenAICompatible, Simulated
from ...providers.presets import PRESETS
from ...router import Profile, Provider
from ...router.plugins.likely import did_you_mean
from ...router.plugins.values import KIND
from ...router.plugins.wording import shown
from .mistake import Place
from .reader import Noted, Reader
from .shapes import as_table

ADAPTERS: Mapping[str, Callable[..., Provider]] = {
    "openai": OpenAI,
    "azure": AzureOpenAI,
    "anthropic": Anthropic,
    "deepinfra": DeepInfra,
    "compatible": OpenAICompatible,
}
"""By name. The presets come beside them."""

SIMULATED = "simulated"

KINDS = (*ADAPTERS, SIMULATED, *sorted(PRESETS.keys() - ADAPTERS.keys()))
"""All that can stand for a provider."""

ELSEWHERE = ("by_endpoint", "url")
"""Options that a file gives in an endpoint's own table."""


def read_provider(given: object, at: Place, reader: Reader, profile: Profile | None) -> Provider:
    """The provider that *given* describes.

    profile: the endpoint's. A simulated one that is not told how to behave behaves as it says.

    Raises:
        Noted: it describes none.
    """
    table = {KIND: given} if isinstance(given, str) else as_table(given)
    kind = None if table is None else table.get(KIND)
    if table is None or not isinstance(kind, str):
        reader.give_up(at, f"must be the name of a provider, or a table with its name as {KIND}: {', '.join(KINDS)}")
    options = {name: value for name, value in table.items() if name != KIND}
    if kind == SIMULATED:
        return _simulated(options, at, reader, profile)
    if kind in ADAPTERS:
        return reader.make(ADAPTERS[kind], options, at, hidden=ELSEWHERE)
    preset = PRESETS.get(kind)
    if preset is None:
        hint = did_you_mean(kind, KINDS) or f"; there are {', '.join(KINDS)}"
        reader.give_up(at, f"no provider is called {shown(kind)}{hint}")
    before = len(reader.mistakes)
    values = reader.options(type(preset), options, at, hidden=ELSEWHERE)
    if len(reader.mistakes) > before:
        raise Noted
    return reader.made(partial(attrs.evolve, preset), values, at)


def _simulated(options: dict[str, object], at: Place, reader: Reader, profile: Profile | None) -> Simulated:
    beside: dict[str, object] = {}
    if "behaviour" not in options and profile is not None:
        beside["behaviour"] = Behaviour(ttft_s=profile.ttft_s, tokens_per_s=profile.tokens_per_s)
    return reader.make(Simulated, options, at, hidden=ELSEWHERE, beside=beside)
