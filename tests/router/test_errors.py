"""The tree of errors: as drawn, total in what it says of another try, and silent about what was said."""

import copy
import pickle
import re
from collections.abc import Callable

import pytest

from paceline.router import Usage, errors
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    CallError,
    CorruptStatistics,
    DeadlineExceeded,
    EveryModelFailed,
    PacelineError,
    ProviderError,
    RateLimited,
    StreamInterrupted,
)

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, PacelineError) and kind.__module__.startswith(errors.__name__)
}
ATTEMPTS = [kind for kind in CLASSES.values() if issubclass(kind, AttemptFailed)]
PLAIN = [kind for kind in ATTEMPTS if kind not in {AttemptTimeout, StreamInterrupted}]


def drawn() -> dict[str, str | None]:
    """Parent by name, read from the drawing in the module's docstring."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│├└─ ]{4})*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = above[depth - 1] if depth else None
            above[depth:] = [found[2]]
    return parents


def test_the_tree_is_as_drawn() -> None:
    actual = {name: kind.__bases__[0].__name__ if kind is not PacelineError else None for name, kind in CLASSES.items()}

    assert drawn() == actual


def test_mistakes_in_what_was_given_are_value_errors_too() -> None:
    value_errors = {name for name, kind in CLASSES.items() if issubclass(kind, ValueError)}

    assert value_errors == {
        "ConfigurationError", "DuplicateEndpoint", "NotAPolicy", "ImpossibleOrder",
        "PluginError", "UnknownPlugin", "AmbiguousPlugin", "BrokenPlugin",
        "InvalidRequest", "UnknownRoute", "UnknownModel", "CorruptStatistics",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ATTEMPTS, ids=lambda kind: kind.__name__)
def test_every_failure_of_an_attempt_says_in_one_word_why(kind: type[AttemptFailed]) -> None:
    assert re.fullmatch(r"[a-z_]+", kind.reason)


def test_no_two_failures_share_their_word() -> None:
    leaves = [kind.reason for kind in ATTEMPTS]

    assert len(leaves) == len(set(leaves))


@pytest.mark.parametrize("kind", ATTEMPTS, ids=lambda kind: kind.__name__)
def test_what_the_same_endpoint_may_mend_another_may_mend_too(kind: type[AttemptFailed]) -> None:
    assert kind.elsewhere or not kind.same


@pytest.mark.parametrize("kind", [errors.BadRequest, errors.RequestTooLarge, StreamInterrupted])
def test_what_no_other_try_can_mend_is_not_tried_again(kind: type[AttemptFailed]) -> None:
    assert (kind.same, kind.elsewhere, kind.other_model) == (False, False, False)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_a_failure_names_its_endpoint_where_there_is_one(kind: type[AttemptFailed]) -> None:
    assert str(kind("it broke", endpoint="eu-1")) == "eu-1: it broke"
    assert str(kind("it broke")) == "it broke"
    assert kind("it broke").retryable


def test_a_timeout_says_which_limit_and_when() -> None:
    failure = AttemptTimeout("first_token", 2.0, endpoint="eu-1")

    assert str(failure) == "eu-1: first_token limit passed after 2.000 s"
    assert (failure.limit, failure.after_s, failure.same, failure.elsewhere) == ("first_token", 2.0, False, True)


def test_a_rate_limit_keeps_what_the_vendor_asked_for() -> None:
    assert RateLimited("slow down", retry_after_s=7.5).retry_after_s == 7.5
    assert RateLimited("slow down").retry_after_s is None


def test_an_interruption_says_how_much_had_been_delivered() -> None:
    failure = StreamInterrupted("the answer broke off", delivered=12, endpoint="eu-1")

    assert str(failure) == "eu-1: the answer broke off (12 characters had been delivered)"
    assert failure.usage is None


def test_when_every_model_failed_each_is_told_with_its_reason() -> None:
    failure = EveryModelFailed([("best", ProviderError("down")), ("fast", RateLimited("slow down"))])

    assert str(failure) == "no model answered (best: down; fast: slow down)"
    assert [model for model, _ in failure.failures] == ["best", "fast"]
    assert str(EveryModelFailed([])) == "no model answered (the route has no model left to try)"


def test_an_error_that_never_met_a_router_has_no_story() -> None:
    assert CallError("alone").attempts == CallError("alone").decisions == ()


def test_giving_up_on_one_failure_does_not_touch_the_next() -> None:
    first, second = ProviderError("down"), ProviderError("down")

    first.retryable = False

    assert second.retryable


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CorruptStatistics("cut short", file="a.hlog", line=7), "a.hlog, line 7: cut short"),
        (CorruptStatistics("cut short", file="a.hlog"), "a.hlog: cut short"),
        (CorruptStatistics("cut short"), "cut short"),
    ],
)
def test_bad_statistics_are_told_with_their_place(error: CorruptStatistics, message: str) -> None:
    again = copy.copy(error)

    assert str(error) == str(again) == message
    assert (error.file, error.line) == (again.file, again.line)


def sent(error: CallError) -> CallError:
    """The error, as another process receives it."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301  it is our own


def told(error: CallError) -> dict[str, str]:
    return {name: str(value) for name, value in vars(error).items() if value is not None}


@pytest.mark.parametrize(
    "error",
    [
        AttemptTimeout("gap", 1.5, endpoint="a"),
        StreamInterrupted("broke off", delivered=4, usage=Usage(output_tokens=1), endpoint="a"),
        RateLimited("slow down", endpoint="a", retry_after_s=3.0),
        EveryModelFailed([("m", ProviderError("down"))]),
        DeadlineExceeded("late", delivered=2),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("again", [copy.copy, sent])
def test_an_error_can_be_copied_and_sent(error: CallError, again: Callable[[CallError], CallError]) -> None:
    other = again(error)

    assert (type(other), str(other)) == (type(error), str(error))
    assert told(other) == told(error)
