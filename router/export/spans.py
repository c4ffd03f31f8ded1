"""Spans of a call: one for what was asked, one inside it for each attempt.

They are drawn when the call ends, from its ledger, with the times at which things happened; until then a call costs
nothing. The listener is told of the end in the context that the call was made in, so the caller's active span is the
parent. What this cannot give is a span that is current while an attempt runs: other instruments, such as one of the
HTTP client, report below the caller's span and not below the attempt's.

A call that is not sampled costs the question whether it is. No prompt, answer, user, key, request id or message of an
error is in a span; only numbers, and the words that may be labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from ..events import CallOutcome
from ..ledger import Outcome
from ..operation import Operation
from . import names
from .endings import ending_of, error_type, reason_of
from .labels import Words, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from ..call import Call
    from ..endpoint import Endpoint
    from ..events import CallEnded
    from ..ledger import Attempt
    from .accounts import EndpointAccount

Attribute: TypeAlias = "str | bool | int | float | Sequence[str]"
Attributes: TypeAlias = "dict[str, Attribute]"

BROKEN = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})
"""Outcomes that are errors. Cancelled is none."""


class Spans:
    """Draws the spans of calls.

    account: what is told of an endpoint. offset_ns: from the router's clock to Unix time.
    """

    def __init__(self, tracer: Tracer, account: Callable[[Endpoint], EndpointAccount], offset_ns: int) -> None:
        self._tracer = tracer
        self._account = account
        self._offset_ns = offset_ns
        self._words = Words()

    def draw(self, ended: CallEnded) -> None:
        """Draw a call that has ended, and its attempts, if its trace is sampled."""
        ledger, route = ended.call.ledger, ended.call.route.name
        span = self._tracer.start_span(
            f"route {route}", attributes={names.ROUTE: route}, start_time=self._unix_ns(ledger.began_s)
        )
        if span.is_recording():
            reason = self._words.word(ended.reason)
            span.set_attributes(_of_call(ended, reason))
            if ended.outcome is CallOutcome.FAILED:
                span.set_status(Status(StatusCode.ERROR, reason))
            inside = trace.set_span_in_context(span)
            for attempt in ledger.attempts:
                self._draw_attempt(ended.call, attempt, inside, ended.at_s)
        span.end(self._unix_ns(ended.at_s))

    def _draw_attempt(self, call: Call, attempt: Attempt, inside: Context, at_s: float) -> None:
        account, ending = self._account(attempt.endpoint), ending_of(attempt)
        reason, kind = self._words.word(reason_of(ending)), self._words.word(error_type(ending))
        why = _given({names.REASON: reason, names.ERROR_TYPE: kind})
        span = self._tracer.start_span(
            f"{names.OPERATIONS[attempt.operation]} {attempt.endpoint.model}",
            inside,
            SpanKind.CLIENT,
            {**_of_endpoint(account, attempt), **_of_request(call, attempt), **_of_attempt(attempt), **why},
            start_time=self._unix_ns(attempt.sent_s),
        )
        if attempt.outcome in BROKEN:
            span.set_status(Status(StatusCode.ERROR, reason))
        span.end(self._unix_ns(at_s if attempt.finished_s is None else attempt.finished_s))

    def _unix_ns(self, at_s: float) -> int:
        return self._offset_ns + round(at_s * 1e9)


def _of_call(ended: CallEnded, reason: str | None) -> Attributes:
    call, ledger = ended.call, ended.call.ledger
    answer = ledger.answered_by
    first_s = None if answer is None else ledger.spoke_s(answer)
    return _given(
        {
            names.OUTCOME: ended.outcome.value,
            names.REASON: reason,
            names.ERROR_TYPE: reason,
            names.ENDPOINT: None if answer is None else answer.endpoint.name,
            names.BUDGET: call.deadline_s - ledger.began_s,
            names.TTFT: None if first_s is None else first_s - ledger.began_s,
            names.TRIES: len(ledger.attempts),
            names.RETRIED: len(ledger.retries),
            names.FELL_BACK: len(ledger.models_left),
        }
    )


def _of_endpoint(account: EndpointAccount, attempt: Attempt) -> Attributes:
    return _given(
        {
            names.OPERATION: names.OPERATIONS[attempt.operation],
            names.PROVIDER: account.vendor,
            names.REQUEST_MODEL: account.endpoint.model,
            names.RESPONSE_MODEL: account.versions.name(attempt.served_model),
            names.SERVER_ADDRESS: account.address,
            names.SERVER_PORT: account.port,
            names.CLOUD_REGION: account.endpoint.region,
            names.ENDPOINT: account.endpoint.name,
        }
    )


def _of_request(call: Call, attempt: Attempt) -> Attributes:
    """What was asked for, as far as it is numbers."""
    numbers = {key: _number(call.request.params.get(param)) for param, key in names.REQUEST_NUMBERS.items()}
    streams = None if attempt.operation is Operation.EMBEDDING else attempt.streamed
    return _given({names.REQUEST_STREAM: streams, names.REQUEST_MAX_TOKENS: call.max_tokens, **numbers})


def _of_attempt(attempt: Attempt) -> Attributes:
    usage = attempt.usage
    first_event_s = attempt.first_event_s if attempt.streamed else None
    return _given(
        {
            names.NUMBER: attempt.number,
            names.OUTCOME: attempt.outcome.value,
            names.SLOT_WAITED: attempt.slot_wait_s,
            names.TTFT: attempt.ttft_s if attempt.streamed else None,
            names.RESPONSE_FIRST_CHUNK: None if first_event_s is None else first_event_s - attempt.sent_s,
            names.FINISH_REASONS: None if attempt.finish_reason is None else [finish(attempt.finish_reason)],
            names.INPUT_TOKENS: None if usage is None else usage.input_tokens,
            names.OUTPUT_TOKENS: None if usage is None else usage.output_tokens,
            names.CACHED_TOKENS: None if usage is None else usage.cached_tokens,
            names.REASONING_TOKENS: None if usage is None else usage.reasoning_tokens,
        }
    )


def _given(attributes: Mapping[str, Attribute | None]) -> Attributes:
    return {key: value for key, value in attributes.items() if value is not None}


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
