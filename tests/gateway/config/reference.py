"""What the reference of the configuration file has to say, read from the code."""

from __future__ import annotations

import enum
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any, cast

import attrs

from paceline.gateway.config.endpoints import BY_HAND as ENDPOINT_BY_HAND
from paceline.gateway.config.endpoints import OWN as ENDPOINT_OWN
from paceline.gateway.config.keys import Form, keys_of
from paceline.gateway.config.program import BY_HAND as SETTINGS_BY_HAND
from paceline.gateway.config.program import OWN as SETTINGS_OWN
from paceline.gateway.config.program import RouterOptions
from paceline.gateway.config.providers import ELSEWHERE
from paceline.gateway.config.reader import NAMES
from paceline.gateway.config.settings import Bind, Settings
from paceline.providers import (
    Anthropic,
    AzureOpenAI,
    Behaviour,
    ClientCertificate,
    Connections,
    Incident,
    OpenAICompatible,
    Simulated,
)
from paceline.router import (
    Budget,
    Endpoint,
    Grades,
    HistoryShape,
    Keys,
    Limits,
    Objective,
    Profile,
    Route,
    Steps,
    WindowShape,
)

OF_A_PROGRAM = {"dice", "tls"}
"""Options for which a file has no words; a plugin's part could be one."""

WORDS = "*"
"""A default that depends on other things, and is told in words."""


@attrs.frozen
class Described:
    """One table of the reference: what it describes, options that are given otherwise, and keys of its own."""

    maker: Callable[..., object]
    hidden: Collection[str] = ()
    own: Mapping[str, str] = {}

    def rows(self) -> dict[str, str]:
        """The default of every key; of a duration, of that in seconds."""
        keys = keys_of(self.maker, {*self.hidden, *OF_A_PROGRAM})
        given = {key.name: default_of(self.maker, key.option.name) for key in keys.values() if is_told(key.form)}
        return {**self.own, **given}


def is_told(form: Form) -> bool:
    """Whether a key is told by itself: a duration in milliseconds is told by that in seconds."""
    return form is not Form.MILLISECONDS


SETTINGS_DEFAULTS = {"host": f'"{Bind().host}"', "port": str(Bind().port), "watch_open": "false"}

TABLES: Mapping[str, Described] = {
    "[gateway]": Described(
        Settings, SETTINGS_BY_HAND, {key: SETTINGS_DEFAULTS.get(key, "none") for key in SETTINGS_OWN}
    ),
    "[router]": Described(RouterOptions),
    "[router.extra_attempts]": Described(Budget),
    "[router.window]": Described(WindowShape),
    "[router.history]": Described(HistoryShape),
    "[[endpoint]]": Described(
        Endpoint, ENDPOINT_BY_HAND, {key: "required" if key == "provider" else "none" for key in ENDPOINT_OWN}
    ),
    "[endpoint.api_key_env]": Described(Keys, ("keys",), {NAMES: "required"}),
    "[endpoint.profile]": Described(Profile),
    "[endpoint.limits]": Described(Limits),
    "provider, of OpenAI's form": Described(OpenAICompatible, ELSEWHERE),
    "provider, azure": Described(AzureOpenAI, {*ELSEWHERE, *(field.name for field in attrs.fields(OpenAICompatible))}),
    "provider, anthropic": Described(Anthropic),
    "provider, simulated": Described(Simulated, ELSEWHERE),
    "[endpoint.provider.connections]": Described(Connections),
    "[endpoint.provider.connections.certificate]": Described(ClientCertificate),
    "[endpoint.provider.behaviour]": Described(Behaviour),
    "[[endpoint.provider.behaviour.incidents]]": Described(Incident),
    "[[route]]": Described(Route),
    "[route.objective]": Described(Objective),
    "[route.grades]": Described(Grades),
    "[route.grades.ttft] and [route.grades.total]": Described(Steps),
}
"""By the heading of the table."""


def default_of(maker: Callable[..., object], option: str) -> str:
    """The default of an option in the words of a file; `WORDS` where it depends on others."""
    if isinstance(maker, type) and attrs.has(cast("type[Any]", maker)):
        kind = cast("type[attrs.AttrsInstance]", maker)
        field = next(field for field in attrs.fields(kind) if field.alias == option)
        default: Any = field.default
        if default is attrs.NOTHING:
            return "required"
        if hasattr(default, "factory"):
            return WORDS if default.takes_self else in_words(default.factory())
        return in_words(default)
    default = inspect.signature(maker).parameters[option].default
    return "required" if default is inspect.Parameter.empty else in_words(default)


def in_words(value: object) -> str:
    """A value as a file has it; `WORDS` where it is an object of many."""
    if value is None or value in ((), frozenset(), {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return f'"{value.name.lower()}"'
    if isinstance(value, Fraction | float):
        return f"{float(value):g}" if math.isfinite(value) else WORDS
    return f'"{value}"' if isinstance(value, str) else str(value) if isinstance(value, int) else WORDS


def options_of(maker: Callable[..., object]) -> str:
    """The options of a policy, a stack or a part, with their defaults where these are plain."""
    told: list[str] = []
    for key in keys_of(maker, OF_A_PROGRAM).values():
        if not is_told(key.form):
            continue
        default = default_of(maker, key.option.name)
        told.append(f"`{key.name}`" if default == WORDS else f"`{key.name}` {default}")
    return ", ".join(told) or "none"
