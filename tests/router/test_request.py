"""`Request`: what a caller may ask, and how a mistake is told."""

import math

import pytest

from paceline.router import Priority, Request
from paceline.router.errors import CallError, InvalidRequest
from paceline.router.request import DEFAULT_EXPECTED_TOKENS, expected_tokens

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
SECRET_WORDS = "the patient is called Jane"


def test_a_string_stands_for_one_user_message() -> None:
    assert Request(messages="hello").messages == ({"role": "user", "content": "hello"},)


def test_messages_are_kept_as_they_are() -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}]

    assert Request(messages=messages).messages == tuple(messages)


@pytest.mark.parametrize("empty", ["", "  \n", [], ()], ids=repr)
def test_no_message_is_refused(empty: str | list[dict[str, object]]) -> None:
    with pytest.raises(InvalidRequest, match="messages is empty: give at least one message"):
        Request(messages=empty)


@pytest.mark.parametrize("wrong", [{}, {"content": "hi"}, {"role": 5}, "hi", None], ids=repr)
def test_a_message_without_a_role_is_refused_by_its_place(wrong: object) -> None:
    messages: list[object] = [{"role": "user", "content": "hello"}, wrong]

    with pytest.raises(InvalidRequest, match=r"messages\[1\] must be a mapping with a 'role'"):
        Request(messages=messages)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_one_message_outside_a_list_is_refused_and_not_taken_apart() -> None:
    message: dict[str, object] = {"role": "user", "content": "hello"}

    with pytest.raises(InvalidRequest, match=r"messages\[0\] must be a mapping"):
        Request(messages=message)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("budget_s", [0, 0.0, -1.0, math.nan, math.inf, "10", True], ids=repr)
def test_a_budget_that_is_no_time_is_refused(budget_s: object) -> None:
    with pytest.raises(InvalidRequest, match="Request: budget_s must be a number above 0, not "):
        Request(messages="hello", budget_s=budget_s)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("field", ["max_tokens", "expected_tokens", "prompt_tokens"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True], ids=repr)
def test_a_count_of_tokens_that_is_none_is_refused(field: str, value: object) -> None:
    fields: dict[str, object] = {field: value}

    with pytest.raises(InvalidRequest, match=f"Request: {field} must be a whole number of at least 1"):
        Request(messages="hello", **fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_priority_is_one_of_three() -> None:
    with pytest.raises(InvalidRequest, match="Request: priority must be Priority, not str"):
        Request(messages="hello", priority="asap")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_quality_below_zero_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="min_quality must be a whole number of at least 0"):
        Request(messages="hello", min_quality=-1)


def test_an_empty_residency_allows_nothing_and_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="residency is an empty set, which allows no region: leave it out"):
        Request(messages="hello", residency=frozenset[str]())


def test_a_residency_may_be_one_region_or_several() -> None:
    one = Request(messages="hello", residency="eu")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    several = Request(messages="hello", residency=frozenset({"eu", "ch"}))

    assert one.residency == {"eu"}
    assert several.residency == {"eu", "ch"}


def test_what_is_refused_is_an_error_of_ours_and_a_value_error() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Request(messages="")

    assert isinstance(caught.value, CallError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.attempts == caught.value.decisions == ()


def test_nothing_said_is_shown() -> None:
    request = Request(
        messages=SECRET_WORDS,
        user="jane@example.org",
        params={"stop": SECRET_WORDS},
        metadata={"note": SECRET_WORDS},
        route="chat",
        priority=Priority.TOTAL,
    )

    for shown in (repr(request), str(request), f"{request}"):
        assert "Jane" not in shown
        assert "jane" not in shown
        assert "chat" in shown


def test_the_same_question_twice_is_two_requests() -> None:
    assert Request(messages="hello") != Request(messages="hello")


@pytest.mark.parametrize(
    ("request_", "tokens"),
    [
        (Request(messages="x" * 400), 100),
        (Request(messages="x"), 1),
        (Request(messages="x" * 400, prompt_tokens=7), 7),
        (Request(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), 1),
        (Request(messages=[{"role": "user", "content": [{"type": "text", "text": "x" * 40}, IMAGE, IMAGE]}]), 1540),
        (Request(messages=[{"role": "user", "content": [7, {"text": 7}]}, {"role": "user", "content": None}]), 1),
        (Request(messages=[{"role": "user", "content": "x" * 40}, {"role": "user", "content": "x" * 40}]), 20),
    ],
)
def test_the_prompts_tokens_are_as_given_or_estimated_of_text_and_images(request_: Request, tokens: int) -> None:
    assert request_.estimated_prompt_tokens() == tokens


@pytest.mark.parametrize(
    ("given", "cap", "tokens"),
    [(None, None, DEFAULT_EXPECTED_TOKENS), (None, 50, 50), (200, None, 200), (200, 100, 100), (20, 100, 20)],
)
def test_the_answers_tokens_are_as_given_and_never_above_the_cap(
    given: int | None, cap: int | None, tokens: int
) -> None:
    assert expected_tokens(Request(messages="hello", expected_tokens=given), cap) == tokens


@pytest.mark.parametrize(("params", "choices"), [({}, 1), ({"n": None}, 1), ({"n": 1}, 1), ({"n": 3}, 3)])
def test_one_answer_is_asked_for_unless_the_params_say_otherwise(params: dict[str, object], choices: int) -> None:
    assert Request(messages="hello", params=params).choices == choices


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_any_other_number_of_answers_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidRequest, match="n must be a whole number of at least 1, not"):
        _ = Request(messages="hello", params={"n": wrong}).choices
