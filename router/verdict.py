"""What the end of an attempt says: of the health of what was asked, and of its load.

Two questions that look alike and are not. A breaker asks whether the endpoint is broken, and a limit of calls in
flight whether there are too many of them. A plain 500 is a fault and says nothing of load; a wrong key is neither. Each
class of `router.errors` answers both, and whoever keeps a breaker or a limit asks nothing else.

Sources: the listener of Netflix concurrency-limits (success, dropped, ignored); Finagle's response classifier.
"""

from __future__ import annotations

import enum


class Health(enum.Enum):
    """Against whom a failure speaks."""

    ENDPOINT = "endpoint"
    """The endpoint does not work: a breaker counts it."""
    LIMIT = "limit"
    """It asks for fewer calls. Too many of those answers and it is of little use, but one after another is no fault."""
    CREDENTIAL = "credential"
    """Its key is refused, or used up. The endpoint is well, but of no use until somebody mends the key."""
    DEPLOYMENT = "deployment"
    """It does not have what it is configured to have. A mistake of ours, so no breaker counts it."""
    NONE = "none"
    """Against nobody there: the request, the caller, or this side is the cause."""


class Signal(enum.Enum):
    """What the end of an attempt says of an endpoint's load."""

    OK = "ok"
    """It bore the call."""
    DROPPED = "dropped"
    """It had too many: a limit shrinks."""
    IGNORED = "ignored"
    """Nothing: the slot is given back without a word."""
