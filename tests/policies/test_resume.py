"""`Resume`: what a caller gets when an answer breaks off after its beginning was shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import (
    Breaker,
    Fallback,
    Hedge,
    LatencyBudget,
    Refuse,
    Regions,
    Restart,
    Resume,
    Resumption,
    Retry,
    Slots,
    Splice,
)
from paceline.policies.join import LEAST_ANCHOR, anchor_of
from paceline.router import Budget, Chunk, Outcome, Policy, Request, ToolCallDelta, Usage
from paceline.router.errors import (
    BadRequest,
    ConfigurationError,
    ContentBlocked,
    DeadlineExceeded,
    ImpossibleOrder,
    ProviderError,
    StreamInterrupted,
)
from paceline.router.testing import SILENT, Cut, Fail, Say, Scripted, answers, cancel_everywhere, endpoint, run

from .asking import hello, plenty, routed, whole
from .continuing import CHAT, STALLS, TEXT, Model, hear, heard, models

PREFILL = Splice(prefill="best")
ANCHORED = Splice()
EITHER = pytest.mark.parametrize("way", [PREFILL, ANCHORED], ids=["prefill", "anchored"])
EACH = pytest.mark.parametrize("way", [PREFILL, ANCHORED, Restart()], ids=["prefill", "anchored", "restart"])


def full(resume: Resume) -> list[Policy]:
    return [resume, Fallback(), Retry(), Hedge(), Regions(), Breaker(), LatencyBudget(), Slots()]


# -- splice


@EITHER
@pytest.mark.parametrize("broke_off_at", range(1, len(TEXT) + 1))
def test_a_spliced_answer_is_whole_to_the_character_wherever_it_broke_off(way: Splice, broke_off_at: int) -> None:
    end = heard(models(Model(TEXT, broke_off_at), Model()), full(Resume(routes={"chat": way})))

    assert end.text == end.answer.text == TEXT
    assert end.answer.finish_reason == "stop"
    assert not any(chunk.discard for chunk in end.chunks)


@settings(max_examples=150)
@given(
    words=st.lists(st.sampled_from(["the ", "rain ", "in\n", "  ", "Spain. ", "ha", "ha "]), min_size=1, max_size=30),
    breaks=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    repeats=st.integers(0, 60),
    prefilled=st.booleans(),
    size=st.integers(1, 9),
)
def test_any_text_broken_off_anywhere_again_and_again_is_whole_or_an_error_that_says_how_much_there_is(
    words: list[str], breaks: list[int], repeats: int, size: int, *, prefilled: bool
) -> None:
    text = "".join(words)
    fleet = [Model(text, at, repeats=repeats, size=size) for at in breaks]
    way = PREFILL if prefilled else ANCHORED

    end = heard(models(*fleet, Model(text)), [Resume(otherwise=way, at_most=2)])

    if isinstance(end.given, StreamInterrupted):
        assert end.given.delivered == len(end.text) > 0
        assert text.startswith(end.text)
    else:
        assert (prefilled and _doubles_itself(text)) or end.text == end.answer.text == text


def _doubles_itself(text: str) -> bool:
    """Whether a stretch as long as an anchor comes twice in a row somewhere: then a prefill may look repeated."""
    return any(
        text[at : at + length] == text[at + length : at + 2 * length]
        for length in range(LEAST_ANCHOR, len(text) // 2 + 1)
        for at in range(len(text) - 2 * length + 1)
    )


@pytest.mark.parametrize("reply", ["Sorry, here is the answer again.", "", TEXT[40:]])
def test_a_reply_that_does_not_repeat_the_last_words_is_not_guessed_at(reply: str) -> None:
    stubborn = Scripted(answers(0.25, reply or " "))

    end = heard(models(Model(TEXT, 40), stubborn, Model()), [Resume(otherwise=ANCHORED)])

    assert end.text == TEXT
    assert [attempt.endpoint.name for attempt in end.answer.attempts] == ["a", "b", "c"]
    assert any("does not begin" in decision.reason for decision in end.answer.decisions)


def test_a_model_with_prefill_is_sent_what_was_said_without_the_space_at_its_end() -> None:
    other = Model("One, \ntwo.")

    end = heard(models(Model("One, \ntwo.", 6), other), [Resume(otherwise=PREFILL)])

    assert end.text == "One, \ntwo."
    assert other.asked[0].messages[-1] == {"role": "assistant", "content": "One,"}


def test_a_model_without_prefill_is_asked_to_repeat_the_last_words() -> None:
    other = Model()

    heard(models(Model(TEXT, 60), other), [Resume(otherwise=ANCHORED)])

    user, said, ask = other.asked[0].messages
    assert (user["role"], said) == ("user", {"role": "assistant", "content": TEXT[:60].rstrip()})
    assert f"-----\n{anchor_of(TEXT[:60])}\n-----" in str(ask["content"])


def test_an_answer_that_the_caller_had_begun_is_gone_on_with_in_one_message() -> None:
    begun = ({"role": "user", "content": "Quote Dickens."}, {"role": "assistant", "content": "Gladly: "})
    first = Scripted((Say(0.25, Chunk(TEXT[:40])), Cut(0.5)))
    other = Scripted(answers(0.25, TEXT[40:]))

    end = heard(models(first, other), [Resume(otherwise=PREFILL)], request=Request(messages=begun, route="chat"))

    assert end.text == TEXT
    assert other.seen[0].request.messages == (begun[0], {"role": "assistant", "content": f"Gladly: {TEXT[:40]}"})


def test_half_an_answer_that_is_no_text_is_not_gone_on_with() -> None:
    begun = ({"role": "user", "content": "Hi."}, {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]})
    first = Scripted((Say(0.25, Chunk(TEXT[:40])), Cut(0.5)))

    end = heard(models(first, Model()), [Resume(otherwise=PREFILL)], request=Request(messages=begun, route="chat"))

    assert "half an answer that is not text" in end.error.decisions[-1].reason


def test_the_cap_and_the_expected_length_are_what_is_left_of_them() -> None:
    other = Model()

    heard(
        models(Model(TEXT, 40), other),
        [Resume(otherwise=PREFILL)],
        request=hello(route="chat", max_tokens=100, expected_tokens=30, prompt_tokens=8),
    )

    asked = other.asked[0]
    assert (asked.max_tokens, asked.expected_tokens, asked.prompt_tokens) == (90, 20, 18)


def test_frames_that_were_altered_are_not_passed_on_as_they_were() -> None:
    end = heard(models(Model(TEXT, 40), Model()), [Resume(otherwise=ANCHORED)])

    since = end.chunks[-20:]
    assert all(chunk.raw == b"" or chunk.text in TEXT for chunk in since)
    assert end.chunks[-1].raw == b""
    shown = "".join(chunk.text for chunk in end.chunks)
    assert shown == TEXT


call = ToolCallDelta(index=0, id="1", name="look_up", arguments="{")


@pytest.mark.parametrize(
    ("chunk", "params", "why"),
    [
        (Chunk(reasoning="hm"), {}, "more to it than text"),
        (Chunk(refusal="no"), {}, "more to it than text"),
        (Chunk(tool_calls=(call,)), {}, "more to it than text"),
        (Chunk("{"), {"response_format": {"type": "json_schema"}}, "its form is bound to json_schema"),
        (Chunk("{"), {"response_format": {"type": "json_object"}}, "its form is bound to json_object"),
        (Chunk("{"), {"guided_json": {"type": "object"}}, "asked for with guided_json"),
        (Chunk("a"), {"n": 2}, "there are several choices"),
        (Chunk("a"), {"logprobs": True}, "asked for with logprobs"),
    ],
)
def test_what_is_more_than_plain_text_is_not_spliced(chunk: Chunk, params: dict[str, object], why: str) -> None:
    begun = Scripted((Say(0.25, chunk), Cut(0.5)))
    other = Model()

    end = heard(models(begun, other), [Resume(otherwise=PREFILL)], request=hello(route="chat", params=params))

    assert isinstance(end.error, StreamInterrupted)
    assert not other.asked
    assert any(why in decision.reason for decision in end.error.decisions)


@pytest.mark.parametrize("params", [{"response_format": {"type": "text"}}, {"n": 1}, {"logprobs": False}])
def test_parameters_that_ask_for_plain_text_do_not_hinder(params: dict[str, object]) -> None:
    end = heard(
        models(Model(TEXT, 30), Model()), [Resume(otherwise=PREFILL)], request=hello(route="chat", params=params)
    )

    assert end.text == TEXT


def test_a_continuation_that_begins_with_something_else_than_text_is_refused() -> None:
    calling = Scripted((Say(0.25, Chunk(tool_calls=(call,))), Say(0.25, Chunk(finish_reason="tool_calls"))))

    end = heard(models(Model(TEXT, 30), calling, Model()), [Resume(otherwise=ANCHORED)])

    assert end.text == TEXT
    assert not any(chunk.tool_calls for chunk in end.chunks)


def test_text_that_only_repeats_itself_is_not_spliced_by_its_last_words() -> None:
    loop = "Ho! " * 600

    end = heard(models(Model(loop, 2000, size=100), Model(loop)), [Resume(otherwise=ANCHORED)])

    assert isinstance(end.error, StreamInterrupted)
    assert any("cannot be told" in decision.reason for decision in end.error.decisions)


# -- restart and refuse


@pytest.mark.parametrize("chunk", [Chunk("It"), Chunk(reasoning="hm"), Chunk(tool_calls=(call,))])
def test_a_restarted_answer_begins_anew_and_says_so(chunk: Chunk) -> None:
    begun = Scripted((Say(0.25, chunk), Cut(0.5)))

    end = heard(models(begun, Model()), full(Resume(otherwise=Restart())))

    assert [given.discard for given in end.chunks[:3]] == [False, True, False]
    assert end.text == end.answer.text == TEXT
    assert (end.answer.reasoning, end.answer.tool_calls) == ("", ())


def test_nothing_is_voided_before_the_new_answer_has_begun() -> None:
    failing = Scripted((Fail(0.5, lambda: ProviderError("as scripted")),))

    end = heard(models(Model(TEXT, 20), failing, failing), [Resume(otherwise=Restart())])

    assert not any(chunk.discard for chunk in end.chunks)
    assert (end.text, end.error.delivered) == (TEXT[:20], 20)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "policies", [[], [Resume()], [Resume(routes={"fast": Restart()})]], ids=["none", "default", "other"]
)
def test_without_a_word_from_the_route_what_breaks_off_is_an_error(policies: list[Policy]) -> None:
    other = Model()

    end = heard(models(Model(TEXT, 20), other), policies)

    assert isinstance(end.error, StreamInterrupted)
    assert (end.error.delivered, end.text, other.asked) == (20, TEXT[:20], [])


def test_a_route_goes_its_own_way_and_the_others_the_other() -> None:
    resume = Resume(routes={"chat": Refuse()}, otherwise=PREFILL)

    refused = heard(models(Model(TEXT, 20), Model()), [resume])
    resumed = heard(models(Model(TEXT, 20), Model()), [resume], request=hello(model="best"))

    assert isinstance(refused.given, StreamInterrupted)
    assert resumed.text == TEXT


# -- terms


@EACH
def test_it_goes_on_so_often_and_then_says_how_much_there_is(way: Resumption) -> None:
    fleet = models(Model(TEXT, 30), *(Model(TEXT, 30) for _ in range(4)))

    end = heard(fleet, [Resume(otherwise=way, at_most=3)], budget=plenty())

    error = end.error
    assert isinstance(error, StreamInterrupted)
    assert len(error.attempts) == 4
    assert error.delivered == len(end.text)
    assert "resumed as often" in str(error)


@EACH
def test_a_budget_that_is_spent_leaves_the_error_as_it_was(way: Resumption) -> None:
    other = Model()

    end = heard(models(Model(TEXT, 20), other), full(Resume(otherwise=way)), budget=Budget(reserve=0))

    assert isinstance(end.error, StreamInterrupted)
    assert (end.error.delivered, other.asked) == (20, [])
    assert "budget" in end.error.decisions[-1].reason


@EACH
@pytest.mark.parametrize("budget_s", [1.0, 1.5, 3.0])
def test_the_deadline_holds_and_says_all_that_was_delivered(way: Resumption, budget_s: float) -> None:
    end = heard(
        models(Model(TEXT, 28), Model()), [Resume(otherwise=way)], request=hello(route="chat", budget_s=budget_s)
    )

    assert isinstance(end.error, DeadlineExceeded | StreamInterrupted)
    assert end.ended_s <= budget_s
    assert end.error.delivered == len(end.text) > 0


@EACH
def test_the_tokens_of_all_legs_are_told(way: Resumption) -> None:
    end = heard(models(Model(TEXT, 40), Model()), [Resume(otherwise=way)], request=hello(route="chat", prompt_tokens=8))

    first, second = end.answer.attempts
    assert first.usage == Usage(input_tokens=8, output_tokens=10), "not told, so reckoned"
    assert second.usage is not None
    assert end.answer.usage == end.chunks[-1].usage
    assert end.answer.usage.input_tokens == 8 + (second.usage.input_tokens or 0)
    assert end.answer.usage.output_tokens == 10 + (second.usage.output_tokens or 0)


def test_what_a_leg_has_told_of_its_tokens_counts() -> None:
    begun = Scripted((Say(0.25, Chunk("It was ", usage=Usage(input_tokens=5, output_tokens=3))), Cut(0.5)))

    end = heard(models(begun, Model()), [Resume(otherwise=PREFILL)])

    assert end.answer.attempts[0].usage == Usage(input_tokens=5, output_tokens=3)


def test_the_caller_heard_the_first_word_from_the_first_leg_of_a_spliced_answer() -> None:
    spliced = heard(models(Model(TEXT, 40), Model()), [Resume(otherwise=PREFILL)])
    restarted = heard(models(Model(TEXT, 40), Model()), [Resume(otherwise=Restart())])

    assert spliced.answer.ttft_s == 0.25
    assert restarted.answer.ttft_s == 1.75


@pytest.mark.parametrize("error", [BadRequest, ContentBlocked])
def test_what_no_endpoint_could_mend_is_not_tried_again(error: type[BadRequest]) -> None:
    other = Model()

    end = heard(models(Model(TEXT, 20, how=lambda: error("as scripted")), other), [Resume(otherwise=PREFILL)])

    assert isinstance(end.error, StreamInterrupted)
    assert not other.asked


def test_a_failure_before_the_first_word_is_left_to_those_inside() -> None:
    failing = Scripted((Fail(0.5, lambda: ProviderError("as scripted")),))

    end = heard(models(failing, Model()), [Resume(otherwise=PREFILL)])

    assert isinstance(end.error, ProviderError)
    assert len(end.error.attempts) == 1


def test_the_same_model_goes_on_before_another_and_another_endpoint_before_the_same() -> None:
    two = heard(models(Model(TEXT, 20), Model()), [Resume(otherwise=Splice(prefill=("best", "fast")))])
    one = heard(models(Model(TEXT, 20)), [Resume(otherwise=Splice(prefill=("best", "fast")))])
    alone = heard([*models(Model(TEXT, 20))], [Resume(otherwise=PREFILL)], request=hello(route="chat", model="best"))
    stalled = heard(
        models(Model(TEXT, 20, how=STALLS)), [Resume(otherwise=PREFILL)], request=hello(route="chat", model="best")
    )

    assert [attempt.endpoint.name for attempt in two.answer.attempts] == ["a", "b"]
    assert [attempt.endpoint.name for attempt in one.answer.attempts] == ["a", "spare"]
    assert [attempt.endpoint.name for attempt in alone.answer.attempts] == ["a", "a"]
    assert [attempt.endpoint.name for attempt in stalled.error.attempts] == ["a"]


def test_it_never_leaves_the_regions_of_the_call() -> None:
    abroad = Model()
    fleet = [
        endpoint("a", Model(TEXT, 20), model="best", region="eu"),  # type: ignore[arg-type]
        endpoint("b", abroad, model="best", region="us"),  # type: ignore[arg-type]
        endpoint("spare", abroad, model="fast", region="us"),  # type: ignore[arg-type]
    ]

    end = heard(fleet, full(Resume(otherwise=PREFILL)), request=hello(route="chat", residency={"eu"}))

    assert not abroad.asked
    assert isinstance(end.error, StreamInterrupted)


def test_a_model_that_has_no_slot_is_passed_over() -> None:
    busy = endpoint("b", Model(), model="best", slots=1, queue=0)  # type: ignore[arg-type]
    fleet = [endpoint("a", Model(TEXT, 20), model="best"), busy, endpoint("spare", Model(), model="fast")]  # type: ignore[arg-type]

    async def main() -> list[str]:
        async with routed(fleet, [Resume(otherwise=Splice(prefill=("best", "fast"))), Slots()], [CHAT]) as router:
            with router.fleet["b"].slots.acquire_over_limit():
                end = await hear(router, hello(route="chat"))
        return [attempt.endpoint.name for attempt in end.answer.attempts]

    assert run(main) == ["a", "spare"]


def test_what_the_caller_raises_is_its_own_and_nothing_is_resumed() -> None:
    other = Model()

    class Gone(Exception):
        pass

    async def main() -> None:
        async def leave(chunk: Chunk) -> None:
            raise Gone

        async with routed(models(Model(), other), [Resume(otherwise=PREFILL)], [CHAT]) as router:
            with pytest.raises(Gone):
                await router.send(hello(route="chat"), leave)

    run(main)
    assert not other.asked


def test_an_answer_taken_whole_is_repeated_inside_and_not_resumed() -> None:
    async def main() -> None:
        async with routed(models(Model(TEXT, 20), Model()), full(Resume(otherwise=PREFILL)), [CHAT]) as router:
            answer = await whole(router, hello(route="chat"))
        assert answer.text == TEXT
        assert answer.retries == ("truncated",)

    run(main)


@EACH
def test_what_went_on_stands_in_the_decisions(way: Resumption) -> None:
    end = heard(models(Model(TEXT, 40), Model()), [Resume(otherwise=way)])

    told = "\n".join(str(decision) for decision in end.answer.decisions if decision.by == "Resume")
    assert "after interrupted, with 40 characters delivered, goes on by" in told
    assert [attempt.outcome for attempt in end.answer.attempts] == [Outcome.FAILED, Outcome.OK]


@EACH
def test_cancelled_anywhere_it_leaves_nothing_behind(way: Resumption) -> None:
    held: list[Any] = []

    async def scenario() -> None:
        fleet = models(Model(TEXT, 20), Model(TEXT, 30), Model(), slots=1)
        async with routed(fleet, [Resume(otherwise=way), Retry(), Slots()], [CHAT]) as router:
            held[:] = [router]

            async def ignore(chunk: Chunk) -> None:
                pass

            await router.send(hello(route="chat"), ignore)

    def nothing_is_held(_: int) -> None:
        router = held[0]
        assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in router.fleet)
        assert router.budget.in_flight == 0

    assert cancel_everywhere(scenario, nothing_is_held) > 15


@pytest.mark.parametrize(("at_most", "second_s"), [(2, 15.0), (1, 30.0)])
def test_a_leg_that_does_not_speak_is_left_only_if_there_is_another(at_most: int, second_s: float) -> None:
    fleet = models(Model(TEXT, 20), Scripted(SILENT), Model())

    end = heard(fleet, [Resume(otherwise=PREFILL, at_most=at_most)], request=hello(route="chat", model="best"))

    assert end.given.attempts[1].total_s == second_s
    assert isinstance(end.given, StreamInterrupted) == (at_most == 1)


# -- building it


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (Resume, {"otherwise": "splice"}, r"otherwise must be Splice\(\), Restart\(\) or Refuse\(\), not 'splice'"),
        (Resume, {"otherwise": Splice}, "otherwise must be Splice"),
        (Resume, {"routes": {"chat": "restart"}}, "routes must be Splice"),
        (Resume, {"routes": ["chat"]}, "routes must be ways by route"),
        (Resume, {"at_most": 0}, "at_most must be a whole number of at least 1"),
        (Resume, {"stall": 3.0}, "stall must be Stall, not float"),
        (Splice, {"prefill": 3}, "Splice: prefill must be a name or several, not 3"),
        (Splice, {"prefill": ("",)}, "Splice: prefill must be non-empty names, not ''"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_built(
    kind: Callable[..., object], fields: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        kind(**fields)


@pytest.mark.parametrize(
    ("resume", "says"),
    [
        (Resume(routes={"chta": PREFILL}), "no route is named 'chta'; there are best, chat, fast"),
        (Resume(otherwise=Splice(prefill="gpt")), "no model is named 'gpt'; there are best, fast"),
    ],
)
def test_names_that_are_none_of_the_routers_are_refused_when_it_is_built(resume: Resume, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        routed(models(Model()), [resume], [CHAT])


@pytest.mark.parametrize("inside", [Fallback(), Retry(), Hedge(), Slots()])
def test_inside_of_what_tries_again_it_is_refused(inside: Policy) -> None:
    with pytest.raises(ImpossibleOrder, match="put Resume before"):
        routed(models(Model()), [inside, Resume()], [CHAT])


def test_its_ways_cannot_be_changed_behind_its_back() -> None:
    ways: dict[str, Resumption | Refuse] = {"chat": PREFILL}
    resume = Resume(routes=ways)
    ways["chat"] = Refuse()

    assert resume.routes["chat"] is PREFILL
    assert attrs.evolve(resume, at_most=1).routes["chat"] is PREFILL
