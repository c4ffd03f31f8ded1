"""What does the gateway cost between a client and a vendor?

    python -m benchmarks.gateway [--quick] [--uvloop] [--peers PYTHON] [--json FILE]

A vendor on loopback answers with 64 words in an event each, or in one piece; a client asks over sixteen connections;
between them stands a server in a process of its own. The floor is a reverse proxy of aiohttp that looks at nothing:
nobody who puts aiohttp there pays less. Then the gateway as it is served, log and metrics included, without policies
and with all of them; then LiteLLM's proxy, if PYTHON is the interpreter of an environment that has it
(``pip install 'litellm[proxy]'``, whose pins conflict with ours).

Streams come in two ways. When events trickle in, one a millisecond, most is paid for waking up; that is how a model
speaks. In few reads what is done for each event shows. Rounds are interleaved, and a ratio is the median of the rounds'
ratios. *Added* is what a call takes longer than one to the vendor itself, under the same load.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from benchmarks.gateway_servers import FLOOR, PACELINE, SERVERS, WAYS
from benchmarks.machine import machine
from benchmarks.streaming import vendor

QUESTION_ASKED = "What does the gateway cost between a client and a vendor?"
CALLS, ROUNDS, QUICK_ROUNDS = 320, 11, 3
EVERY_S = 0.001
"""Seconds between two events of a trickling stream."""
DIRECT = "none, the vendor itself"
LITELLM = "litellm proxy"
AIM, MOST_MIB = 1.5, 120
READY_WITHIN_S = 120.0


class Server:
    """One server in its own process. url: where it listens."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    def used(self) -> tuple[float, float]:
        """Processor seconds so far, and MiB it holds, its threads and children not left out."""
        ticks = mib = 0.0
        for pid in (self._process.pid, *_children(self._process.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            mib += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1024**2
        return ticks / os.sysconf("SC_CLK_TCK"), mib


class Ours(Server):
    """One that tells it of itself, more finely than the system counts."""

    def used(self) -> tuple[float, float]:
        """As `Server.used`."""
        cpu_s, mib = _answered(self._process, "used")
        return cpu_s, mib


@attrs.frozen(kw_only=True)
class Round:
    """One round of one row. cpu_us: a call. per_s: calls. p50_ms, p99_ms: of one. mib: of memory, at the end."""

    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float
    mib: float


Rounds = dict[tuple[str, str], list[Round]]
"""By way and row."""


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text(encoding="ascii").split()] if listed.exists() else []


def _answered(process: subprocess.Popen[str], line: str) -> list[float]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("started without pipes")
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return [float(text) for text in process.stdout.readline().split()]


@contextmanager
def ours(name: str, vendor_url: str, *, uvloop: bool) -> Generator[Server]:
    """One of `gateway_servers`."""
    command = [sys.executable, "-m", "benchmarks.gateway_servers", name, vendor_url, *(["uvloop"] if uvloop else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield Ours(process, process.stdout.readline().strip() if process.stdout else "")
        finally:
            process.communicate("")  # the end of its input is the end of it


@contextmanager
def litellm(python: str, vendor_url: str) -> Generator[Server]:
    """LiteLLM's proxy, one deployment a way, without a database, callbacks or retries."""
    deployments = [
        {
            "model_name": way,
            "litellm_params": {"model": f"openai/{way}", "api_base": f"{vendor_url}/{way}/v1", "api_key": "bench"},
        }
        for way in WAYS
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    without_key = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}  # asking for none costs it least
    environment = {**os.environ, **without_key, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps({"model_list": deployments, "litellm_settings": {"num_retries": 0}}), "utf-8")
        start = "from litellm import run_server; run_server()"
        command = [python, "-c", start, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, text=True) as process:  # noqa: S603
            try:
                _await_port(port, process)
                yield Server(process, f"http://127.0.0.1:{port}")
            finally:
                process.terminate()


def _await_port(port: int, process: subprocess.Popen[str]) -> None:
    until_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the peer did not start: is 'litellm[proxy]' installed for that interpreter?")


def measure(servers: dict[str, Server], vendor_url: str, client: subprocess.Popen[str], rounds: int) -> Rounds:
    """What each costs in each way."""
    measured: Rounds = {}
    for way in WAYS:
        for turn in range(-1, rounds):
            seconds, p50_ms, p99_ms = _answered(client, f"{vendor_url}/{way} {way} {CALLS}")
            direct = Round(cpu_us=0.0, per_s=CALLS / seconds, p50_ms=p50_ms, p99_ms=p99_ms, mib=0.0)
            told = {DIRECT: direct}
            for name, server in servers.items():
                before_s, _ = server.used()
                seconds, p50_ms, p99_ms = _answered(client, f"{server.url} {way} {CALLS}")
                after_s, mib = server.used()
                cpu_us = (after_s - before_s) / CALLS * 1e6
                told[name] = Round(cpu_us=cpu_us, per_s=CALLS / seconds, p50_ms=p50_ms, p99_ms=p99_ms, mib=mib)
            if turn >= 0:  # the first round only warms
                for name, one in told.items():
                    measured.setdefault((way, name), []).append(one)
    return measured


def of_floor(measured: Rounds, way: str, name: str) -> float:
    """CPU a call: the median of the rounds' ratios to the floor of the same round."""
    rounds = zip(measured[way, name], measured[way, FLOOR], strict=True)
    return statistics.median(one.cpu_us / floor.cpu_us for one, floor in rounds)


def figures(measured: Rounds, way: str, name: str) -> dict[str, float]:
    """The medians of one row."""
    rounds, direct = measured[way, name], measured[way, DIRECT]
    pairs = list(zip(rounds, direct, strict=True))
    return {
        "cpu_us": statistics.median(one.cpu_us for one in rounds),
        "of_floor": of_floor(measured, way, name),
        "calls_per_s": statistics.median(one.per_s for one in rounds),
        "added_p50_ms": statistics.median(one.p50_ms - bare.p50_ms for one, bare in pairs),
        "added_p99_ms": statistics.median(one.p99_ms - bare.p99_ms for one, bare in pairs),
        "mib": rounds[-1].mib,
    }


def table(names: list[str], measured: Rounds) -> str:
    """As a Markdown table."""
    lines = ["| | server | CPU us a call | of the floor | calls a second | added p50 ms | added p99 ms | MiB |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for way in WAYS:
        for name in names:
            it = figures(measured, way, name)
            lines.append(
                f"| {way} | {name} | {it['cpu_us']:,.0f} | {it['of_floor']:.2f}x | {it['calls_per_s']:,.0f} "
                f"| {it['added_p50_ms']:.2f} | {it['added_p99_ms']:.2f} | {it['mib']:.0f} |"
            )
    return "\n".join(lines)


def verdict(measured: Rounds) -> str:
    """The result in a sentence."""
    told = [f"{way} {of_floor(measured, way, PACELINE):.2f}" for way in WAYS]
    mib = max(one.mib for (_, name), rounds in measured.items() for one in rounds if name == PACELINE)
    within = "within" if mib <= MOST_MIB else "above"
    return f"Paceline: {', '.join(told)} times the floor (aim {AIM:g}); {mib:.0f} MiB, {within} {MOST_MIB}."


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=QUESTION_ASKED)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--uvloop", action="store_true", help="all of our servers on uvloop, the floor included")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has litellm[proxy]: measure it as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "benchmarks.gateway_clients"]
    with vendor(EVERY_S) as url, ExitStack() as opened:
        servers = {name: opened.enter_context(ours(name, url, uvloop=chosen.uvloop)) for name in SERVERS}
        if chosen.peers:
            servers[LITELLM] = opened.enter_context(litellm(chosen.peers, url))
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        opened.callback(client.communicate, "")
        measured = measure(servers, url, client, QUICK_ROUNDS if chosen.quick else ROUNDS)
    about = machine("aiohttp", "uvloop", "prometheus-client")
    loop = "uvloop" if chosen.uvloop else "asyncio"
    print(QUESTION_ASKED, "", table([*servers], measured), "", verdict(measured), sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()), f"; loop {loop}", sep="")
    if chosen.json is not None:
        rows = {way: {name: figures(measured, way, name) for name in servers} for way in WAYS}
        chosen.json.write_text(json.dumps({"machine": about, "loop": loop, "rows": rows}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
