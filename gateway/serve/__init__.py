"""The gateway as a server: routes, keys, limits, streams."""

from .call_log import CallLog
from .front import Front
from .server import Gateway

__all__ = ["CallLog", "Front", "Gateway"]
