"""`Endpoint` and what belongs to it: its profile, its limits and the prior made of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Endpoint, Limits, Prior, Profile, Secret
from paceline.router.errors import ConfigurationError
from paceline.router.profile import TYPICAL_P95_OVER_P50
from paceline.router.testing import Scripted, endpoint

PROVIDER = Scripted(name="openai")


class Picky(Scripted):
    """A provider that needs a URL."""

    def check(self, endpoint: Endpoint) -> None:
        if endpoint.url is None:
            raise ConfigurationError(f"Endpoint {endpoint.name!r}: url is missing: give the base URL")


def test_only_a_name_a_provider_and_a_model_are_needed() -> None:
    made = Endpoint(name="a", provider=PROVIDER, model="m")

    assert (made.region, made.slots, made.queue, made.deployment) == ("global", None, 64, "m")
    assert made.limits == Limits(first_token_s=30.0, gap_s=30.0, total_s=None)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "Endpoint: name must be a non-empty string"),
        ("name", "  ", "Endpoint: name must be a non-empty string"),
        ("model", "", "Endpoint 'a': model must be a non-empty string"),
        ("region", "", "Endpoint 'a': region must be a non-empty string"),
        ("url", "", "Endpoint 'a': url must be a non-empty string"),
        ("provider", None, "Endpoint 'a': provider must be Provider, not NoneType"),
        ("provider", "openai", "Endpoint 'a': provider must be Provider, not str"),
        ("slots", 0, "Endpoint 'a': slots must be a whole number of at least 1, not 0"),
        ("slots", 1.5, "slots must be a whole number"),
        ("slots", True, "slots must be a whole number"),
        ("queue", -1, "Endpoint 'a': queue must be a whole number of at least 0"),
        ("quality", -1, "Endpoint 'a': quality must be a whole number of at least 0"),
        ("price_in_per_m", -0.1, "Endpoint 'a': price_in_per_m must be a number of at least 0"),
        ("price_out_per_m", "free", "Endpoint 'a': price_out_per_m must be a number of at least 0"),
        ("profile", 0.5, "Endpoint 'a': profile must be Profile, not float"),
        ("limits", None, "Endpoint 'a': limits must be Limits, not NoneType"),
        ("api_key", "", "a secret is empty"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(field: str, value: object, says: str) -> None:
    fields: dict[str, object] = {"name": "a", "provider": PROVIDER, "model": "m", field: value}

    with pytest.raises(ConfigurationError, match=says):
        Endpoint(**fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_an_endpoint_without_a_provider_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="provider"):
        Endpoint(name="a", model="m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_providers_class_in_place_of_an_object_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="provider"):
        Endpoint(name="a", provider=Scripted, model="m")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_provider_refuses_what_it_could_not_call() -> None:
    with pytest.raises(ConfigurationError, match="url is missing"):
        Endpoint(name="a", provider=Picky(), model="m")


def test_neither_key_nor_headers_are_shown() -> None:
    made = endpoint("a", PROVIDER, api_key="sk-hidden", headers={"X-Team": "sk-too"}, url="https://api.example.org")

    for shown in (repr(made), str(made)):
        assert "sk-" not in shown
        assert "openai" in shown
        assert "https://api.example.org" in shown


def test_a_key_is_kept_as_a_secret_however_it_is_given() -> None:
    assert endpoint("a", PROVIDER, api_key="sk-1").api_key == endpoint("b", PROVIDER, api_key=Secret("sk-1")).api_key


@pytest.mark.parametrize("field", ["first_token_s", "gap_s", "total_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_limit_is_a_time_or_none(field: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"Limits: {field} must be a number above 0"):
        Limits(**{field: value})

    assert getattr(Limits(**{field: None}), field) is None


@pytest.mark.parametrize("field", ["ttft_s", "ttft_p95_s", "tokens_per_s", "total_p95_s"])
def test_a_profile_is_made_of_numbers_above_zero(field: str) -> None:
    fields = {"ttft_s": 0.5, field: 0.0}

    with pytest.raises(ConfigurationError, match=f"Profile: {field} must be a number above 0"):
        Profile(**fields)


def test_a_profile_whose_p95_is_below_its_median_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"ttft_p95_s \(0.25\) must be at least the median, ttft_s \(0.5\)"):
        Profile(ttft_s=0.5, ttft_p95_s=0.25)


def test_a_profile_of_a_median_alone_spreads_as_real_endpoints_do() -> None:
    assert Profile(ttft_s=0.5).ttft_p95_s == 0.5 * TYPICAL_P95_OVER_P50


def test_a_prior_goes_through_its_median_and_its_p95() -> None:
    prior = Prior(0.5, 2.0)

    assert prior.quantile(0.5) == pytest.approx(0.5)
    assert prior.quantile(0.95) == pytest.approx(2.0)
    assert prior.within(0.5) == pytest.approx(0.5)
    assert prior.within(2.0) == pytest.approx(0.95)


@given(st.floats(0.01, 0.99), st.floats(0.01, 10.0), st.floats(1.01, 20.0))
def test_a_priors_chance_is_its_quantile_the_other_way_round(q: float, median_s: float, spread: float) -> None:
    prior = Prior(median_s, median_s * spread)

    assert prior.within(prior.quantile(q)) == pytest.approx(q)


@pytest.mark.parametrize(("t_s", "p"), [(-1.0, 0.0), (0.0, 0.0), (0.25, 0.0), (0.5, 1.0), (1.0, 1.0)])
def test_a_prior_without_spread_is_a_step(t_s: float, p: float) -> None:
    prior = Prior(0.5, 0.5)

    assert prior.within(t_s) == p
    assert prior.quantile(0.01) == prior.quantile(0.99) == 0.5
