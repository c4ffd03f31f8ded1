"""Nothing is left behind: tens of thousands of calls, failing vendors, leaving clients, two reloads on the way.

The gateway has a process of its own, and is asked over HTTP. After it all it must hold what it held before the first
call (tasks, descriptors, slots), as much memory as when it was warm, and its report must know of every call.

The slow one is the soak proper: ``make soak``.
"""

from __future__ import annotations

import asyncio
import random
import signal
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import attrs
import msgspec
import pytest

from .soak.clients import ANSWERED, FAILED, LEFT, Clients
from .soak.gateway import State
from .soak.vendors import FAULTS, KINDS, Vendors

if TYPE_CHECKING:
    from collections import Counter

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
CALMS_WITHIN_S = 30.0
RELOADS = (0.3, 0.7)
"""After which shares of the calls another configuration is served."""
WARM = 0.4
"""After which share the program is warm: its windows reach back a minute, and one router has taken another's place."""

CONFIG = """
[gateway]
port = 0

[router]
history = {{ period_s = 10000, periods = 2, rows = 200 }}

[[endpoint]]
name = "gpt-1"
provider = "compatible"
base_url = "{url}/v1"
model = "gpt"
slots = 100
limits = {{ first_token_s = 1.0, gap_s = 1.0, total_s = 3.0 }}

[[endpoint]]
name = "gpt-{number}"
provider = "compatible"
base_url = "{url}/v1"
model = "gpt"
slots = 100
limits = {{ first_token_s = 1.0, gap_s = 1.0, total_s = 3.0 }}

[[endpoint]]
name = "claude-1"
provider = "anthropic"
base_url = "{url}"
model = "claude"
slots = 100
limits = {{ first_token_s = 1.0, gap_s = 1.0, total_s = 3.0 }}

[[route]]
name = "chat"
models = ["gpt", "claude"]
budget_ms = 5000

[policies]
stack = "interactive"
"""


