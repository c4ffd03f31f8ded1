"""`Route` and `Objective`: a class of traffic and what is promised to it."""

import pytest

from paceline.router import Objective, Route
from paceline.router.errors import ConfigurationError


def test_one_model_may_be_given_as_a_string() -> None:
    assert Route(name="chat", models="m").models == ("m",)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": ""}, "Route: name must be a non-empty string"),
        ({"name": None}, "Route: name must be a non-empty string, not None"),
        ({"models": ()}, "Route 'chat': models is empty: name at least one model"),
        ({"models": ("m", "n", "m")}, "Route 'chat': models names one twice: m, n, m"),
        ({"budget_s": 0.0}, "Route 'chat': budget_s must be a number above 0, not 0.0"),
        ({"max_tokens": 0}, "Route 'chat': max_tokens must be a whole number of at least 1"),
        ({"min_quality": -1}, "Route 'chat': min_quality must be a whole number of at least 0"),
        ({"priority": "fast"}, "Route 'chat': priority must be Priority, not str"),
        ({"objective": 2.0}, "Route 'chat': objective must be Objective, not float"),
        ({"residency": ()}, "Route 'chat': residency is an empty set, which allows no region: leave it out"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(fields: dict[str, object], says: str) -> None:
    given: dict[str, object] = {"name": "chat", "models": ("m",), **fields}

    with pytest.raises(ConfigurationError, match=says):
        Route(**given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("ttft_s", 0.0, "Objective: ttft_s must be a number above 0"),
        ("total_s", -1.0, "Objective: total_s must be a number above 0"),
        ("success", 0.0, "Objective: success must be a share above 0 and up to 1"),
        ("success", 99.0, "Objective: success must be a share above 0 and up to 1"),
        ("success", "99%", "Objective: success must be a share"),
    ],
)
def test_a_promise_that_means_nothing_is_refused(field: str, value: object, says: str) -> None:
    fields: dict[str, object] = {field: value}

    with pytest.raises(ConfigurationError, match=says):
        Objective(**fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("objective", "ttft_s", "total_s", "met"),
    [
        (Objective(), None, 1e9, True),
        (Objective(ttft_s=0.5), 0.5, 100.0, True),
        (Objective(ttft_s=0.5), 0.625, 1.0, False),
        (Objective(ttft_s=0.5), None, 0.1, False),
        (Objective(total_s=2.0), None, 2.0, True),
        (Objective(total_s=2.0), 0.1, 2.125, False),
        (Objective(ttft_s=0.5, total_s=2.0), 0.25, 2.125, False),
        (Objective(ttft_s=0.5, total_s=2.0), 0.25, 2.0, True),
    ],
)
def test_a_promise_is_kept_up_to_its_very_limit(
    objective: Objective, ttft_s: float | None, total_s: float, met: object
) -> None:
    assert objective.met_by(ttft_s, total_s) is met
