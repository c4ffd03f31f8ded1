"""What a caller says in headers of how its call is to be routed, and how long it will wait.

    x-paceline-budget-ms: 2500                  milliseconds for the whole answer
    x-paceline-route: chat                      the class of traffic; the body's model then narrows it
    x-paceline-priority: ttft                   what fast means: ttft, total, throughput
    x-paceline-urgency: interactive             who gets a slot first: interactive, normal, background
    x-paceline-residency: eu-west, eu-north     regions that may see it; only ever narrows what the route allows
    x-paceline-location: eu-west                where the person is
    x-paceline-user: u-123                      who, for sticky regions; never logged
    x-paceline-min-quality: 2                   the least quality tier
    x-paceline-expected-tokens: 300             how long the answer is likely to be

A wish that cannot be read is a mistake of the caller's and refused: silently dropped, it would be kept by nobody.

The official SDKs say how long they wait for the next byte (``x-stainless-read-timeout``, Anthropic's
``x-stainless-timeout``), without their user doing anything. That is a bound, not a wish: ten minutes by default, they
must not lengthen a route's own budget. Nor is it a deadline for a stream, which is read as it comes: there it bounds
the wait for its beginning.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ...router import Priority, Urgency
from ..dialects.refused import Mistake

if TYPE_CHECKING:
    from ...router import Call, Request

LONGEST_BUDGET_MS = 86_400_000
MOST_CHARACTERS = 256
MARGIN, MOST_MARGIN_S = 0.1, 0.25
"""What of the SDK's patience is left for our own answer to reach it: a share, and seconds at most."""

OF_SDKS = ("x-stainless-read-timeout", "x-stainless-timeout")
RETRIES_SO_FAR = "x-stainless-retry-count"

Named = TypeVar("Named", bound=enum.Enum)


def with_wishes(request: Request, headers: Mapping[str, str]) -> Request:
    """*request*, as the headers say besides.

    Raises:
        InvalidRequest: one of them cannot be read; it says which, and what is allowed.
    """
    wishes: dict[str, Any] = {}
    for header in WISHES:
        value = headers.get(header)
        if value is not None:
            field, read = WISHES[header]
            wishes[field] = read(value.strip(), header)
    if not wishes:
        return request
    if wishes.get("route") == request.model:
        wishes["model"] = None  # the route's own name, which narrows nothing
    return attrs.evolve(request, **wishes)


def with_patience(call: Call, headers: Mapping[str, str]) -> Call:
    """*call*, bounded by how long its caller's SDK waits for the next byte. What cannot be read is no hint."""
    patience_s = _patience_s(headers)
    if patience_s is None or call.request.budget_s is not None:
        return call
    until_s = call.ledger.began_s + patience_s
    if until_s >= call.deadline_s:
        return call
    return call.with_(start_by_s=until_s) if call.ledger.streamed else call.with_(deadline_s=until_s)


def retries_so_far(headers: Mapping[str, str]) -> int | None:
    """How often the caller's SDK has sent this call before; None where it does not say."""
    told = headers.get(RETRIES_SO_FAR, "")
    return int(told) if told.isdecimal() and len(told) < 4 else None


def _patience_s(headers: Mapping[str, str]) -> float | None:
    for name in OF_SDKS:
        told = headers.get(name)
        if told is not None:
            try:
                patience_s = float(told)
            except ValueError:
                continue
            if 0 < patience_s < math.inf:
                return patience_s - min(MARGIN * patience_s, MOST_MARGIN_S)
    return None


def _text(value: str, header: str) -> str:
    if not value or len(value) > MOST_CHARACTERS:
        raise Mistake(f"{header} must have from 1 to {MOST_CHARACTERS} characters", param=header)
    return value


def _budget_s(value: str, header: str) -> float:
    try:
        budget_ms = float(value)
    except ValueError:
        budget_ms = math.nan
    if not 0 < budget_ms <= LONGEST_BUDGET_MS:
        told = f"{header} must be a number of milliseconds above 0 and up to {LONGEST_BUDGET_MS}"
        raise Mistake(told, param=header)
    return budget_ms / 1000


def _whole(least: int) -> Callable[[str, str], int]:
    def read(value: str, header: str) -> int:
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= least):
            raise Mistake(f"{header} must be a whole number of at least {least}", param=header)
        return int(value)

    return read


def _one_of(kind: type[Named]) -> Callable[[str, str], Named]:
    by_name = {member.name.lower(): member for member in kind}

    def read(value: str, header: str) -> Named:
        member = by_name.get(value.lower())
        if member is None:
            raise Mistake(f"{header} must be one of {', '.join(by_name)}", param=header)
        return member

    return read


def _regions(value: str, header: str) -> frozenset[str]:
    regions = frozenset(part.strip() for part in _text(value, header).split(",") if part.strip())
    if not regions:
        raise Mistake(f"{header} must name at least one region, such as 'eu-west, eu-north'", param=header)
    return regions


WISHES: Mapping[str, tuple[str, Callable[[str, str], object]]] = {
    "x-paceline-budget-ms": ("budget_s", _budget_s),
    "x-paceline-route": ("route", _text),
    "x-paceline-priority": ("priority", _one_of(Priority)),
    "x-paceline-urgency": ("urgency", _one_of(Urgency)),
    "x-paceline-residency": ("residency", _regions),
    "x-paceline-location": ("location", _text),
    "x-paceline-user": ("user", _text),
    "x-paceline-min-quality": ("min_quality", _whole(0)),
    "x-paceline-expected-tokens": ("expected_tokens", _whole(1)),
}
"""Each header, with the field of `Request` it sets and what reads it."""
