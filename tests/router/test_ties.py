"""What happens when two things happen at one instant: a limit that has passed beats the word that comes with it."""

import asyncio

import pytest

from paceline.policies import Fallback
from paceline.router import Call, Chunk, Emit, Request, Route, Router
from paceline.router.errors import DeadlineExceeded
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock


class JustTooLate(Scripted):
    """Its first word is there at an instant that was set before the call was made, and so before any limit of it."""

    def word_at(self, at_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.word: asyncio.Future[None] = loop.create_future()
        loop.call_at(at_s, self.word.set_result, None)

    async def __call__(self, call: Call, emit: Emit) -> None:
        del call
        await self.word
        await emit(Chunk("too"))
        await asyncio.sleep(0.25)
        await emit(Chunk("late", finish_reason="stop"))


def test_a_first_word_in_the_tick_in_which_its_leg_is_given_up_reaches_nobody() -> None:
    late = JustTooLate()
    endpoints = [endpoint("late", late, model="a"), endpoint("next", Scripted(answers(0.25, "in time")), model="b")]

    async def main() -> list[str]:
        late.word_at(0.5)
        policies = [Fallback(start_within_s=0.5)]
        async with (
            Router(endpoints, [Route(name="chat", models=("a", "b"))], policies, clock=virtual_clock) as router,
            router.stream(Request(messages="hi", route="chat")) as chunks,
        ):
            return [chunk.text async for chunk in chunks if chunk.text]

    assert run(main) == ["in time"]


def test_a_first_word_in_the_tick_of_the_deadline_reaches_nobody() -> None:
    late = JustTooLate()

    async def main() -> None:
        late.word_at(0.5)
        heard: list[Chunk] = []

        async def emit(chunk: Chunk) -> None:
            heard.append(chunk)

        async with Router([endpoint("late", late)], clock=virtual_clock) as router:
            with pytest.raises(DeadlineExceeded, match="nothing had come"):
                await router.send(Request(messages="hi", model="m", budget_s=0.5), emit)

        assert (virtual_clock(), heard) == (0.5, [])

    run(main)
