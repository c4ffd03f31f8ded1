"""The one mutable record of a call: every attempt, every decision, and whether the answer is committed.

"Why did it go there?" is answered from here. Recording must cost next to nothing, so a decision keeps its words and
its facts apart, as a log record does, and joins them when somebody reads it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from .operation import CHAT, Operation
from .verdict import Health, Signal

if TYPE_CHECKING:
    from .chunk import Usage
    from .endpoint import Endpoint
    from .errors import AttemptFailed
    from .rate_limits import RateLimits


class Outcome(enum.Enum):
    """How an attempt ended."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    """The caller left, or another leg was faster: says nothing against the endpoint."""


OK, TIMED_OUT, CANCELLED = Outcome.OK, Outcome.TIMED_OUT, Outcome.CANCELLED
"""For the hot path: on Python 3.11 a look through the class takes ten times as long."""


class Attempt(msgspec.Struct):
    """One try at one endpoint. Marks are seconds on the router's clock; None: never reached.

    size: octave of the prompt's size (`statistics.size_class`). slot_wait_s: seconds it waited for its slot.
    in_flight: calls its endpoint had under way when it was sent, itself included.
    sent_s: handed to the provider. streamed: asked for as a stream, so that its first token can be seen. An embedding
    is its own first token, and so counts as one, but for those of an endpoint that writes as well (`dispatch`).
    headers_s: status and headers. first_event_s: first complete event that is no keep-alive.
    first_progress_s, last_progress_s: first and last non-empty text, reasoning, refusal or tool call.
    finished_s: over. connect_s: seconds it took to open a new connection, None on a pooled one.
    processing_s: seconds the vendor says it worked until the headers, None if it does not say.
    longest_gap_s: seconds between two pieces of progress at most, the caller's own time left out; None below two.
    keepalives: those before the first progress, a sign of queueing at the vendor. held_s: seconds the caller took over
    what it was given. hedge: sent beside another one that was late. reasoned: reasoning was shown.
    choices: answers asked for. served_model, served_region, service_tier: in the vendor's own words.
    request_id: the vendor's own. rate_limits: what its headers say of the rates it allows.
    key: which of the endpoint's keys it was sent with, from 1; None where there are not several.
    dns_s, tls_s: seconds of connect_s for looking up the name and for the handshake, None where there was none, or it
    cannot be told. upload_s: seconds until the request's body was sent, None for one that leaves at once.
    operation: what was asked for.
    injected: the fault that was put into it on purpose, in a word; None, as a rule. A failure of such an attempt is no
    fault of its endpoint's, whatever the windows make of it.
    characters: of text, passed on so far. wordless: characters of progress that is no text.
    """

    endpoint: Endpoint
    number: int
    sent_s: float
    size: int = 0
    slot_wait_s: float = 0.0
    in_flight: int = 1
    streamed: bool = True
    hedge: bool = False
    headers_s: float | None = None
    first_event_s: float | None = None
    first_progress_s: float | None = None
    last_progress_s: float | None = None
    finished_s: float | None = None
    connect_s: float | None = None
    processing_s: float | None = None
    longest_gap_s: float | None = None
    keepalives: int = 0
    held_s: float = 0.0
    reasoned: bool = False
    request_id: str | None = None
    rate_limits: RateLimits | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    served_model: str | None = None
    served_region: str | None = None
    service_tier: str | None = None
    choices: int = 1
    outcome: Outcome = Outcome.RUNNING
    error: AttemptFailed | None = None
    key: int | None = None
    dns_s: float | None = None
    tls_s: float | None = None
    upload_s: float | None = None
    injected: str | None = None
    operation: Operation = CHAT
    characters: int = 0
    wordless: int = 0

    @property
    def ttft_s(self) -> float | None:
        """Seconds from sending to the first progress."""
        return None if self.first_progress_s is None else self.first_progress_s - self.sent_s

    @property
    def total_s(self) -> float | None:
        """Seconds from sending to the end."""
        return None if self.finished_s is None else self.finished_s - self.sent_s

    @property
    def tpot_s(self) -> float | None:
        """Seconds per output token after the first; None for fewer than two tokens or an answer in one piece.

        Tokens of reasoning that was not shown had come before the first. Several answers are written side by side.
        """
        usage, first_s, last_s = self.usage, self.first_progress_s, self.last_progress_s
        if usage is None or first_s is None or last_s is None or last_s <= first_s:
            return None
        tokens = usage.output_tokens
        if tokens is None:
            return None
        if usage.reasoning_tokens and not self.reasoned:
            tokens -= usage.reasoning_tokens
        if self.choices > 1:
            tokens //= self.choices
        return (last_s - first_s) / (tokens - 1) if tokens > 1 else None

    @property
    def generation_s(self) -> float | None:
        """Seconds from the first progress to the last; None without any."""
        if self.first_progress_s is None or self.last_progress_s is None:
            return None
        return self.last_progress_s - self.first_progress_s

    @property
    def tokens_per_s(self) -> float | None:
        """Output tokens per second once it spoke; None where `tpot_s` is."""
        return None if self.tpot_s is None else 1.0 / self.tpot_s

    @property
    def network_s(self) -> float | None:
        """Seconds of the way to the headers that were not the vendor's work; None where it cannot be told.

        Opening a connection is known for itself. What lies between that and the headers is the network's only where
        the vendor says how long it worked; otherwise it may be the vendor's own queue.
        """
        if self.processing_s is None or self.headers_s is None:
            return self.connect_s
        return max(0.0, self.headers_s - self.sent_s - self.processing_s)

    @property
    def health(self) -> Health:
        """Against whom its end speaks; `Health.NONE` unless it failed. Whether it went well is its ``outcome``."""
        return Health.NONE if self.error is None else self.error.health

    @property
    def signal(self) -> Signal:
        """What its end says of the endpoint's load. One that runs, or was cut off from here, says nothing."""
        if self.outcome is OK:
            return Signal.OK
        return Signal.IGNORED if self.error is None else self.error.signal

    def __str__(self) -> str:
        total = "running" if self.total_s is None else f"{self.total_s:.3f} s"
        ttft = "" if self.ttft_s is None else f", first token {self.ttft_s:.3f} s"
        why = "" if self.error is None else f": {self.error}"
        leg = " (second leg)" if self.hedge else ""
        fault = "" if self.injected is None else f" [{self.injected}, injected]"
        return f"#{self.number} {self.endpoint.name}{leg} {self.outcome.value} ({total}{ttft}){fault}{why}"