@attrs.frozen(kw_only=True)
class Soaked:
    """What came of a soak. before, after: what the gateway held. rss_bytes: on the way, from when it was warm."""

    sent: int
    outcomes: Counter[str]
    faults: Counter[str]
    asked: int
    before: State
    after: State
    rss_bytes: tuple[int, ...]
    took_s: float

    @property
    def warm_bytes(self) -> float:
        """Its memory when it was warm: the median of a tenth of the samples. end_bytes: likewise at the end."""
        return statistics.median(self.rss_bytes[: max(1, len(self.rss_bytes) // 10)])

    @property
    def end_bytes(self) -> float:
        return statistics.median(self.rss_bytes[-max(1, len(self.rss_bytes) // 10) :])

    @property
    def grew(self) -> float:
        """By what share."""
        return self.end_bytes / self.warm_bytes - 1

    def __str__(self) -> str:
        counted, outcomes = self.after.counted, self.outcomes
        return (
            f"{self.sent} calls in {self.took_s:.0f} s ({self.sent / self.took_s:.0f}/s);"
            f" {self.asked} attempts, {self.faults.total()} of them met a fault\n"
            f"  clients: {outcomes[ANSWERED]} answered, {outcomes[FAILED]} failed, {outcomes[LEFT]} left\n"
            f"  report:  {counted.answered} answered, {counted.failed} failed, {counted.cancelled} cancelled;"
            f" {counted.retries} retries, {counted.fallbacks} fallbacks\n"
            f"  tasks {self.before.tasks} before, {self.after.tasks} after;"
            f" descriptors {self.before.descriptors} before, {self.after.descriptors} after,"
            f" {self.after.idle} of them idle connections to vendors\n"
            f"  memory {self.warm_bytes / 2**20:.1f} MiB when warm, {self.end_bytes / 2**20:.1f} MiB at the end"
            f" ({self.grew:+.1%}), {max(self.rss_bytes) / 2**20:.1f} MiB at most"
        )


@asynccontextmanager
async def gateway_of(config: Path) -> AsyncGenerator[tuple[Process, str]]:
    """The process, and its address."""
    command = ("-m", "tests.gateway.soak.gateway", str(config))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            line = await process.stdout.readline()
        yield process, line.decode().strip()
        process.stdin.close()
        async with asyncio.timeout(CALMS_WITHIN_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def state_of(url: str) -> State:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/soak/state") as response:
        return msgspec.json.decode(await response.read(), type=State)


async def calm_state_of(url: str) -> State:
    """Once nothing is going on any more; or whatever is still going on when it should not be."""
    until_s = time.monotonic() + CALMS_WITHIN_S
    while True:
        state = await state_of(url)
        is_calm = not (state.in_flight or state.slots or state.replaced or state.busy)
        if is_calm or time.monotonic() > until_s:
            await asyncio.sleep(0.2)  # connections that end now end in a turn of the loop or two
            return await state_of(url)
        await asyncio.sleep(0.2)


def configure(config: Path, url: str, *, number: int) -> None:
    """Write the file. number: of the second endpoint, which differs from one configuration to the next."""
    config.write_text(CONFIG.format(url=url, number=number), encoding="utf-8")


async def soaked(calls: int, config: Path, seed: int) -> Soaked:
    """Make so many calls, with two reloads on the way."""
    vendors = Vendors(random.Random(seed))
    async with vendors.serving():
        configure(config, vendors.url, number=2)
        async with gateway_of(config) as (process, url):
            clients = Clients(url, random.Random(seed + 1))
            vendors.arrived = clients.arrived
            before = await state_of(url)
            rss_bytes: list[int] = []
            steps = {int(calls * at): number for number, at in enumerate(RELOADS, 3)}
            every = max(1, calls // 200)

            async def between(number: int) -> None:
                if number in steps:
                    configure(config, vendors.url, number=steps[number])
                    process.send_signal(signal.SIGHUP)
                if number % every == 0 and number >= WARM * calls:
                    rss_bytes.append((await state_of(url)).rss_bytes)

            began_s = time.monotonic()
            await clients.make(calls, between)
            took_s = time.monotonic() - began_s
            return Soaked(
                sent=clients.sent,
                outcomes=clients.outcomes,
                faults=vendors.faults,
                asked=vendors.asked,
                before=before,
                after=await calm_state_of(url),
                rss_bytes=tuple(rss_bytes),
                took_s=took_s,
            )


def check(found: Soaked) -> None:
    """All but the memory, which takes longer to tell anything."""
    before, after, outcomes = found.before, found.after, found.outcomes
    assert found.sent == outcomes.total()
    assert set(found.faults) == set(KINDS)
    assert found.faults.total() > FAULTS * found.asked / 2
    assert outcomes[LEFT] > 0
    assert after.reloads == len(RELOADS)

    # Every call is in the report. Of those whose clients left some were over by then, one way or the other.
    counted = after.counted
    assert counted.calls == found.sent
    assert counted.answered + counted.failed + counted.cancelled == found.sent
    assert counted.answered >= outcomes[ANSWERED]
    assert counted.failed >= outcomes[FAILED]
    assert counted.cancelled <= outcomes[LEFT]
    assert outcomes[FAILED] < 0.1 * found.sent

    assert (after.in_flight, after.slots, after.busy, after.replaced) == (0, 0, 0, 0)
    assert after.tasks == before.tasks
    assert after.descriptors - after.idle == before.descriptors


def test_nothing_is_left_behind_and_every_call_is_accounted_for(tmp_path: Path) -> None:
    found = asyncio.run(soaked(1500, tmp_path / "gateway.toml", seed=7))
    sys.stdout.write(f"\n{found}\n")
    check(found)


@pytest.mark.slow
def test_the_soak(tmp_path: Path) -> None:
    found = asyncio.run(soaked(50_000, tmp_path / "gateway.toml", seed=11))
    sys.stdout.write(f"\n{found}\n")
    check(found)
    assert found.grew < 0.05
