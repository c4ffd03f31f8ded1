"""The command ``paceline top``: from its options to its exit code."""

from __future__ import annotations

import asyncio

from rich.console import Console

from ..ending import BAD_INPUT, FAILED, complain
from ..printable import printable
from ..signals import SIGNALLED, ended_by_signals
from .choices import Choices
from .frame import Seen, frame
from .options import TopOptions
from .screen import Screen
from .source import NoAnswer, Refused, Source

PIPE_COLUMNS = 160
"""A file or a pipe has no edge: as wide as everything needs."""


def run(options: TopOptions) -> int:
    """Show it, and give the exit code."""
    console = Console(highlight=False)
    if not options.once and not console.is_terminal:
        return _complain("this is no terminal: say --once for one picture", BAD_INPUT)
    try:
        return asyncio.run(_once(options, console) if options.once else _watched(options, console))
    except Refused as refused:
        return _complain(refused, BAD_INPUT)
    except NoAnswer as fault:
        return _complain(f"no gateway answers at {options.url}: {fault}", FAILED)


async def _once(options: TopOptions, console: Console) -> int:
    if not console.is_terminal:
        console.width = max(console.width, PIPE_COLUMNS)
    async with Source(options.url, options.key) as source:
        seen = Seen(url=options.url, snapshot=await source.look())
    with console.capture() as drawn:
        console.print(frame(seen, Choices(sort=options.sort), console.width, None))
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))
    return 0


async def _watched(options: TopOptions, console: Console) -> int:
    async with Source(options.url, options.key) as source:
        screen = Screen(source, console, Choices(sort=options.sort), every_s=options.every_s)
        showing = asyncio.create_task(screen.show())
        with ended_by_signals(showing.cancel) as signals:
            await asyncio.wait([showing])
    if signals:
        return SIGNALLED + signals[0]
    showing.result()
    return 0


def _complain(told: object, code: int) -> int:
    return complain("top", printable(str(told)), code)
