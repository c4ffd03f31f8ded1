"""What ``paceline top`` is told, and what it refuses."""

from __future__ import annotations

import pytest

from paceline.gateway import cli
from paceline.gateway.top.choices import Sort
from paceline.gateway.top.options import TopOptions


def given(*arguments: str) -> TopOptions:
    return TopOptions.of(cli.parser().parse_args(["top", *arguments]))


def test_options_have_their_defaults() -> None:
    assert given() == TopOptions(url="http://127.0.0.1:8080", every_s=1.0, key=None, once=False, sort=Sort.CONFIGURED)


def test_everything_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCH", " secret ")

    options = given("gateway:9090", "--every", "5", "--key-env", "WATCH", "--once", "--sort", "ttft")

    assert options == TopOptions(url="http://gateway:9090", every_s=5.0, key="secret", once=True, sort=Sort.TTFT)
    assert "secret" not in repr(options)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("localhost", "http://localhost"),
        ("https://llm.example/", "https://llm.example"),
        ("https://llm.example/inner", "https://llm.example/inner"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_what_a_person_types(typed: str, url: str) -> None:
    assert given(typed).url == url


@pytest.mark.parametrize("typed", ["ftp://x", "http://", "x:port", "x:99999", "http://x?a=b", "http://[::1", ""])
def test_what_is_no_address_is_refused(capsys: pytest.CaptureFixture[str], typed: str) -> None:
    with pytest.raises(SystemExit) as end:
        given(typed)

    assert end.value.code == 2
    assert "give one such as http://127.0.0.1:8080" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["", "  ", "one\ntwo", "schlüssel"])
def test_what_is_no_key_is_refused_and_never_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("WATCH", key)

    with pytest.raises(SystemExit) as end:
        given("--key-env", "WATCH")

    told = capsys.readouterr().err
    assert end.value.code == 2
    assert "WATCH" in told
    assert key.strip() == "" or key.rsplit("\n", maxsplit=1)[-1] not in told
