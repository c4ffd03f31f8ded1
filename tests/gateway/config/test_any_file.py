"""Whatever a file holds, it is a configuration or it is refused: no other error, and no secret told."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.config import TRIAL, Configuration, ConfigurationRefused, read_text
from paceline.gateway.config.file import TABLES

from .texts import CATALOGUE, ENVIRON, SAMPLE

RICH = f"""{SAMPLE}
here = "us-east"
rtt_ms = {{ us-east = {{ eu-west = 90 }} }}
[router]
budget_s = 30
window = {{ periods = 3 }}
[[endpoint]]
name = "azure"
provider = {{ kind = "azure", api_version = "2024-10-21", connections = {{ warm = 1, keepalive_s = 5 }} }}
base_url = "https://r.openai.azure.com"
api_key_env = {{ names = ["EAST_KEY", "WEST_KEY"], aside_s = 60 }}
model = "gpt-4o-mini"
slots = {{ kind = "aimd", initial = 8 }}
limits = {{ gap_s = 2 }}
headers = {{ x-team = "search" }}
headers_env = {{ x-trace = "WEST_KEY" }}
"""

ALSO = {*TABLES, "kind", "stack", "names", "url", "api_key", "bind", "grades", "certificate", "extra_attempts", "caps"}
NAMES = sorted(ALSO | {word for word in re.split(r"\W+", RICH + TRIAL) if word.isidentifier()})
LITERALS = (
    "0", "-1", "1e400", "nan", "-inf", "9223372036854775807", "0x7fffffffffffffff", "true", "false", "''", "'aimd'",
    "'../..'", "[]", "[[]]", "{}", "[1, 'a']", "{ kind = 'retry' }", "{ kind = 7 }", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", "'\\u0000'", "[{ kind = 'slots' }]", "{ a = { b = { c = 1 } } }", "'sk-secret-1234567890'",
)  # fmt: skip


def becomes_one_of_the_two(text: str) -> None:
    found: Configuration | ConfigurationRefused
    try:
        found = read_text(text, "any.toml", ENVIRON, CATALOGUE)
    except ConfigurationRefused as refused:
        found = refused
    said = f"{found!s} {found!r}"
    if isinstance(found, ConfigurationRefused):
        assert found.mistakes
        assert all(mistake.wrong for mistake in found.mistakes)
    else:
        assert found.router()
    assert "east-secret" not in said
    assert "sk-secret-1234567890" not in said


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    becomes_one_of_the_two(text)


def written(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(written, cast('list[object]', value)))}]"
    if isinstance(value, dict):
        pairs = cast("Mapping[str, object]", value).items()
        return f"{{ {', '.join(f'{name} = {written(each)}' for name, each in pairs)} }}"
    return str(value)


scalars = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from([*NAMES, "aimd", "simulated", "us-east", "ttft", "EAST_KEY"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
names = st.sampled_from(NAMES)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=6))
def test_any_toml_of_the_words_of_a_configuration(document: dict[str, object]) -> None:
    becomes_one_of_the_two("\n".join(f"{name} = {written(value)}" for name, value in document.items()))


lines = RICH.splitlines()


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(lines) - 1),
            st.sampled_from(["drop", "twice", "value", "key", "cut"]),
            st.sampled_from(LITERALS),
            names,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_change_of_a_good_file(changes: list[tuple[int, str, str, str]]) -> None:
    changed: list[str] = [*lines]
    for number, how, literal, name in changes:
        line = changed[number]
        key, separator, value = line.partition(" = ")
        changed[number] = {
            "drop": "",
            "twice": f"{line}\n{line}",
            "value": f"{key}{separator}{literal}" if separator else line,
            "key": f"{name}{separator}{value}" if separator else f"[{name}]",
            "cut": line[: len(line) // 2],
        }[how]
    becomes_one_of_the_two("\n".join(changed))


def test_the_file_that_is_changed_is_good() -> None:
    assert len(read_text(RICH, "x", ENVIRON, CATALOGUE).endpoints) == 3
