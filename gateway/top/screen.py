"""Drawing again and again: a look at the gateway every so often, a new picture after each look and each key.

A gateway that does not answer is asked again, at the same pace: the last picture stays, and says since when it is old.
So a restart is seen as what it is, and so is a gateway that is started only now.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs
from rich.layout import Layout
from rich.live import Live

from .choices import Choices
from .frame import Seen, footer, frame
from .keys import keys
from .source import NoAnswer

if TYPE_CHECKING:
    from rich.console import Console

    from ...router import Clock
    from .source import Source


class Screen:
    """One terminal that looks at one gateway.

    every_s: seconds between two looks. clock: seconds, monotonic. Default `time.monotonic`.
    """

    def __init__(
        self, source: Source, console: Console, choices: Choices, *, every_s: float, clock: Clock = time.monotonic
    ) -> None:
        self._source = source
        self._console = console
        self._every_s = every_s
        self._clock = clock
        self._seen = Seen(url=source.url, snapshot=None)
        self._heard_s = clock()
        self._pressed = asyncio.Event()
        self.choices = choices

    async def show(self) -> None:
        """Draw until somebody has seen enough.

        Raises:
            Refused: the gateway will not be looked at.
        """
        with Live(console=self._console, screen=True, auto_refresh=False) as live, keys(self._press):
            while not self.choices.quit:
                if not self.choices.paused:
                    await self._look()
                live.update(self.picture(), refresh=True)
                await self._wait(live)

    def picture(self) -> Layout:
        """The whole screen: the frame, and what the keys do in its last line."""
        width, height = self._console.size
        whole = Layout()
        whole.split_column(Layout(frame(self._seen, self.choices, width, height)), Layout(footer(self.choices), size=1))
        return whole

    async def _look(self) -> None:
        try:
            snapshot = await self._source.look()
        except NoAnswer as fault:
            since_s = self._clock() - self._heard_s
            self._seen = attrs.evolve(self._seen, trouble=str(fault), since_s=since_s)
        else:
            self._heard_s = self._clock()
            self._seen = Seen(url=self._source.url, snapshot=snapshot)

    async def _wait(self, live: Live) -> None:
        """Until the next look, or until somebody wants to go; other keys are drawn at once."""
        until_s = self._clock() + self._every_s
        while not self.choices.quit and (left_s := until_s - self._clock()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self._pressed.wait()
            except TimeoutError:
                return
            self._pressed.clear()
            live.update(self.picture(), refresh=True)

    def _press(self, key: str) -> None:
        self.choices.press(key)
        self._pressed.set()