class Decision(msgspec.Struct, frozen=True):
    """What one layer decided, when, and why.

    at_s: seconds on the router's clock. by: the layer. words, facts: the reason, joined as ``words % facts``.
    chances: of the endpoints it has judged, by name: 0..1 to answer in time; None: nothing is known. Empty: it has not.
    """

    at_s: float
    by: str
    words: str
    facts: tuple[object, ...]
    chances: tuple[tuple[str, float | None], ...] = ()

    @property
    def reason(self) -> str:
        """The reason in words."""
        return self.words % self.facts

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}"


class ModelLeft(msgspec.Struct, frozen=True):
    """A model that was tried or passed over before another one was, and why."""

    model: str
    reason: str
    timed_out: bool


class Ledger:
    """Record of one call.

    began_s: when the call arrived. streamed: the caller sees pieces as they come, so the first progress commits.
    """

    __slots__ = (
        "attempts",
        "began_s",
        "committed",
        "decisions",
        "hedges",
        "models_left",
        "retries",
        "spliced",
        "streamed",
    )

    def __init__(self, began_s: float, *, streamed: bool) -> None:
        self.began_s = began_s
        self.streamed = streamed
        self.committed = False
        """Progress has reached the caller. From here on nothing is repeated silently."""
        self.attempts: list[Attempt] = []
        self.decisions: list[Decision] = []
        self.retries: list[str] = []
        """Why each retry was made, one word each: the `reason` of the failure before it."""
        self.models_left: list[ModelLeft] = []
        """Fallbacks, in order."""
        self.hedges = 0
        """Second legs that were sent beside a first one."""
        self.spliced: list[Attempt] = []
        """Attempts that broke off, and whose text is the beginning of the answer that another one ended."""

    def begin(
        self,
        endpoint: Endpoint,
        now_s: float,
        *,
        streamed: bool = True,
        size: int = 0,
        slot_wait_s: float = 0.0,
        in_flight: int = 1,
        hedge: bool = False,
    ) -> Attempt:
        """Open the record of a new attempt. *streamed*: the vendor is asked for a stream. *hedge*: a second leg."""
        number = len(self.attempts) + 1
        attempt = Attempt(endpoint, number, now_s, size, slot_wait_s, in_flight, streamed, hedge)
        if hedge:
            self.hedges += 1
        self.attempts.append(attempt)
        return attempt

    def note(self, at_s: float, by: str, words: str, *facts: object) -> None:
        """Record a decision: ``words % facts`` is its reason."""
        self.decisions.append(Decision(at_s, by, words, facts))

    def tried(self, endpoint: Endpoint) -> bool:
        """Whether an attempt was made there."""
        return any(attempt.endpoint is endpoint for attempt in self.attempts)

    def spoke_s(self, attempt: Attempt) -> float | None:
        """When the caller heard the first of an answer that *attempt* ended: a spliced one began in another."""
        return self.spliced[0].first_progress_s if self.spliced else attempt.first_progress_s

    @property
    def answered_by(self) -> Attempt | None:
        """The attempt whose answer the caller has; None as long as there is none."""
        for attempt in reversed(self.attempts):  # the last one, nearly always
            if attempt.outcome is OK:
                return attempt
        return None
