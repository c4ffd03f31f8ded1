"""Lines reach whoever reads them, and nobody waits for a reader who does not."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from paceline.gateway.serve import call_log
from paceline.gateway.serve.call_log import CallLog, Line

if TYPE_CHECKING:
    import pytest


def line(number: int) -> Line:
    return Line(at=datetime(2026, 1, 2, tzinfo=UTC), id=f"r{number}", api="/v1/x")


def test_lines_are_json_in_order_and_without_what_is_not_known() -> None:
    written = bytearray()

    async def main() -> None:
        log = CallLog(written.extend)
        for number in range(3):
            log.add(line(number))
        await log.aclose()

    asyncio.run(main())

    first, *others = map(msgspec.json.decode, bytes(written).splitlines())
    assert first == {"at": "2026-01-02T00:00:00Z", "id": "r0", "api": "/v1/x"}
    assert [other["id"] for other in others] == ["r1", "r2"]


def test_lines_are_written_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "EVERY_S", 0.01)
    written = bytearray()

    async def main() -> None:
        log = CallLog(written.extend)
        log.add(line(0))
        async with asyncio.timeout(5.0):
            while not written:  # noqa: ASYNC110  another thread writes
                await asyncio.sleep(0.005)
        log.add(line(1))
        await log.aclose()

    asyncio.run(main())

    assert written.count(b"\n") == 2


def test_a_reader_who_does_not_read_holds_nobody_up_and_is_told_what_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "EVERY_S", 0.0)
    monkeypatch.setattr(call_log, "MOST_WAITING", 2)
    written = bytearray()
    stuck, begun = threading.Event(), threading.Event()

    def write(lines: bytes) -> None:
        begun.set()
        stuck.wait(5.0)
        written.extend(lines)

    async def main() -> None:
        log = CallLog(write)
        log.add(line(0))
        async with asyncio.timeout(5.0):
            while not begun.is_set():  # noqa: ASYNC110  another thread begins
                await asyncio.sleep(0)
        for number in range(1, 6):
            log.add(line(number))
        stuck.set()
        await log.aclose()
        log.add(line(6))
        await log.aclose()

    asyncio.run(main())

    told = [msgspec.json.decode(one) for one in bytes(written).splitlines()]
    assert [one["id"] for one in told] == ["r0", "r1", "r2", "r6"]
    assert told[-1]["lost_lines"] == 3


def test_a_reader_who_is_gone_is_written_to_no_more() -> None:
    calls = 0

    def write(_: bytes) -> None:
        nonlocal calls
        calls += 1
        raise BrokenPipeError

    async def main() -> None:
        log = CallLog(write)
        log.add(line(0))
        await log.aclose()
        assert not log.is_kept
        log.add(line(1))
        await log.aclose()

    asyncio.run(main())

    assert calls == 1
