"""Every mistake is told at once: where, what is wrong, what is allowed, what was likely meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from paceline.gateway.config import ConfigurationRefused, Mistake, read_file
from paceline.gateway.config.file import MOST_BYTES, TABLES
from paceline.gateway.config.mistake import Place
from paceline.router.errors import ConfigurationError

from .texts import CATALOGUE, CHAT, EAST, ENVIRON, GATEWAY, PLAIN, SAMPLE, WEST, read, refused, with_

INSTALLED = f"Installed: {CATALOGUE.stacks}. A package offers one in its entry-point group 'paceline.stacks'"


def test_mistakes_all_over_a_file_are_told_together_in_the_order_of_its_lines() -> None:
    text = (
        SAMPLE.replace("slots = 200", "slots = 0")
        .replace("port = 8080", "prot = 8080")
        .replace('"interactive"', '"interactve"')
        .replace("success = 0.99", "success = 99")
    )

    assert refused(text) == [
        "line 3: gateway.prot: there is no such key: did you mean port?",
        'line 13: endpoint[1] "east-mini".slots: must be a whole number of at least 1, not 0',
        'line 30: route[1] "chat".objective.success: must be a share above 0 and up to 1, not 99',
        f"line 36: policies.stack: no stack is named 'interactve': did you mean interactive? {INSTALLED}",
    ]


def test_the_error_tells_the_file_and_a_line_for_each_mistake() -> None:
    with pytest.raises(ConfigurationRefused) as error:
        read(with_("slots = 0", "qualty = 1"))

    assert isinstance(error.value, ConfigurationError)
    assert error.value.source == "gateway.toml"
    assert str(error.value).splitlines() == [
        "gateway.toml has 2 mistakes:",
        '  line 6: endpoint[1] "a".slots: must be a whole number of at least 1, not 0',
        '  line 7: endpoint[1] "a".qualty: there is no such key: did you mean quality?',
    ]
    assert error.value.mistakes[0] == Mistake(
        place='endpoint[1] "a".slots', wrong="must be a whole number of at least 1, not 0", line=6
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("slots = 'many'", ".slots: "),
        ("slots = 1.5", ".slots: must be "),
        ("slots = { kind = 'aimd', leest = 1 }", ".slots.leest: there is no such key: did you mean least?"),
        ("slots = { kind = 'aimd', most = 'x' }", ".slots.most: must be a whole number, not 'x'"),
        ("slots = { kind = 'steady' }", ".slots: "),
        ("slots = {}", ".slots: must be "),
        ("queue = true", ".queue: must be a whole number, not True"),
        ("quality = -1", ".quality: must be a whole number of at least 0, not -1"),
        ("region = ''", ".region: must be a non-empty string, not ''"),
        ("region = 7", ".region: must be text, not 7"),
        ("price_in_per_m = nan", ".price_in_per_m: must be a number"),
        ("price_in_per_m = inf", ".price_in_per_m: must be a number"),
        ("price_in_per_m = -1", ".price_in_per_m: must be a number of at least 0, not -1"),
        ("profile = { ttft_ms = -5 }", ".profile.ttft_ms: must be a number above 0, not -5"),
        ("profile = { ttft_ms = 'soon' }", ".profile.ttft_ms: must be a number, not 'soon'"),
        ("profile = { ttft_ms = true }", ".profile.ttft_ms: must be a number, not True"),
        ("profile = { }", ".profile: ttft_s is missing"),
        ("profile = 7", ".profile: must be "),
        ("profile = { ttft_ms = 900, ttft_p95_ms = 100 }", ".profile: Profile: ttft_p95_s (0.1) must be at least"),
        ("profile = { ttft_ms = 900, ttft_s = 1 }", ".profile.ttft_s: is given twice, by ttft_ms as well"),
        ("limits = { gap_s = 0 }", ".limits.gap_s: must be a number above 0, not 0"),
        ("limits = [1]", ".limits: must be "),
        ("tokens_per_slot = 9223372036854775808", ".tokens_per_slot: is too large a number"),
        ("base_url = 7", ".base_url: must be text, not 7"),
        ("headers = { x-a = 7 }", ".headers.x-a: must be text, not 7"),
        ("headers = 7", ".headers: must be a table, not 7"),
        ("headers_env = { x-a = 'NOPE' }", ".headers_env.x-a: names NOPE, which is not set"),
        ("url = 'http://x'", ".url: there is no such key"),
        ("timeout = 3", ".timeout: there is no such key; there are provider, base_url, headers"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_endpoint_is_told_where_it_is(line: str, told: str) -> None:
    (mistake,) = refused(with_(line))

    assert mistake.startswith('line 6: endpoint[1] "a"')
    assert told in mistake


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("priority = 'tttft'", ".priority: must be one of 'ttft', 'total', 'throughput', not 'tttft': did you mean"),
        ("objective = { ttft_ms = 0 }", ".objective.ttft_ms: must be a number above 0, not 0"),
        ("budget_ms = 'long'", ".budget_ms: must be a number, not 'long'"),
        ("budget = 3", ".budget: there is no such key: did you mean budget_"),
        ("max_tokens = 0", ".max_tokens: must be a whole number of at least 1, not 0"),
        ("residency = []", "residency is an empty set"),
        ("residency = ['mars']", ".residency: none of its endpoints lies in mars; they are in global"),
        ("residency = [7]", ".residency[0]: must be text, not 7"),
        ("grades = { ttft = { great_s = 3, fine_s = 2, slow_s = 1 } }", ".grades.ttft: Steps: great_s, fine_s"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_route_is_told_where_it_is(line: str, told: str) -> None:
    text = f'{PLAIN}\n[[route]]\nname = "chat"\nmodels = ["m"]\n{line}'

    (mistake,) = refused(text)

    assert 'route[1] "chat"' in mistake
    assert told in mistake


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("port = 65536", "gateway.port: must be a whole number from 0 to 65535, not 65536"),
        ("port = '80'", "gateway.port: must be a whole number, not '80'"),
        ("host = ''", "gateway.host: must be a non-empty string"),
        ("watch_port = -1", "gateway.watch_port: must be a whole number from 0 to 65535, not -1"),
        ("open_to_all = 1", "gateway.open_to_all: must be true or false, not 1"),
        ("watch_open = 'yes'", "gateway.watch_open: must be true or false, not 'yes'"),
        ("workers = 0", "gateway.workers: must be a whole number from 1 to 256, not 0"),
        ("max_body_bytes = 10", "gateway.max_body_bytes: must be a whole number of at least 1024, not 10"),
        ("body_timeout_ms = 0", "gateway.body_timeout_ms: must be a number above 0, not 0"),
        ("grace_s = -1", "gateway.grace_s: must be a number of at least 0, not -1"),
        ("bind = '127.0.0.1:80'", "gateway.bind: there is no such key"),
    ],
)
def test_a_mistake_in_the_programs_table_is_told_where_it_is(line: str, told: str) -> None:
    (mistake,) = refused(f"{PLAIN}\n[gateway]\n{line}")

    assert told in mistake


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["there is no [[endpoint]]: a gateway needs at least one"]),
        ("[endpoint]\nname = 'a'", ["line 1: endpoint: must be a list of tables: write [[endpoint]], not a table"]),
        ("endpoint = 7", ["line 1: endpoint: must be a list of tables: write [[endpoint]], not 7"]),
        ("endpoint = [7]", ["line 1: endpoint[1]: must be a table, not 7"]),
        (f"{PLAIN}\n[rout]", ["line 6: rout: there is no such table: did you mean route?"]),
        (f"{PLAIN}\n[zzz]", [f"line 6: zzz: there is no such table; there are {', '.join(TABLES)}"]),
        (f"gateway = 7\n{PLAIN}", ["line 1: gateway: must be a table, not 7"]),
        (f"router = []\n{PLAIN}", ["line 1: router: must be a table, not a list"]),
        (f"{PLAIN}\n[router]\nbudget_s = 0", ["line 7: router.budget_s: must be a number above 0, not 0"]),
        (
            f"{PLAIN}\n[router]\nextra_attempts = {{ ratio = -1 }}",
            ["line 7: router.extra_attempts.ratio: must be a number of at least 0, such as 0.1"],
        ),
        (
            "[[endpoint]]",
            [
                "line 1: endpoint[1]: name is missing",
                "line 1: endpoint[1]: model is missing",
                "line 1: endpoint[1]: provider is missing",
            ],
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_tables_themselves_is_told(text: str, told: list[str]) -> None:
    found = refused(text)

    assert told == [mistake for mistake in found if "at least one" not in mistake] or told == found


def test_what_does_not_fit_together_is_told_though_other_things_are_wrong() -> None:
    other = WEST.replace('"west-haiku"', '"east-mini"').replace("model =", "slots = 0\nmodel =")
    text = "\n".join((EAST, other, CHAT.replace("gpt-4o-mini", "gpt-4-mini"), CHAT))

    told = " | ".join(refused(text))

    assert "endpoint[2] \"east-mini\".name: another endpoint is named 'east-mini': give each a name of its own" in told
    assert "route[2] \"chat\".name: another route is named 'chat'" in told
    assert "models: no endpoint serves the model 'gpt-4-mini': did you mean gpt-4o-mini?" in told
    assert 'endpoint[2] "east-mini".slots: must be a whole number of at least 1' in told


def test_a_model_that_is_like_no_other_is_told_with_those_there_are() -> None:
    (mistake,) = refused(f"{PLAIN}\n[[route]]\nname = 'chat'\nmodels = ['zzz']")

    assert mistake.endswith("no endpoint serves the model 'zzz'; there are m")


def test_a_stack_that_cannot_keep_a_route_in_its_regions_is_refused() -> None:
    text = f"{PLAIN}\n[[route]]\nname = 'chat'\nmodels = 'm'\nresidency = 'global'\n[policies]\nstack = 'minimal'"

    (mistake,) = refused(text)

    assert "bound to regions, but no policy of the stack keeps calls in regions" in mistake


def test_an_endpoint_that_its_provider_cannot_call_is_refused_in_the_words_of_the_file() -> None:
    (mistake,) = refused(EAST.replace("http://127", "ftp://127"))

    assert "base_url must begin with http:// or https://" in mistake


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"a = ", "is no TOML: Invalid value (at end of document)"),
        (b"a = 1\na = 2", "is no TOML: "),
        (b"a = " + b"[" * 100_000, "is no TOML: it is nested too deeply"),
        (b"a = " + b"1" * 5000, "is no TOML: "),
        (b"\n\n\xff", "line 3: is not in UTF-8"),
        (b"#" * (MOST_BYTES + 1), "is larger than 4 MiB"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, raw: bytes, told: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(raw)

    with pytest.raises(ConfigurationRefused) as error:
        read_file(path, ENVIRON)

    assert str(error.value.mistakes[0]).startswith(told)
    assert len(error.value.mistakes) == 1


@pytest.mark.parametrize(
    ("name", "told"), [("none.toml", "No such file"), (".", "Is a directory"), ("a\0b", "embedded null byte")]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(ConfigurationRefused, match=told):
        read_file(tmp_path / name, ENVIRON)


def test_names_that_a_terminal_would_obey_are_made_harmless() -> None:
    (mistake,) = refused(PLAIN + '\n[["\\u001b[31mred"]]')

    assert "\x1b" not in mistake
    assert "\\x1b[31mred" in mistake


def test_a_place_is_told_as_a_person_counts() -> None:
    place = Place().at("endpoint").at(1, "east").at("limits").at("gap_s")

    assert str(place) == 'endpoint[2] "east".limits.gap_s'
    assert str(Place()) == ""


def test_the_documented_program_table_is_read_first() -> None:
    assert read(f"{GATEWAY}\n{PLAIN}").settings.keys
