"""A call that is admitted first and run later: it can be looked at, and hurried, in between."""

from __future__ import annotations

import pytest

from paceline.policies import Retry
from paceline.router import Chunk, Request, Router
from paceline.router.errors import DeadlineExceeded, PolicyFailed, ProviderError, StreamInterrupted, UnknownModel
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock
from paceline.router.testing.scripted import Fail, Say


class Heard:
    def __init__(self) -> None:
        self.chunks: list[Chunk] = []

    async def emit(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)


def test_who_answers_is_known_from_the_first_chunk_on() -> None:
    async def main() -> None:
        async with Router([endpoint("a", Scripted(answers(1.0, "hi")))], clock=virtual_clock) as router:
            call = router.admit(Request(messages="x", model="m"))
            seen: list[str] = []

            async def emit(_: Chunk) -> None:
                seen.append(call.ledger.attempts[-1].endpoint.name)

            assert call.ledger.attempts == []
            await router.push(call, emit)
            assert seen == ["a", "a"]
            assert call.ledger.answered_by is not None

    run(main)


def test_its_deadline_can_be_tightened_before_it_is_run() -> None:
    async def main() -> None:
        async with Router([endpoint("a", Scripted(answers(60.0)))], clock=virtual_clock) as router:
            call = router.admit(Request(messages="x", model="m", budget_s=100.0))
            began_s = virtual_clock()
            with pytest.raises(DeadlineExceeded):
                await router.push(call.with_(deadline_s=call.ledger.began_s + 2.0), Heard().emit)
            assert virtual_clock() - began_s == pytest.approx(2.0)

    run(main)


def broken() -> Scripted:
    return Scripted((Say(0.0, Chunk("wro")), Fail(0.0, lambda: ProviderError("cut"))), answers(0.0, "right"))


def test_one_that_is_seen_when_it_is_complete_is_repeated_silently() -> None:
    async def main() -> None:
        heard = Heard()
        async with Router([endpoint("a", broken())], policies=[Retry()], clock=virtual_clock) as router:
            await router.push(router.admit(Request(messages="x", model="m"), streamed=False), heard.emit)
        assert heard.text == "wroright"
        assert [chunk.discard for chunk in heard.chunks].count(True) == 1, "what came before is void"

    run(main)


def test_one_that_is_seen_as_it_comes_is_not() -> None:
    async def main() -> None:
        async with Router([endpoint("a", broken())], policies=[Retry()], clock=virtual_clock) as router:
            with pytest.raises(StreamInterrupted):
                await router.push(router.admit(Request(messages="x", model="m")), Heard().emit)

    run(main)


def test_what_the_caller_raises_comes_back_as_it_was() -> None:
    async def main() -> None:
        async def emit(_: Chunk) -> None:
            raise KeyError("mine")

        async with Router([endpoint("a", Scripted(answers(0.0)))], clock=virtual_clock) as router:
            with pytest.raises(KeyError, match="mine"):
                await router.push(router.admit(Request(messages="x", model="m")), emit)

    run(main)


def test_what_a_policy_raises_is_told_as_the_policys() -> None:
    class Broken:
        async def __call__(self, *_: object) -> None:
            raise KeyError("its")

    async def main() -> None:
        async with Router([endpoint("a", Scripted(answers(0.0)))], policies=[Broken()], clock=virtual_clock) as router:
            with pytest.raises(PolicyFailed):
                await router.push(router.admit(Request(messages="x", model="m")), Heard().emit)

    run(main)


def test_what_nobody_serves_is_not_admitted() -> None:
    async def main() -> None:
        async with Router([endpoint("a", Scripted(answers(0.0)))], clock=virtual_clock) as router:
            with pytest.raises(UnknownModel):
                router.admit(Request(messages="x", model="none"))

    run(main)
