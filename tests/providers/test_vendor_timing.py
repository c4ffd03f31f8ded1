"""What a vendor says of its own working time, and what of that can be believed."""

from __future__ import annotations

import asyncio

import pytest

from paceline.providers.vendor_timing import processing_s
from paceline.router.errors import ProviderError
from paceline.router.ledger import Attempt

from .loopback import WHOLE, Say, asking, replies, streams

OPENAI, ENVOY = "openai-processing-ms", "x-envoy-upstream-service-time"


@pytest.mark.parametrize(
    ("told", "seconds"), [("250", 0.25), ("0", 0.0), (" 250 ", 0.25), ("12.5", 0.0125), ("3600000", 3600.0)]
)
@pytest.mark.parametrize("name", [OPENAI, ENVOY])
def test_milliseconds_are_told_in_seconds(name: str, told: str, seconds: float) -> None:
    assert processing_s({name: told}) == seconds


@pytest.mark.parametrize(
    "told",
    ["", "-1", "nan", "inf", "1e3", "1_000", "0x10", "+5", "250ms", "12, 15", "3600001", "9" * 400, "٢٥٠", "1.", ".5"],
)
def test_what_is_no_time_is_passed_over(told: str) -> None:
    assert processing_s({OPENAI: told}) is None
    assert processing_s({OPENAI: told, ENVOY: "250"}) == 0.25


def test_a_vendor_that_says_nothing_is_not_taken_for_a_fast_one() -> None:
    assert processing_s({"x-request-id": "r-1"}) is None


def test_the_vendors_own_word_goes_before_that_of_a_proxy() -> None:
    assert processing_s({ENVOY: "900", OPENAI: "250"}) == 0.25


def attempt_at(say: Say, *, fails: bool = False) -> Attempt:
    """The attempt of a call to a vendor who says *say*."""

    async def main() -> Attempt:
        async with asking(say) as asked:
            if not fails:
                return (await asked.complete()).attempts[-1]
            with pytest.raises(ProviderError) as caught:
                await asked.complete()
            assert caught.value.ledger is not None
            return caught.value.ledger.attempts[-1]

    return asyncio.run(main())


def test_the_vendors_time_is_taken_from_the_way_to_its_headers() -> None:
    attempt = attempt_at(streams(WHOLE, **{"OpenAI-Processing-Ms": "0.001"}))

    assert attempt.processing_s == pytest.approx(0.000_001)
    assert attempt.headers_s is not None
    assert attempt.network_s == pytest.approx(attempt.headers_s - attempt.sent_s - 0.000_001)


def test_a_vendor_that_claims_more_than_there_was_leaves_nothing_to_the_network() -> None:
    attempt = attempt_at(streams(WHOLE, **{ENVOY: "60000"}))

    assert attempt.processing_s == 60.0
    assert attempt.network_s == 0.0


def test_without_a_word_of_the_vendor_only_the_connection_is_the_networks() -> None:
    attempt = attempt_at(streams(WHOLE))

    assert attempt.processing_s is None
    assert attempt.network_s == attempt.connect_s


def test_a_refusal_tells_its_time_too() -> None:
    attempt = attempt_at(replies({"error": {"message": "down"}}, status=500, **{OPENAI: "125"}), fails=True)

    assert attempt.processing_s == 0.125
