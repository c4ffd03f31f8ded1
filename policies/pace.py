"""Send no faster than a vendor's limits allow, so that it need not say no.

Vendors limit calls and tokens a minute. A client that sends as fast as it can spends the minute's worth in seconds and
is refused until the next one begins: a sawtooth of bursts and 429s, in which most calls come late and the refusals cost
attempts, time and, at some vendors, quota as well. `Pace` spreads the same amount evenly.

Before a call is sent its likely tokens are reserved (`amounts`), and settled by usage when it is over. Endpoints of one
credential share one allowance (`credentials`), which is a bucket for each rate (`token_bucket`), of a second's worth by
default: what was not sent in a quiet moment is not sent as a burst later.

What is known of a limit comes from three places. A `Quota` says what was bought. A vendor's headers say what is left,
others' use included, and slow the rate down to what will last (`meter`). And where neither is known, a 429 cuts the
rate, which then feels its way back (`cubic`); a 429 with a Retry-After closes the credential until then, whichever of
its endpoints it came from.

A call goes on with those candidates that have room now. When none has, it waits for the first that will, the urgent
before the others (`quota_line`). If that comes too late to be of use it is refused at once, and the error says when
there will be room.

Stands inside what repeats, so that every attempt takes its part, inside `Breaker`, and outside what chooses. Use it
where a vendor limits rates, and for each process give the share of the limit that is its own; headers mend the rest. It
is no help against slow or full endpoints: that is what `LatencyBudget` and `Slots` are for.

Sources: token buckets; the adaptive mode of botocore (CUBIC), but bounded by the caller's deadline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs
import msgspec
from msgspec.structs import replace

from ..router import check
from ..router.errors import ConfigurationError, NoEndpoint, Throttled
from ..router.pipeline import Layer
from .amounts import MOST, asked_by
from .certain import A_CALL
from .credentials import Credentials
from .gate import without_gated
from .quota import Quota
from .quota_line import QuotaLine

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.fleet import Fleet
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target
    from ..router.witness import Witness
    from .allowance import Taken
    from .amounts import Asked

BY = "Pace"


def _quotas(given: Sequence[Quota]) -> tuple[Quota, ...]:
    check.every(Quota, given, "Pace: quotas")
    names = [name for quota in given for name in quota.endpoints]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"Pace: {name!r} is named twice in quotas: give it one quota")
    return tuple(given)


@attrs.frozen(kw_only=True)
class Pace:
    """Keeps to the limits of each credential. One object serves one router: it remembers what was sent.

    quotas: what is allowed, as configured. Default: nothing is; limits are learned from headers and refusals alone.
    max_wait_s: seconds to wait for room at most. Default 30.0; at least 0; 0 refuses at once. What is left until the
        answer must have started, less the time that takes, takes precedence when it is less.
    queue: calls that may wait. Default 256; at least 0. In a full line the last of those that are less urgent gives up
        its place.

    Raises `Throttled` when there is no room in time, and `Gated` when every endpoint has asked to be left alone for
    longer than that. A second leg of a hedge never waits.
    """

    layer: ClassVar[Layer] = Layer.QUOTA

    quotas: Sequence[Quota] = attrs.field(default=(), converter=_quotas)
    max_wait_s: float = attrs.field(default=30.0, validator=check.at_least_zero)
    queue: int = attrs.field(default=256, validator=check.count(0))

    _credentials: Credentials = attrs.field(
        default=attrs.Factory(lambda self: Credentials(self.quotas), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip
    _line: QuotaLine = attrs.field(
        default=attrs.Factory(lambda self: QuotaLine(self._credentials, self.queue), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse quotas of endpoints that there are not.

        Raises:
            ConfigurationError: naming the endpoint, and those that there are.
        """
        there = [target.name for target in fleet]
        for quota in self.quotas:
            for name in quota.endpoints:
                if name not in there:
                    raise ConfigurationError(
                        f"Pace: a quota names the endpoint {name!r}, which this router does not have; it has "
                        f"{', '.join(there)}"
                    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        line = self._line
        certain = line.certain
        lengths = call.lengths
        now_s = call.clock()
        if call.max_tokens is None and call.request.expected_tokens is None and now_s < lengths.until_s:
            tokens_in: float = call.prompt_tokens
            most = lengths.usual
            asked: Asked = (tokens_in, most, most)  # as `asked_by` has it, for nearly all
        else:
            asked = tokens_in, _, most = asked_by(call, now_s)
        weight = certain.weight + A_CALL + tokens_in + most
        room = certain.room
        if room.targets is not call.candidates:
            room = certain.of(call.candidates)
        if weight <= room.weight and now_s < room.until_s and now_s >= room.pulse.gated_until_s:
            certain.weight = weight
            if line.passing is not None:
                line.on_its_way()
            line.passing = asked
        else:
            call = await self._with_room(call, asked, now_s)
        share = _Share(line, asked) if call.witness is None else _RelayingShare(line, asked, before=call.witness)
        try:
            await next(replace(call, witness=share), emit)
        finally:
            taken = share.taken
            if taken is None:
                line.end(asked)
            else:
                taken[0].settle(taken, call)
            if line.line:
                line.let_in(call.clock())

    async def _with_room(self, call: Call, asked: Asked, now_s: float) -> Call:
        """The call with the candidates that have room, on its way.

        Raises:
            Throttled, Gated: none has, in time.
        """
        if not call.candidates:
            raise NoEndpoint("no candidate is left to pace")
        if self._line.lets_pass(call, asked, now_s):
            return call
        targets = self._line.with_room(call, asked, now_s)
        if targets:
            self._line.begin(asked)
        else:
            targets = await self._waited(call, asked, now_s)
        if len(targets) == len(call.candidates):
            return call
        call.note(BY, "%d of %d have room in their rate limits", len(targets), len(call.candidates))
        room = set(targets)
        return call.with_(candidates=targets, tied=sum(target in room for target in call.candidates[: call.tied]) or 1)

    async def _waited(self, call: Call, asked: Asked, now_s: float) -> tuple[Target, ...]:
        ready_s, until_s = self._line.ready_at_s(call, asked, now_s), self._until_s(call, now_s)
        if ready_s >= until_s or not self._line.may_wait(call.urgency):
            without_gated(call, now_s)
            raise self._refusal(call, "there is no room in the rate limits", ready_s - now_s)
        if ready_s > now_s:
            call.note(BY, "no room in the rate limits; waits, %.3f s as it looks", ready_s - now_s)
        targets = await self._line.wait(call, asked, until_s)
        if not targets:
            now_s = call.clock()
            ready_s = self._line.ready_at_s(call, asked, now_s)
            raise self._refusal(call, "there was no room in the rate limits in time", ready_s - now_s)
        return targets

    def _until_s(self, call: Call, now_s: float) -> float:
        """Until when room is worth waiting for: after that, an answer would not start in time."""
        if call.lease is not None:  # nobody holds a slot and waits
            return now_s
        usual_s = call.target.outlook(now_s, call.size).ttft_s
        return min(now_s + self.max_wait_s, call.start_by_s - (usual_s or 0.0))

    @staticmethod
    def _refusal(call: Call, told: str, in_s: float) -> Throttled:
        return Throttled(f"{told}; there will be in {in_s:.3f} s", endpoint=call.target.name, retry_after_s=in_s)


class _Share(msgspec.Struct):
    """What one call takes of the limits, from being let through to its end."""

    line: QuotaLine
    asked: Asked
    taken: Taken | None = None

    def sent(self, target: Target, attempt: Attempt, /) -> None:
        """As of `Witness`: now it is known whose limit it counts against."""
        line, asked, taken, now_s = self.line, self.asked, self.taken, attempt.sent_s
        allowance = line.known.get(target) or line.credentials.of(target, now_s)
        calls, tokens_in, tokens_out = allowance.sent
        allowance.sent = sent = (calls + 1.0, tokens_in + asked[0], tokens_out + asked[allowance.place])
        allowance.drawn_s = now_s
        self.taken = allowance, attempt, asked, sent, taken
        if line.passing is asked:  # nobody has looked since, so nobody waits
            line.passing = None
        else:
            if taken is None:
                line.end(asked)
            else:
                line.certain.lost(1.0, asked[0] + asked[MOST])  # it was let through once
            line.let_in(now_s)


class _RelayingShare(_Share, kw_only=True):
    """The same, where somebody else is told as well."""

    before: Witness

    def sent(self, target: Target, attempt: Attempt, /) -> None:
        """As of `Witness`."""
        super().sent(target, attempt)
        self.before.sent(target, attempt)
