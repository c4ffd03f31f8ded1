"""Models that can be asked to go on with a text, and break off where a test says; and callers that hear them out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import anyio
import attrs

from paceline.router import Answer, Budget, Chunk, Endpoint, Policy, Request, Route, Router, Usage
from paceline.router.errors import AttemptFailed, CallError, TruncatedAnswer
from paceline.router.testing import endpoint, run

from .asking import routed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Handler

TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness."
CHAT = Route(name="chat", models=("best", "fast"))
STALLS = "stalls"
GOES_ON_S = 0.25


class Model:
    """A `Provider` that has one answer to everything, and goes on with it as it is asked to.

    breaks: after how many characters of what it sends it breaks off, a call each; then it never does. how: with what,
        or `STALLS`. repeats: characters that it repeats when it is asked to repeat the last words; None: just those.
    """

    def __init__(
        self,
        text: str = TEXT,
        *breaks: int,
        how: Callable[[], AttemptFailed] | str = lambda: TruncatedAnswer("cut, as scripted"),
        repeats: int | None = None,
        size: int = 7,
    ) -> None:
        self._text = text
        self._breaks = breaks
        self._how = how
        self._repeats = repeats
        self._size = size
        self.asked: list[Request] = []

    name = "model"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """The answer, from where it is asked for, a few characters every quarter of a second."""
        number = len(self.asked)
        self.asked.append(call.request)
        reply = self._text[self._begins(call.request) :]
        breaks = self._breaks[number] if number < len(self._breaks) else None
        sent = reply if breaks is None else reply[:breaks]
        for at in range(0, len(sent), self._size):
            await anyio.sleep(GOES_ON_S)
            await emit(Chunk(sent[at : at + self._size], raw=b"data: a frame"))
        if breaks is None:
            usage = Usage(input_tokens=call.prompt_tokens, output_tokens=len(sent))
            await emit(Chunk(finish_reason="stop", usage=usage))
        elif isinstance(self._how, str):
            await anyio.sleep_forever()
        else:
            raise self._how()

    def _begins(self, request: Request) -> int:
        """Where in its text the reply begins."""
        roles = [message["role"] for message in request.messages]
        if roles[-1] == "assistant":
            return len(str(request.messages[-1]["content"]))
        if "assistant" not in roles:
            return 0
        said = len(str(request.messages[-2]["content"]))
        wanted = re.search(r"-----\n(.*)\n-----", str(request.messages[-1]["content"]), re.DOTALL)
        assert wanted is not None
        return said - max(len(wanted[1]), min(said, self._repeats or 0))


@attrs.frozen
class Heard:
    """What came of one streamed call: its chunks, and the answer or the error."""

    chunks: list[Chunk]
    given: Answer | CallError
    ended_s: float

    @property
    def text(self) -> str:
        """What a caller has who knows what discard means."""
        since = max((at for at, chunk in enumerate(self.chunks) if chunk.discard), default=0)
        return "".join(chunk.text for chunk in self.chunks[since:])

    @property
    def answer(self) -> Answer:
        assert isinstance(self.given, Answer), self.given
        return self.given

    @property
    def error(self) -> CallError:
        assert isinstance(self.given, CallError), "it was answered"
        return self.given


async def hear(router: Router, request: Request) -> Heard:
    """Ask for a stream, and keep all of it."""
    chunks: list[Chunk] = []
    loop = anyio.current_time
    try:
        async with router.stream(request) as stream:
            async for chunk in stream:
                chunks.append(chunk)  # noqa: PERF401  what came before an error is kept
            return Heard(chunks, stream.answer, loop())
    except CallError as error:
        return Heard(chunks, error, loop())


def heard(
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy],
    *,
    request: Request | None = None,
    budget: Budget | None = None,
) -> Heard:
    """What the only call of a fresh router comes to."""

    async def main() -> Heard:
        async with routed(endpoints, policies, [CHAT], budget=budget) as router:
            answer = await hear(router, request or Request(messages="hello", route="chat"))
        assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in router.fleet)
        assert router.budget.in_flight == 0
        return answer

    return run(main)


def models(*those: object, model: str = "best", **fields: object) -> list[Endpoint]:
    """Endpoints ``a``, ``b``, ... of these models; the last is there for the route's second choice."""
    named = [endpoint(name, each, model=model, **fields) for name, each in zip("abcdef", those, strict=False)]  # type: ignore[arg-type]
    return [*named, endpoint("spare", Model(), model="fast")]  # type: ignore[arg-type]
