"""Nouns, contracts, the pipeline and the statistics of Paceline. Knows no vendor, no HTTP and no policy.

    async (call, emit) -> None

is all there is to a handler; a policy wraps one, a provider is the innermost one, and a `Router` puts them together.
"""

from .answer import Answer, Choice, Collector
from .budget import Budget, Extra, Permit
from .call import Call
from .chunk import DISCARD, ChoiceDelta, Chunk, Logprobs, TokenLogprob, ToolCallDelta, Usage, Vector
from .clock import Clock
from .credential import Credential, Keys, TokenSource
from .endpoint import Endpoint, Limits, Provider
from .events import (
    AttemptEnded,
    CallEnded,
    CallOutcome,
    ConnectionsWarmed,
    CostThresholdPassed,
    EndpointEjected,
    EndpointReturned,
    Event,
    KeySetAside,
    Listener,
    Panic,
)
from .fleet import Fleet
from .health.ejection import Ejection
from .kpi.diagnosis import diagnose
from .kpi.diagnosis_result import Cause, Contribution, Diagnosis, Headline, Verdict
from .kpi.grades import Grade, Grades, Steps
from .kpi.history import History
from .kpi.log import HistoryShape
from .kpi.report import EndpointReport, GroupReport, Report, RouteReport
from .kpi.row import AttemptRow, CallRow
from .kpi.watch import Thresholds, Watches
from .kpi.watch_events import Alarm, AllClear, PromptGrew, RetriesRising, TailRising
from .ledger import Attempt, Decision, Ledger, ModelLeft, Outcome
from .limit import AdaptiveLimit, Limiter
from .limit_aimd import Aimd
from .limit_gradient import TtftGradient
from .operation import Operation
from .pieces import ToolCall
from .pipeline import Emit, Handler, Layer, Policy, compose
from .pool import Pool, Pooled
from .profile import Prior, Profile
from .prompt import Prompt
from .rate_limits import Rate, RateLimits
from .request import Message, Priority, Request, Urgency
from .route import Objective, Route
from .router import Router
from .secret import Secret
from .shed import Shed
from .slots import Lease, SlotPool
from .statistics.fold import Fold
from .statistics.window import Window, WindowShape
from .stream import Stream
from .target import Target
from .verdict import Health, Signal

__all__ = [
    "DISCARD",
    "AdaptiveLimit",
    "Aimd",
    "Alarm",
    "AllClear",
    "Answer",
    "Attempt",
    "AttemptEnded",
    "AttemptRow",
    "Budget",
    "Call",
    "CallEnded",
    "CallOutcome",
    "CallRow",
    "Cause",
    "Choice",
    "ChoiceDelta",
    "Chunk",
    "Clock",
    "Collector",
    "ConnectionsWarmed",
    "Contribution",
    "CostThresholdPassed",
    "Credential",
    "Decision",
    "Diagnosis",
    "Ejection",
    "Emit",
    "Endpoint",
    "EndpointEjected",
    "EndpointReport",
    "EndpointReturned",
    "Event",
    "Extra",
    "Fleet",
    "Fold",
    "Grade",
    "Grades",
    "GroupReport",
    "Handler",
    "Headline",
    "Health",
    "History",
    "HistoryShape",
    "KeySetAside",
    "Keys",
    "Layer",
    "Lease",
    "Ledger",
    "Limiter",
    "Limits",
    "Listener",
    "Logprobs",
    "Message",
    "ModelLeft",
    "Objective",
    "Operation",
    "Outcome",
    "Panic",
    "Permit",
    "Policy",
    "Pool",
    "Pooled",
    "Prior",
    "Priority",
    "Profile",
    "Prompt",
    "PromptGrew",
    "Provider",
    "Rate",
    "RateLimits",
    "Report",
    "Request",
    "RetriesRising",
    "Route",
    "RouteReport",
    "Router",
    "Secret",
    "Shed",
    "Signal",
    "SlotPool",
    "Steps",
    "Stream",
    "TailRising",
    "Target",
    "Thresholds",
    "TokenLogprob",
    "TokenSource",
    "ToolCall",
    "ToolCallDelta",
    "TtftGradient",
    "Urgency",
    "Usage",
    "Vector",
    "Verdict",
    "Watches",
    "Window",
    "WindowShape",
    "compose",
    "diagnose",
]
