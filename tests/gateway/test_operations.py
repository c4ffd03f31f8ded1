"""Endpoints that do not chat, where the gateway asks them by itself: check, bench, record and replay."""

from __future__ import annotations

import asyncio
import random
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from paceline.gateway.bench.plan import Plan
from paceline.gateway.check import table
from paceline.gateway.check.inspection import look_into
from paceline.gateway.check.live import call_each
from paceline.gateway.config import Configuration
from paceline.gateway.replay.recorder import Recorder
from paceline.gateway.replay.recording import read as read_recording
from paceline.gateway.replay.run import replay
from paceline.gateway.suited import suited
from paceline.policies import stacks
from paceline.router import Endpoint, Operation, Request, Route, Router
from paceline.router.simulation import Behaviour, Simulated
from paceline.router.testing import run

from .bench.run import benched, came_of
from .config.texts import read, refused

CHAT, COMPLETION, EMBEDDING = Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING
QUICK = Simulated(behaviour=Behaviour(ttft_s=0.01, sigma=0.0, tail=0.0, tokens_per_s=1000))


def endpoint(name: str, *operations: Operation, model: str = "m") -> Endpoint:
    return Endpoint(name=name, provider=QUICK, model=model, operations=operations)


FILE = """
[[endpoint]]
name = "a"
provider = "simulated"
model = "m"
operations = {operations}
"""


def test_a_file_says_what_an_endpoint_can_do() -> None:
    (made,) = read(FILE.format(operations='["embedding", "chat"]')).endpoints
    assert made.operations == {EMBEDDING, CHAT}


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        ('["embeding"]', "did you mean embedding"),
        ('"embedding"', "must be a list of one of 'chat', 'completion', 'embedding'"),
        ("[]", "must be at least one"),
        ("[1]", "must be one of 'chat'"),
    ],
)
def test_what_is_wrong_with_it_is_told(operations: str, why: str) -> None:
    (mistake,) = refused(FILE.format(operations=operations))
    assert why in mistake
    assert 'endpoint[1] "a".operations' in mistake


def test_what_the_provider_cannot_do_is_told() -> None:
    (mistake,) = refused(FILE.format(operations='["embedding"]').replace("simulated", "groq"))
    assert "which its provider groq cannot do; it can do chat" in mistake


def test_a_providers_own_operations_hold_for_its_endpoints() -> None:
    text = FILE.format(operations='["embedding"]').replace(
        '"simulated"', '{ kind = "vllm", operations = ["embedding", "completion"] }'
    )
    assert read(text).endpoints[0].operations == {EMBEDDING}
    assert read(text.replace('operations = ["embedding"]\n', "")).endpoints[0].operations == {EMBEDDING, COMPLETION}


def configuration(*endpoints: Endpoint, models: tuple[str, ...] = ("m",)) -> Configuration:
    routes = (Route(name="r", models=models),)
    return Configuration(endpoints=endpoints, routes=routes, policies=tuple(stacks.interactive()))


@pytest.mark.parametrize("operation", Operation)
def test_a_route_is_rehearsed_by_what_it_can_do(operation: Operation) -> None:
    found = look_into(lambda: configuration(endpoint("a", operation), endpoint("b", operation)))
    (route,) = found.routes
    assert route.unrehearsed is None
    assert sum(share.share for share in route.shares) == pytest.approx(1.0)
    assert [each.operations for each in found.endpoints] == [[operation.value]] * 2


@pytest.mark.parametrize(
    ("operations", "shown"), [((CHAT, CHAT), False), ((CHAT, EMBEDDING), True), ((EMBEDDING, EMBEDDING), True)]
)
def test_what_endpoints_can_do_is_shown_where_it_tells_them_apart(
    operations: tuple[Operation, Operation],
    shown: bool,  # noqa: FBT001
) -> None:
    first, second = operations
    console = Console(width=80, file=StringIO())
    table.show(look_into(lambda: configuration(endpoint("a", first), endpoint("b", second))), console)
    assert isinstance(console.file, StringIO)
    told = console.file.getvalue()
    (head,) = [line for line in told.splitlines() if line.split()[:2] == ["name", "model"]]
    assert (head.split()[-1] == "can") is shown
    assert ("embedding" in told) is shown


def test_each_endpoint_is_called_live_with_what_it_can_do() -> None:
    several = [endpoint("a", CHAT), endpoint("b", COMPLETION), endpoint("c", EMBEDDING)]
    live = asyncio.run(call_each(several, 5.0))
    assert [(each.endpoint, each.ok) for each in live] == [("a", True), ("b", True), ("c", True)]
    assert [each.tokens for each in live] == [16, 16, 0]


def test_each_endpoint_is_measured_by_what_it_can_do() -> None:
    several = [endpoint("a", CHAT), endpoint("b", COMPLETION), endpoint("c", EMBEDDING)]
    found = came_of(benched(several, Plan(calls=5, rate=1.0, prompt_tokens=40, max_tokens=10))).endpoints
    assert [each.answered for each in found] == [5, 5, 5]
    assert [each.output_tokens for each in found] == [50, 50, 0]


def test_a_question_stays_what_it_is_for_who_can_chat() -> None:
    chat = Request(messages="hi", model="m", max_tokens=5)
    assert suited(chat, "hi", {CHAT, EMBEDDING}) is chat
    embedding = suited(chat, "hi", {EMBEDDING})
    assert (embedding.operation, embedding.prompt, embedding.max_tokens) == (EMBEDDING, "hi", None)


def test_recorded_embeddings_are_replayed_as_embeddings(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    endpoints = [endpoint("a", EMBEDDING), endpoint("b", CHAT, model="n")]

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        with Recorder(path=path, endpoints=endpoints, most_bytes=1 << 20, keep=1, clock=clock) as recorder:
            async with Router(
                endpoints,
                [Route(name="r", models=("m", "n"))],
                clock=clock,
                listeners=[recorder],
                dice=random.Random(1),
            ) as router:
                for _ in range(20):
                    await router.complete(Request(operation=EMBEDDING, prompt="why canaries sing", route="r"))
                    await router.complete(Request(messages="why canaries sing", route="r", max_tokens=9))

    run(main)
    assert b"canaries" not in path.read_bytes()
    recording = read_recording([path])
    assert {call.operation for call in recording.calls} == {"embedding", "chat"}

    file = tmp_path / "gateway.toml"
    file.write_text(
        FILE.format(operations='["embedding"]')
        + FILE.format(operations='["chat"]').replace('"a"', '"b"').replace('"m"', '"n"')
        + '[[route]]\nname = "r"\nmodels = ["m", "n"]\n'
    )
    played = replay(recording, file, seed=1)
    assert {call.outcome for call in played.calls} == {"answered"}
    assert sorted(call.operation for call in played.calls) == ["chat"] * 20 + ["embedding"] * 20
    assert {call.tokens_out for call in played.calls if call.operation == "embedding"} == {0}
