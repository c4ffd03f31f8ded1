"""Configuration files for the tests: the one of the documentation, and ways to change one line of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paceline.gateway.config import Configuration, ConfigurationRefused, read_text
from paceline.router import Endpoint, Route
from paceline.router.plugins import Catalogue

CATALOGUE = Catalogue.installed()

ENVIRON: Mapping[str, str] = {
    "PACELINE_KEYS": "first-key, second-key",
    "EAST_KEY": "east-secret",
    "WEST_KEY": "west-secret",
    "EMPTY": " ",
    "COMMAS": ", ,",
}

GATEWAY = """\
[gateway]
host = "127.0.0.1"
port = 8080
keys_env = "PACELINE_KEYS"          # comma-separated bearer keys; absent: no authentication, loopback only
"""

EAST = """\
[[endpoint]]
name = "east-mini"
provider = "openai"                  # openai | azure | anthropic | deepinfra | compatible | simulated
base_url = "http://127.0.0.1:9001/v1"
api_key_env = "EAST_KEY"             # optional
model = "gpt-4o-mini"
region = "us-east"
slots = 200
quality = 3
price_in_per_m = 0.15
price_out_per_m = 0.6
profile = { ttft_ms = 150, tokens_per_s = 100, total_p95_ms = 1000 }
"""

WEST = """\
[[endpoint]]
name = "west-haiku"
provider = "anthropic"
api_key_env = "WEST_KEY"
model = "claude-3-haiku"
region = "us-west"
"""

CHAT = """\
[[route]]
name = "chat"                        # what a client sends as "model"; an endpoint's model name works too
models = ["gpt-4o-mini", "claude-3-haiku"]   # in order of preference
priority = "ttft"                    # ttft | total | throughput
objective = { ttft_ms = 800, total_ms = 8000, success = 0.99 }
budget_ms = 8000
max_tokens = 1024
residency = ["us-east", "us-west"]   # optional
"""

POLICIES = """\
[policies]                           # optional: a stack by name, or a list of tables, plugins included
stack = "interactive"
"""

SAMPLE = f"{GATEWAY}\n{EAST}\n{WEST}\n{CHAT}\n{POLICIES}"

PLAIN = """\
[[endpoint]]
name = "a"
provider = "simulated"
model = "m"
"""
"""The least that is a configuration."""


def read(text: str) -> Configuration:
    return read_text(text, "gateway.toml", ENVIRON, CATALOGUE)


def with_(*lines: str) -> str:
    """An endpoint with more lines."""
    return "\n".join((PLAIN, *lines))


def endpoint(*lines: str) -> Endpoint:
    return read(with_(*lines)).endpoints[0]


def route(*lines: str) -> Route:
    return read("\n".join((PLAIN, "[[route]]", 'name = "chat"', 'models = ["m"]', *lines))).routes[0]


def refused(text: str) -> list[str]:
    """Every mistake in it, as a person reads it."""
    with pytest.raises(ConfigurationRefused) as error:
        read(text)
    return [str(mistake) for mistake in error.value.mistakes]
