"""Records of calls that were never made, with what a test says came of them."""

from __future__ import annotations

from paceline.gateway.demo.contestant import Record
from paceline.gateway.demo.traffic import PlannedCall


def planned(number: int = 1, *, at_s: float = 0.0, route: str = "chat") -> PlannedCall:
    return PlannedCall(number=number, at_s=at_s, route=route, prompt_tokens=100, answer_tokens=100)


def answered(
    at_s: float = 0.0,
    *,
    route: str = "chat",
    endpoint: str = "atlas-70b.us-west",
    ttft_s: float = 0.3,
    total_s: float = 2.0,
    retries: tuple[str, ...] = (),
    fallbacks: int = 0,
) -> Record:
    return Record(
        call=planned(at_s=at_s, route=route),
        endpoint=endpoint,
        ttft_s=ttft_s,
        total_s=total_s,
        tokens=100,
        retries=retries,
        fallbacks=fallbacks,
        failure=None,
        story="",
    )


def failed(at_s: float = 0.0, *, route: str = "chat", failure: str = "provider_error") -> Record:
    return Record(
        call=planned(at_s=at_s, route=route),
        endpoint=None,
        ttft_s=None,
        total_s=0.1,
        tokens=None,
        retries=(),
        fallbacks=0,
        failure=failure,
        story="",
    )
