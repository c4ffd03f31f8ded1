"""What a vendor says of the rates it allows, read from the headers of its answers.

Every answer may carry it, refusals too, so that pacing can slow down before the vendor says no. Vendors write the time
at which a rate is whole again in three ways; here it is always seconds from receipt, so that no wall clock is needed to
use it: the moment is ``attempt.headers_s + resets_in_s`` on the router's clock.
"""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One rate. None: the vendor did not say.

    limit: the most in one of the vendor's windows, at least 0. remaining: what is left of it, at least 0.
    resets_in_s: seconds from receipt until it is whole again, at least 0.
    """

    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one credential (or deployment), as the vendor counts them. None: it does not say.

    requests: calls. tokens: input and output together. input_tokens, output_tokens: of vendors that count them apart.
    """

    requests: Rate | None = None
    tokens: Rate | None = None
    input_tokens: Rate | None = None
    output_tokens: Rate | None = None
