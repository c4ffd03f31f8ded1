"""Addresses and headers are checked when an endpoint is built, and no message shows a value."""

from __future__ import annotations

import pytest

from paceline.providers import OpenAICompatible
from paceline.providers.http_address import address_of
from paceline.router import Endpoint, Secret
from paceline.router.errors import ConfigurationError

from .loopback import KEY


def endpoint(url: str | None, **fields: object) -> Endpoint:
    return Endpoint(name="e", provider=OpenAICompatible(), model="m", url=url, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "complete"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/chat/completions"),
        (
            "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_the_path_is_added_and_a_query_stays(url: str, complete: str) -> None:
    assert str(address_of(endpoint(url), None).url) == complete


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (None, "has no url: give one"),
        ("api.openai.com/v1", "must begin with"),
        ("ftp://api.openai.com/v1", "must begin with"),
        ("http://", "must begin with"),
        ("http://[half", "must begin with"),
        (f"https://{KEY}@api.openai.com/v1", "holds credentials"),
        ("https://api.openai.com/v1/chat/completions", "end before"),
    ],
)
def test_a_url_that_cannot_work_is_refused_when_the_endpoint_is_built(url: str | None, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        endpoint(url)
    assert "'e'" in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": KEY + "\n"},
        {"api_key": [KEY, KEY + "\n"]},
        {"headers": {"X-Team": f"{KEY}\r\nX-Other: 1"}},
        {"headers": {"X-Team": 7}},
        {"headers": {"": "x"}},
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent") as raised:
        endpoint("https://api.openai.com/v1", **fields)
    assert KEY not in str(raised.value)


def test_without_a_key_no_authorization_is_sent_and_a_header_may_take_its_place() -> None:
    assert "Authorization" not in address_of(endpoint("https://x/v1"), None).whole.headers
    azure = address_of(endpoint("https://x/v1", headers={"api-key": KEY}), None)
    assert azure.whole.headers["api-key"] == KEY
    assert KEY not in repr(azure)


def test_the_endpoints_own_headers_win() -> None:
    given = {"accept-encoding": "gzip", "User-Agent": "mine", "authorization": "Basic x"}
    headers = address_of(endpoint("https://x/v1", headers=given), Secret(KEY)).streaming.headers
    assert (headers["Accept-Encoding"], headers["User-Agent"], headers["Authorization"]) == ("gzip", "mine", "Basic x")
