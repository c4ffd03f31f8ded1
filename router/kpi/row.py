"""One finished call, or one attempt, in figures: what reports and diagnoses are made of.

The parts of a call add up to its total, to the last bit of a float:

    total_s = elsewhere_s + slot_wait_s + connect_s + first_token_s + generation_s

so that a change of the total can be told as changes of its parts.
"""

from __future__ import annotations

import msgspec

from ..events import CallOutcome
from ..ledger import Outcome


class CallRow(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One finished call as its caller saw it. Seconds; None: not known.

    ended_s: when it ended, on the router's clock. outcome: how. reason: of a failure, one word.
    endpoint, model, region: who answered; for a call without an answer, who was tried last; None if nobody was.
    size: class of the prompt's size (`statistics.size_class`). cap: the most tokens its answer could have had.
    ttft_s: from arrival to the first progress; None without an answer, or for an answer in one piece.
    total_s: from arrival to the end.
    elsewhere_s: before the attempt that answered: other attempts, backoff, and whatever a policy did. For a call
        without an answer this is all but the last attempt.
    slot_wait_s: it waited for its slot here. connect_s: to open a connection; 0.0 on a pooled one.
    first_token_s: from then to the first progress: the way there, the vendor's queue, and the reading of the prompt.
        Of an attempt that never spoke, all that is left of it.
    generation_s: from the first progress to the end. An answer in one piece has none: all is in first_token_s.
    tpot_s: seconds per output token, as `Attempt.tpot_s`.
    network_s: what of first_token_s was the way there and not the vendor's work: `Attempt.network_s` less connect_s.
    input_tokens: as the vendor says, else as the request does. cached_tokens, output_tokens: as the vendor says.
    keepalives: before the first progress. held_s: the caller took over what it was given; a part of generation_s.
    attempts: tries that were made. retries, fallbacks, hedges: of these kinds, each retry with its reason.
    retried_from: of each retry, in the same order, the endpoint whose failure made it necessary; None: not known.
    timeouts: attempts that ran into a limit.
    in_time: within its route's objective; a call without an answer never is.
    cost: money, at the endpoints' prices, of all attempts whose tokens were told.
    """

    ended_s: float
    outcome: CallOutcome
    reason: str | None = None
    endpoint: str | None = None
    model: str | None = None
    region: str | None = None
    size: int = 0
    cap: int | None = None
    ttft_s: float | None = None
    total_s: float
    elsewhere_s: float = 0.0
    slot_wait_s: float = 0.0
    connect_s: float = 0.0
    first_token_s: float = 0.0
    generation_s: float = 0.0
    tpot_s: float | None = None
    network_s: float | None = None
    input_tokens: int
    cached_tokens: int | None = None
    output_tokens: int | None = None
    keepalives: int = 0
    held_s: float = 0.0
    attempts: int = 1
    retries: tuple[str, ...] = ()
    retried_from: tuple[str | None, ...] = ()
    fallbacks: int = 0
    hedges: int = 0
    timeouts: int = 0
    in_time: bool = True
    cost: float | None = None


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One finished attempt, as the endpoint served it. Seconds from when it was sent; None: not known.

    ended_s: when it ended, on the router's clock. outcome: how. reason: of a failure or timeout, one word.
    size: class of the prompt's size. slot_wait_s: it waited for its slot, before it was sent.
    ttft_s: to the first progress; None if there was none, or the answer was asked for in one piece.
    total_s: to the end. held_s: the caller took over what it was given, a part of it.
    tpot_s: per output token, as `Attempt.tpot_s`.
    input_tokens, output_tokens: as the vendor says. cost: money for them, at the endpoint's prices.
    """

    ended_s: float
    endpoint: str
    outcome: Outcome
    reason: str | None = None
    size: int = 0
    slot_wait_s: float = 0.0
    ttft_s: float | None = None
    total_s: float
    held_s: float = 0.0
    tpot_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
