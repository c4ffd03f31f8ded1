"""`Secret`: given to whoever sends it, shown to nobody."""

import copy
import json
import pickle

import pytest

from paceline.router import Secret
from paceline.router.errors import ConfigurationError

KEY = Secret("sk-hidden")


def test_it_is_revealed_when_asked_for() -> None:
    assert KEY.reveal() == "sk-hidden"


@pytest.mark.parametrize("shown", [repr(KEY), str(KEY), f"{KEY}", f"{KEY!s:>20}", "%s %r" % (KEY, KEY), f"{[KEY]}"])  # noqa: UP031
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert "sk-" not in shown
    assert "***" in shown


def test_it_has_no_attributes_to_be_dumped() -> None:
    with pytest.raises(TypeError):
        vars(KEY)
    with pytest.raises(TypeError):
        json.dumps(KEY)


@pytest.mark.parametrize("store", [pickle.dumps, copy.deepcopy])
def test_it_is_not_written_anywhere(store: object) -> None:
    assert callable(store)
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        store(KEY)


def test_equal_keys_are_equal_and_a_plain_string_is_not() -> None:
    assert Secret("sk-hidden") == KEY
    assert hash(Secret("sk-hidden")) == hash(KEY)
    assert Secret("sk-other") != KEY
    assert KEY != "sk-hidden"


def test_an_empty_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a secret is empty: set its value"):
        Secret("")


def test_it_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACELINE_TEST_KEY", "sk-env")

    assert Secret.from_env("PACELINE_TEST_KEY").reveal() == "sk-env"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("PACELINE_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("PACELINE_TEST_KEY", value)

    with pytest.raises(ConfigurationError, match="PACELINE_TEST_KEY is unset or empty: export it before starting"):
        Secret.from_env("PACELINE_TEST_KEY")
