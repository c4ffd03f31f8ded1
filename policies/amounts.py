"""What a call takes of the limits of a credential: itself, its tokens, those that go in, those that come out.

How long the answer will be nobody knows before. Reserved is what is *likely*: as the request says, else the mean of the
route's answers of late, else 128 tokens, never above the cap. The cap itself is seldom reached, and reserving it would
leave most of a limit unused: with a cap of 4,000 tokens, answers of 400 that take ten seconds, and 60,000 tokens a
minute, four calls would tie up all that a quarter of a minute brings. What is likely is right on average, and usage
settles the rest.

A vendor that takes the cap when it admits a call (`Counts.ALLOWED`) must be followed in that, so both are worked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .expectation import likely_lengths

if TYPE_CHECKING:
    from ..router.call import Call

Amounts: TypeAlias = tuple[float, float, float, float]
"""Calls, tokens, tokens in, tokens out."""

Asked: TypeAlias = tuple[Amounts, Amounts]
"""What a call is likely to use, and the most that it may."""

NOTHING: Amounts = (0.0, 0.0, 0.0, 0.0)


def asked_by(call: Call, now_s: float) -> Asked:
    """What the call takes."""
    lengths = likely_lengths(call, call.request.priority or call.route.priority, now_s)
    tokens_in, tokens_out = call.prompt_tokens, sum(lengths) / len(lengths)
    used = (1.0, tokens_in + tokens_out, tokens_in, tokens_out)
    most = call.max_tokens
    return used, used if most is None else (1.0, tokens_in + most, tokens_in, most)


def plus(one: Amounts, other: Amounts, share: float = 1.0) -> Amounts:
    """The sum of both, of *other* only a *share*."""
    return (
        one[0] + share * other[0],
        one[1] + share * other[1],
        one[2] + share * other[2],
        one[3] + share * other[3],
    )
