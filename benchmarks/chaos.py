"""What does a caller see when a server goes wrong?

    python -m benchmarks.chaos [--quick] [--json FILE]

Three servers on loopback, all of them well, and a call every 25 ms; then one of the servers has a fault, one row for
each. Clients: aiohttp with a timeout, the servers in turn; LiteLLM's Router with latency routing and two retries, if it
is installed (``pip install '.[bench]'``); and Paceline's whole stack, over real HTTP. All are told the same: a second
of silence is too long for an attempt, four seconds for a call. Each starts every row with nothing learned, and the
clients take turns within a row. What is told is of the calls since the fault set in.

A cell tells the share of callers that got the whole answer; *wrong*: those that were given something else as if it were
the answer; how much later than that client's median without a fault the right answers were, at their p95 and the last
of them; and how many requests were wasted, for each call: sent to a server, and of no use to anybody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack

import attrs

from benchmarks.apart import Apart
from benchmarks.chaos_clients import CLIENTS, NOW, RIGHT, WRONG
from benchmarks.chaos_faults import EVERY_FIFTH, FAULTS, NO_FAULT, QUICK
from benchmarks.chaos_servers import COUNT, SERVERS, URLS
from benchmarks.command import parser, table, tell
from paceline.router.testing import quantile

QUESTION_ASKED = "What does a caller see when a server goes wrong?"
BEFORE, QUICK_BEFORE = 40, 12
"""Calls until the fault sets in."""

CALLS, QUICK_CALLS = 80, 24


@attrs.frozen
class Seen:
    """What the callers of one client saw of one fault.

    right, wrong: shares of the calls. median_s, p95_s, last_s: of the right answers, None without any.
    wasted: requests a call.
    """

    right: float
    wrong: float
    median_s: float | None
    p95_s: float | None
    last_s: float | None
    wasted: float

    @classmethod
    def of(cls, calls: Sequence[tuple[str, float]], requests: int) -> Seen:
        """From what each caller saw, and how many requests the servers received."""
        right_s = [seconds for what, seconds in calls if what == RIGHT]
        wrong = sum(what == WRONG for what, _ in calls)
        median_s, p95_s, last_s = (quantile(right_s, q) for q in (0.5, 0.95, 1.0))
        many = len(calls)
        return cls(len(right_s) / many, wrong / many, median_s, p95_s, last_s, (requests - len(right_s)) / many)


def measure(faults: Sequence[str], before: int, calls: int) -> dict[str, dict[str, Seen]]:
    """What each client's callers saw, by fault and client, of so many calls after so many *before*."""
    found: dict[str, dict[str, Seen]] = {}
    with ExitStack() as opened:
        servers = Apart("benchmarks.chaos_servers")
        opened.callback(servers.close)
        urls = servers.ask(URLS)
        clients = {name: Apart("benchmarks.chaos_clients", name) for name in CLIENTS}
        for client in clients.values():
            opened.callback(client.close)
        for fault in faults:
            for name, client in clients.items():
                if not client.absent:
                    servers.ask(NO_FAULT)
                    client.ask(f"{before} {calls} {urls}")
                    servers.ask(fault)
                    seen = json.loads(client.ask(NOW))
                    found.setdefault(fault, {})[name] = Seen.of(seen, int(servers.ask(COUNT)))
    return found


def cell(seen: Seen, usual: Seen) -> str:
    """Three figures in a cell. *usual*: of the same client, without a fault."""
    wrong = f" ({seen.wrong:.0%} wrong)" if seen.wrong else ""
    later = f"{_later(seen.p95_s, usual)} / {_later(seen.last_s, usual)} ms"
    return f"{seen.right:.0%}{wrong}, {later}, {max(0.0, seen.wasted):.2f}"


def _later(seen_s: float | None, usual: Seen) -> str:
    return "-" if seen_s is None or usual.median_s is None else f"{(seen_s - usual.median_s) * 1e3:+,.0f}"


def fault_table(found: dict[str, dict[str, Seen]]) -> str:
    """A row for each fault."""
    names = list(found[NO_FAULT])
    rows = [
        [fault, *(cell(by_client[name], found[NO_FAULT][name]) for name in names)] for fault, by_client in found.items()
    ]
    return table([f"one of {SERVERS} servers: its fault", *names], rows)


def verdicts(found: dict[str, dict[str, Seen]]) -> str:
    """Each client over all faults."""
    faults = [fault for fault in found if fault != NO_FAULT]
    said: list[str] = []
    for name in found[NO_FAULT]:
        rows = [found[fault][name] for fault in faults]
        right, wrong, wasted = (
            sum(getattr(row, what) for row in rows) / len(rows) for what in ("right", "wrong", "wasted")
        )
        whole = sum(row.right == 1 for row in rows)
        said.append(
            f"{name}: {right:.1%} of the callers got the answer, {wrong:.1%} a wrong one, with {wasted:.2f} requests "
            f"wasted a call; every caller in {whole} of {len(rows)} faults."
        )
    return "\n".join(f"- {sentence}" for sentence in said)


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    chosen = parser("chaos", QUESTION_ASKED).parse_args()
    if chosen.quick:
        found = measure(QUICK, QUICK_BEFORE, QUICK_CALLS)
    else:
        found = measure([*FAULTS, EVERY_FIFTH], BEFORE, CALLS)
    figures = {fault: {name: attrs.asdict(seen) for name, seen in by.items()} for fault, by in found.items()}
    said = [fault_table(found), verdicts(found)]
    tell(QUESTION_ASKED, said, {"faults": figures}, json_file=chosen.json, libraries=["aiohttp", "litellm"])


if __name__ == "__main__":
    main()
