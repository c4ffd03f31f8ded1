"""Snapshots as a gateway might say them, and pictures of them as lines of text."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from paceline.gateway.top.snapshot import CallSeen, EndpointSeen, Note, Promise, Quantiles, RouteSeen, Snapshot, Try


def route(name: str = "chat", **fields: object) -> RouteSeen:
    given: dict[str, object] = {
        "objective": Promise(ttft_s=0.8, total_s=6.0, success=0.99), "calls": 100, "calls_per_s": 1.7, "success": 1.0,
        "in_time": 0.97, "ttft": Quantiles(100, 0.3, 0.6, 0.9), "total": Quantiles(100, 2.0, 4.0, 7.0), **fields,
    }  # fmt: skip
    return RouteSeen(name=name, **given)  # type: ignore[arg-type]


def endpoint(name: str = "east", **fields: object) -> EndpointSeen:
    given: dict[str, object] = {
        "model": "mini", "region": "us-east", "used": 3, "limit": 20, "attempts": 50, "ttft": Quantiles(50, 0.2, 0.4),
        **fields,
    }  # fmt: skip
    return EndpointSeen(name=name, **given)  # type: ignore[arg-type]


def call(id: int = 1, **fields: object) -> CallSeen:
    given: dict[str, object] = {
        "route": "chat", "outcome": "answered", "ended_s": 98.0, "ttft_s": 0.31, "total_s": 1.8,
        "tries": [Try("east", "ok")], "notes": [Note(0.0, "Slots", "east, 3 in flight")], **fields,
    }  # fmt: skip
    return CallSeen(id=id, **given)  # type: ignore[arg-type]


def snapshot(**fields: object) -> Snapshot:
    given: dict[str, object] = {
        "routes": [route()], "endpoints": [endpoint(), endpoint("west")], "calls": [call()], "now_s": 100.0,
        "up_s": 3 * 3600.0, "over_s": 60.0, **fields,
    }  # fmt: skip
    return Snapshot(format=1, process="p", **given)  # type: ignore[arg-type]


def lines(picture: RenderableType, width: int) -> list[str]:
    said = io.StringIO()
    Console(file=said, width=width, force_terminal=True, color_system=None, highlight=False).print(picture)
    return [line.rstrip() for line in said.getvalue().splitlines()]
