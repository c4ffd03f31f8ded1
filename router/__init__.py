"""Nouns, contracts, the pipeline and the statistics of Paceline. Knows no vendor, no HTTP and no policy.

    async (call, emit) -> None

is all there is to a handler; a policy wraps one, a provider is the innermost one, and a `Router` puts them together.
"""

from .answer import Answer, Collector, ToolCall
from .budget import Budget, Extra, Permit
from .call import Call
from .chunk import DISCARD, Chunk, ToolCallDelta, Usage
from .clock import Clock
from .endpoint import Endpoint, Limits, Provider
from .events import AttemptEnded, CallEnded, CallOutcome, Event, Listener
from .fleet import Fleet
from .kpi.grades import Grade, Grades, Steps
from .kpi.history import History
from .kpi.log import HistoryShape
from .kpi.report import EndpointReport, GroupReport, Report, RouteReport
from .kpi.row import AttemptRow, CallRow
from .ledger import Attempt, Decision, Ledger, ModelLeft, Outcome
from .pipeline import Emit, Handler, Layer, Policy, compose
from .profile import Prior, Profile
from .request import Message, Priority, Request
from .route import Objective, Route
from .router import Router
from .secret import Secret
from .slots import Lease, SlotPool
from .statistics.fold import Fold
from .statistics.window import Window, WindowShape
from .stream import Stream
from .target import Target
from .verdict import Health, Signal

__all__ = [
    "DISCARD",
    "Answer",
    "Attempt",
    "AttemptEnded",
    "AttemptRow",
    "Budget",
    "Call",
    "CallEnded",
    "CallOutcome",
    "CallRow",
    "Chunk",
    "Clock",
    "Collector",
    "Decision",
    "Emit",
    "Endpoint",
    "EndpointReport",
    "Event",
    "Extra",
    "Fleet",
    "Fold",
    "Grade",
    "Grades",
    "GroupReport",
    "Handler",
    "Health",
    "History",
    "HistoryShape",
    "Layer",
    "Lease",
    "Ledger",
    "Limits",
    "Listener",
    "Message",
    "ModelLeft",
    "Objective",
    "Outcome",
    "Permit",
    "Policy",
    "Prior",
    "Priority",
    "Profile",
    "Provider",
    "Report",
    "Request",
    "Route",
    "RouteReport",
    "Router",
    "Secret",
    "Signal",
    "SlotPool",
    "Steps",
    "Stream",
    "Target",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "Window",
    "WindowShape",
    "compose",
]
