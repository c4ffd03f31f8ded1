"""Settings of the program: who may reach it, and what takes effect only at the start."""

from __future__ import annotations

import attrs
import pytest

from paceline.gateway.config import Bind, Settings, needs_restart
from paceline.router import Secret
from paceline.router.errors import ConfigurationError

from .texts import PLAIN, read, refused

KEYS = (Secret("k"),)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_keys(host: str) -> None:
    assert Settings(bind=Bind(host=host)).bind.is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"])  # noqa: S104
def test_beyond_loopback_keys_are_needed_unless_it_is_open_to_all(host: str) -> None:
    with pytest.raises(ConfigurationError, match="beyond this machine"):
        Settings(bind=Bind(host=host))

    Settings(bind=Bind(host=host), keys=KEYS)
    Settings(bind=Bind(host=host), open_to_all=True)


def test_the_same_holds_for_the_dashboards_own_address() -> None:
    beyond = Bind(host="10.0.0.1", port=9)

    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.1:9, where the dashboard is"):
        Settings(watch_bind=beyond)
    with pytest.raises(ConfigurationError, match="watch_keys_env"):
        Settings(watch_bind=beyond, keys=KEYS, watch_keys=())
    Settings(watch_bind=beyond, keys=KEYS)
    Settings(watch_bind=beyond, watch_keys=KEYS)
    Settings(watch_bind=beyond, open_to_all=True)


def test_a_file_that_is_open_to_the_world_is_refused_in_its_own_words() -> None:
    (mistake,) = refused(f"{PLAIN}\n[gateway]\nhost = '0.0.0.0'")

    assert mistake == (
        "line 6: gateway: Settings: 0.0.0.0:8080 can be reached from beyond this machine, and there are no keys: name "
        "the variable that holds them with keys_env, listen at 127.0.0.1, or say open_to_all = true"
    )
    assert read(f"{PLAIN}\n[gateway]\nhost = '0.0.0.0'\nopen_to_all = true").settings.open_to_all


def test_it_cannot_be_said_that_a_key_is_needed_and_that_none_is() -> None:
    (mistake,) = refused(f"{PLAIN}\n[gateway]\nwatch_open = true\nwatch_keys_env = 'EAST_KEY'")

    assert "gateway.watch_open: says that no key is needed, and watch_keys_env names some" in mistake


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"keys": ["k"]}, "keys must be a tuple of Secret"),
        ({"keys": ("k",)}, "keys must be a tuple of Secret"),
        ({"watch_keys": "k"}, "watch_keys must be a tuple of Secret"),
        ({"open_to_all": 1}, "open_to_all must be true or false, not 1"),
        ({"workers": True}, "workers must be a whole number from 1 to 256, not True"),
        ({"bind": "127.0.0.1:1"}, "bind must be Bind, not str"),
        ({"most_calls": 0}, "most_calls must be a whole number of at least 1"),
    ],
)
def test_settings_made_in_a_program_are_checked_too(change: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings(**change)  # type: ignore[arg-type]


def test_what_takes_effect_only_at_the_start_is_told_in_the_words_of_the_file() -> None:
    before = Settings()

    assert needs_restart(before, before) == ()
    assert needs_restart(before, attrs.evolve(before, keys=KEYS, grace_s=1.0, most_calls=5)) == ()
    assert needs_restart(before, Settings(bind=Bind(port=9), workers=2, watch_bind=Bind(port=1))) == (
        "host and port",
        "watch_host and watch_port",
        "workers",
    )


def test_an_address_is_told_as_in_a_url() -> None:
    assert [str(Bind(host=host, port=80)) for host in ("::1", "[::1]", "127.0.0.1")] == [
        "[::1]:80",
        "[::1]:80",
        "127.0.0.1:80",
    ]
