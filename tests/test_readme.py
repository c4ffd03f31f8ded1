"""The README tells the truth: its examples run, and what it names is there."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.providers import Simulated
from paceline.router import Endpoint, Request, Route, Router
from paceline.router.testing import Scripted, endpoint, run, virtual_clock
from tests.providers.loopback import WHOLE, Vendor, streams

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def example(number: int) -> dict[str, Any]:
    """The names an example of the README defines."""
    source = EXAMPLES[number].replace("asyncio.run(main())", "")
    names: dict[str, Any] = {}
    exec(compile(source, f"README example {number}", "exec"), names)  # noqa: S102  it is our own README
    return names


def test_the_embedding_example_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        vendor = Vendor(streams(WHOLE))
        async with vendor.serving():
            monkeypatch.setenv("LLM_URL", vendor.url)
            await example(0)["main"]()

    asyncio.run(main())

    said = capsys.readouterr().out
    assert said.count("Hello there") == 2
    assert "attempt #1 large.us-east ok" in said


def test_the_example_of_embeddings_shows_vectors(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        vectors = Endpoint(name="vectors", provider=Simulated(), model="text-embedding-3-small")
        async with Router([vectors], clock=virtual_clock) as router:
            await example(1)["similar"](router, ["a cat", "a kitten"])

    run(main)

    assert capsys.readouterr().out.startswith("2 (")


def test_the_policy_example_keeps_guests_to_quiet_endpoints() -> None:
    busy, quiet = Scripted(), Scripted()

    async def main() -> str:
        endpoints = [endpoint("busy", busy, slots=2), endpoint("quiet", quiet, slots=2)]
        policies = [example(2)["Guests"](), LatencyBudget(), Slots()]
        async with Router(endpoints, policies=policies, clock=virtual_clock) as router:
            with router.fleet["busy"].slots.acquire_over_limit():
                answer = await router.complete(Request(messages="hi", model="m", metadata={"guest": True}))
            return answer.story()

    assert "Guests: 1 of 2 endpoints are quiet" in run(main)
    assert (busy.calls, quiet.calls) == (0, 1)


def test_the_looking_example_shows_a_report_a_diagnosis_and_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    names = example(3)

    async def main() -> None:
        route = Route(name="chat", models="m")
        listeners = names["listeners"]
        async with Router([endpoint("a", Scripted())], [route], clock=virtual_clock, listeners=listeners) as router:
            await router.complete(Request(messages="hi", route="chat"))
            names["look"](router, virtual_clock())

    run(main)

    said = capsys.readouterr().out
    assert "chat" in said
    assert "Too few calls to tell" in said
    assert 'paceline_calls_total{outcome="answered",reason="",route="chat"} 1.0' in said


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")))
def test_every_link_leads_to_a_file(link: str) -> None:
    assert link.startswith("https://") or (README.parent / link).exists()
