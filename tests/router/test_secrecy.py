"""Neither prompt nor answer nor key is in anything a program would log: reprs, errors, decisions, tracebacks' words."""

import copy
from collections.abc import Callable, Iterator

import pytest

from paceline.router import Call, Chunk, Emit, Endpoint, Handler, Limits, Request, Router, ToolCallDelta, Usage
from paceline.router.errors import CallError, ProviderError
from paceline.router.testing import SILENT, Cut, Fail, Say, Script, Scripted, endpoint, fails, run

from .stack import Ear, full_stack, routed

PROMPT, ANSWER, KEY = "the patient is Jane", "she has measles", "sk-live-1234"
WORDS = (PROMPT, ANSWER, KEY, "jane@example.org")
TOOL = ToolCallDelta(index=0, name="look", arguments=f'{{"q": "{ANSWER}"}}')
SAYS = (Say(0.125, Chunk(ANSWER, reasoning=ANSWER, tool_calls=(TOOL,), raw=ANSWER.encode())),)


def question() -> Request:
    return Request(
        messages=PROMPT, model="m", user="jane@example.org", params={"prompt": PROMPT}, metadata={"who": PROMPT}
    )


def one(script: Script) -> Endpoint:
    return endpoint(
        "a",
        Scripted(script),
        api_key=KEY,
        headers={"Authorization": KEY},
        limits=Limits(first_token_s=1.0, gap_s=1.0),
    )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def hides(*things: object) -> bool:
    shown = [told for thing in things for told in (repr(thing), str(thing))]
    return not any(word in told for word in WORDS for told in shown)


class Sees:
    """Keeps the calls that pass."""

    def __init__(self) -> None:
        self.seen: list[Call] = []

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.seen.append(call)
        await next(call, emit)


def test_what_is_built_and_what_is_answered_show_nothing() -> None:
    async def main() -> None:
        sees, request, a = Sees(), question(), one((*SAYS, Say(0.25, Chunk(finish_reason="stop", usage=Usage()))))
        ear = Ear()
        async with routed(a, policies=[sees, *full_stack()]) as router:
            answer = await router.complete(request)
            await router.send(request, ear)

        assert answer.text == ANSWER
        assert hides(request, a, answer, answer.attempts, answer.decisions, answer.story(), ear.chunks, sees.seen)
        assert hides(router.describe(), list(router.fleet), sees.seen[0].ledger.attempts)

    run(main)


@pytest.mark.parametrize(
    "script",
    [SILENT, fails(0.125, ProviderError), (*SAYS, Cut(0.25)), (*SAYS, *SILENT), (*SAYS, Fail(0.25, KeyError))],
    ids=["silent", "fails", "cut", "stalls", "bug"],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_no_error_shows_anything(script: Script, streamed: object) -> None:
    async def main() -> None:
        async def call_it(router: Router) -> None:
            await (router.send(question(), Ear()) if streamed else router.complete(question()))

        async with routed(one(script), policies=full_stack(tries=2)) as router:
            with pytest.raises(CallError) as caught:
                await call_it(router)

        assert hides(*chain(caught.value), *caught.value.attempts, *caught.value.decisions)

    run(main)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: Request(messages=[{"role": 5, "content": PROMPT}]),
        lambda: Request(messages=PROMPT, budget_s=-1.0, user="jane@example.org"),
        lambda: endpoint("a", Scripted(), api_key=KEY, slots=0),
        lambda: endpoint("", Scripted(), api_key=KEY),
    ],
    ids=["role", "budget", "slots", "name"],
)
def test_no_mistake_is_told_with_what_was_meant_to_be_hidden(mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must be") as caught:
        mistake()

    assert hides(caught.value)


def test_a_copied_endpoint_gives_its_key_to_nobody() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(one(SILENT))
