"""docs/deploy.md tells the truth: every command, option, key, path, metric and figure in it exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import attrs
import pytest

from paceline.gateway import cli
from paceline.gateway.completion import commands_of
from paceline.gateway.config import Settings, read_text
from paceline.gateway.config.program import OWN
from paceline.router import Endpoint, Route

from .exported import metrics
from .files import ALERTS, GUIDE, RECIPE, ROOT, UNIT


def test_every_metric_in_the_guide_is_exported() -> None:
    told = set(re.findall(r"`(paceline_[a-z_]+)`", GUIDE))

    assert len(told) > 12
    exported = {name.removesuffix("_bucket") for name in metrics()}
    assert told <= exported


def test_every_alert_in_the_guide_is_a_rule() -> None:
    told = set(re.findall(r"`(Paceline[A-Z]\w+)`", GUIDE))

    assert told
    assert told <= set(re.findall(r"alert: (\w+)", ALERTS))


def command_lines() -> list[str]:
    """Every command of ours in the guide, the unit and the container's recipe."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    told = [line.split("#")[0].strip() for line in blocks.splitlines() if line.startswith("paceline ")]
    told += list(re.findall(r"`(paceline [^`]+)`", GUIDE))
    told += [line.removeprefix("ExecStart=/opt/paceline/bin/") for line in UNIT.splitlines() if "ExecStart=" in line]
    entry, command = (
        json.loads(re.findall(rf"^{word} (.*)$", RECIPE, re.MULTILINE)[0]) for word in ("ENTRYPOINT", "CMD")
    )
    return [*told, shlex.join(["paceline", *entry[1:], *command])]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [word.replace("${STATE_DIRECTORY}", str(tmp_path)) for word in shlex.split(line)[1:]]  # as systemd does
    if len(given) == 1:  # a command as such
        assert given[0] in commands_of(cli.parser())
        if given[0] in {"check", "bench", "report", "replay"}:
            return
    assert callable(cli.parser().parse_args(given).run)


def test_every_key_of_a_configuration_exists() -> None:
    told = {word for word in re.findall(r"`([a-z_]+)(?: = [^`]*)?`", GUIDE) if "_" in word or word in {"host", "port"}}
    told -= {word for word in told if word.startswith(("paceline_", "proxy_", "lb_"))}
    known = {*OWN, "api_key_env"} | {field.name for kind in (Settings, Endpoint, Route) for field in attrs.fields(kind)}

    assert {"keys_env", "watch_port", "grace_s", "most_calls", "open_to_all"} <= told
    assert told <= known


def test_the_limits_in_the_guide_are_the_defaults() -> None:
    settings = Settings()

    assert f"`most_calls` ({settings.most_calls:,})" in GUIDE
    assert f"`max_body_bytes` ({settings.max_body_bytes >> 20} MiB)" in GUIDE
    assert f"`body_timeout_s` and `write_timeout_s` ({settings.body_timeout_s:g} s)" in GUIDE
    assert f"`grace_s`\n  ({settings.grace_s:g} s)" in GUIDE
    assert settings.body_timeout_s == settings.write_timeout_s


def test_files_that_are_named_exist() -> None:
    for path in re.findall(r"\]\(\.\./([^)]+)\)", GUIDE):
        assert (ROOT / path).exists()
    for path in re.findall(r"\b(deploy/[\w.]+)", GUIDE + RECIPE):
        assert (ROOT / path).is_file()


def test_beyond_loopback_it_does_want_keys() -> None:
    text = '[gateway]\nhost = "0.0.0.0"\n{}\n[[endpoint]]\nname = "a"\nprovider = "simulated"\nmodel = "m"\n'

    assert read_text(text.format('keys_env = "K"'), "f", {"K": "one,two"}).settings.keys
    with pytest.raises(ValueError, match="keys_env"):
        read_text(text.format(""), "f", {})
