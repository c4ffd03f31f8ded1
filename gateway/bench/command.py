"""The command ``paceline bench``: from its options to its exit code."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from ...router.errors import PacelineError
from ...router.statistics import hlog
from ..config import read_file
from ..ending import BAD_INPUT, FAILED, complain
from ..printable import printable
from ..report.table import duration
from ..signals import SIGNALLED, ended_by_signals
from . import progress, table
from .figures import outcome
from .measure import Bench
from .price import price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router import Endpoint
    from .options import BenchOptions


class Declined(Exception):
    """Nothing is sent. The message says why, the code what the program exits with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run(options: BenchOptions) -> int:
    """Measure, show and keep what came of it, and give the exit code."""
    console, beside = Console(highlight=False), Console(highlight=False, stderr=True)
    try:
        configuration = read_file(options.config)
        endpoints = chosen(configuration.endpoints, options.endpoints)
        _announce(endpoints, options, beside)
        return asyncio.run(_measured(endpoints, options, configuration.source, console, beside))
    except Declined as declined:
        return _complain(declined, declined.code)
    except PacelineError as mistake:
        return _complain(mistake, BAD_INPUT)


def chosen(endpoints: Sequence[Endpoint], names: Sequence[str]) -> tuple[Endpoint, ...]:
    """Those of *names*; all, if there are none.

    Raises:
        Declined: a name is no endpoint's.
    """
    known = {endpoint.name: endpoint for endpoint in endpoints}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Declined(f"no endpoint is named {', '.join(unknown)}; there are {', '.join(known)}", BAD_INPUT)
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(endpoints)


def _announce(endpoints: Sequence[Endpoint], options: BenchOptions, beside: Console) -> None:
    """Say what will be sent and what that costs, and ask if it is more than a little.

    Raises:
        Declined: it is not to be.
    """
    plan, cost = options.plan, price(endpoints, options.plan)
    beside.print(
        f"{plan.calls} calls to each of {len(endpoints)} endpoints in {duration(plan.seconds)}, prompts of about "
        f"{plan.prompt_tokens} tokens, answers of up to {plan.max_tokens}. {cost}",
        markup=False,
        soft_wrap=not beside.is_terminal,
    )
    if options.yes or not cost.asks:
        return
    if not sys.stdin.isatty():
        raise Declined("nobody is there to be asked whether it may cost that: say --yes", BAD_INPUT)
    beside.print("Go on? [y/N] ", end="", markup=False)
    answer = ""
    with suppress(EOFError):
        answer = input().strip().lower()
    if answer not in {"y", "yes"}:
        raise Declined("nothing was sent", FAILED)


async def _measured(
    endpoints: Sequence[Endpoint], options: BenchOptions, source: str, console: Console, beside: Console
) -> int:
    """Run it to its end or to a signal, show and keep what there is, and give the exit code."""
    bench = Bench(endpoints, options.plan)
    running = asyncio.create_task(bench.run())
    watching = asyncio.create_task(progress.watch(bench, beside))
    with ended_by_signals(running.cancel) as signals:
        await asyncio.wait([running])
        watching.cancel()
        await asyncio.wait([watching])
    if not signals:
        running.result()
    found = outcome(options.plan, bench.lanes, source=source, interrupted=bool(signals))
    kept = _keep(options, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n", bench)
    if signals:
        beside.print("\nEnded before its time: this is of the calls that had ended.")
    table.show(found, console)
    if signals:
        return SIGNALLED + signals[0]
    return 0 if kept and all(measured.answered for measured in found.endpoints) else FAILED


def _keep(options: BenchOptions, json: bytes, bench: Bench) -> bool:
    """Write the files that were asked for. What cannot be written is told, and the figures are shown all the same."""
    try:
        if options.json is not None:
            options.json.write_bytes(json)
        if options.hlog is not None:
            hlog.save(options.hlog, bench.router.snapshot(), now_epoch_s=datetime.now(UTC).timestamp())
    except OSError as fault:
        _complain(f"{fault.filename} cannot be written: {fault.strerror}", FAILED)
        return False
    return True


def _complain(told: object, code: int) -> int:
    return complain("bench", "\n".join(map(printable, str(told).splitlines())), code)
