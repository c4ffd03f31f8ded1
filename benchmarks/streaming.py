"""How much CPU does this side of a streamed answer cost?

    python -m benchmarks.streaming [--quick] [--json FILE]

A vendor on loopback, in a process of its own, answers with 64 words in an event each, or in one piece; 64 calls are
made at a time. What is measured is the processor time a call of the client's process; each client has its own. The
floor is aiohttp's session reading the bytes and looking at none of them: nobody who uses that pays less. (Paceline has
aiohttp's connections and parser and not its session, so that it may cost less than the floor.) Then what everybody
would write by hand, then Paceline, from the request to the chunk, through a router with one endpoint; then other
clients, if they are installed (``pip install '.[bench]'``).

Streams come in two ways, because they cost different things. When events trickle in, a hundred a second, most is paid
for waking up: slowly enough that every client is awake for each event, since one that is late finds several in a read,
and so pays less for each. When they arrive in few reads, as behind a busy proxy, what is done for each event shows.

Rows are interleaved round by round, and a ratio is the median of the rounds' ratios: a machine that others use too is
slow for a whole round, not for a row.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.apart import Apart
from benchmarks.machine import machine
from benchmarks.streaming_clients import CLIENTS, FLOOR, OTHERS, PACELINE, WAYS

QUESTION_ASKED = "How much CPU does this side of a streamed answer cost?"
MOST = {"trickle": 2.0, "burst": 2.0, "whole": 1.35}
"""Times the floor that Paceline may cost."""
AIM_OF_STREAMS = 1.5

EVERY_S = 0.01
"""Seconds between two events of a trickling stream."""


# -- the vendor


@contextmanager
def vendor(every_s: float = EVERY_S) -> Generator[str]:
    """The base URL of a vendor in another process. *every_s*: seconds between the events of a trickling stream."""
    command = [sys.executable, "-m", "benchmarks.streaming_server", str(every_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else 0)}"
        finally:
            process.communicate("")  # the end of its input is the end of it


# -- the clients


class Client(Apart):
    """One client, in its own process."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__("benchmarks.streaming_clients", name, url)
        self.name = name

    def timed_us(self, way: str) -> float:
        """CPU microseconds a call of one round."""
        return float(self.ask(way))


# -- measuring


class Measured:
    """CPU microseconds a call, of each round, by way and row."""

    def __init__(self) -> None:
        self._costs_us: dict[tuple[str, str], list[float]] = {}

    def add(self, way: str, name: str, cost_us: float) -> None:
        """One round of one row."""
        self._costs_us.setdefault((way, name), []).append(cost_us)

    def median_us(self, way: str, name: str) -> float:
        """The median round."""
        return statistics.median(self._costs_us[way, name])

    def of_floor(self, way: str, name: str) -> float:
        """The median of the rounds' ratios to the floor of the same round."""
        rounds = zip(self._costs_us[way, name], self._costs_us[way, FLOOR], strict=True)
        return statistics.median(cost_us / floor_us for cost_us, floor_us in rounds)


def measure(clients: list[Client], rounds: int) -> Measured:
    """What each costs in each way."""
    measured = Measured()
    for way in WAYS:
        for turn in range(-1, rounds):
            for client in clients:
                if not client.absent:
                    cost_us = client.timed_us(way)
                    if turn >= 0:  # the first round only warms
                        measured.add(way, client.name, cost_us)
    return measured


def table(clients: list[Client], measured: Measured) -> str:
    """As a Markdown table: microseconds a call, and times the floor."""
    lines = ["| client | trickling | in few reads | whole |", "|---|---|---|---|"]
    for client in clients:
        cells = [
            f"absent: {client.absent}"
            if client.absent
            else f"{measured.median_us(way, client.name):,.0f} us, {measured.of_floor(way, client.name):.2f}x"
            for way in WAYS
        ]
        lines.append(f"| {client.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(measured: Measured) -> str:
    """The result in a sentence."""
    told: list[str] = []
    for way, most in MOST.items():
        ratio = measured.of_floor(way, PACELINE)
        told.append(
            f"{way} {ratio:.2f} times the floor, {'within' if ratio <= most else 'above'} the limit of {most:g}"
        )
    return f"Paceline: {'; '.join(told)}. The aim for streams is {AIM_OF_STREAMS:g}."


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=QUESTION_ASKED)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    with vendor() as url, ExitStack() as opened:
        clients = [Client(name, url) for name in CLIENTS]
        for client in clients:
            opened.callback(client.close)
        measured = measure(clients, rounds=3 if chosen.quick else 15)
    about = machine("aiohttp", *OTHERS)
    print(QUESTION_ASKED, "", table(clients, measured), "", verdict(measured), sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    if chosen.json is not None:
        names = [client.name for client in clients if not client.absent]
        figures = {way: {name: measured.median_us(way, name) for name in names} for way in WAYS}
        ratios = {way: {name: measured.of_floor(way, name) for name in names} for way in WAYS}
        said = {"machine": about, "us_per_call": figures, "of_floor": ratios}
        chosen.json.write_text(json.dumps(said, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
