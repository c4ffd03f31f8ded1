"""`Catalogue`: policies, stacks and parts by name, from whichever package offers them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from typing import Protocol

import pytest

from paceline.policies import (
    Breaker,
    DecorrelatedJitter,
    Fallback,
    FullJitter,
    Hedge,
    LatencyBudget,
    PeakEwma,
    Prefer,
    Regions,
    Retry,
    RoundRobin,
    Slots,
    Weighted,
    stacks,
)
from paceline.router import Aimd, Endpoint
from paceline.router.errors import (
    AmbiguousPlugin,
    BrokenPlugin,
    ConfigurationError,
    NotAPolicy,
    PluginError,
    RateLimited,
    UnknownPlugin,
)
from paceline.router.plugins import PARTS, POLICIES, STACKS, Catalogue, build
from paceline.router.testing import Scripted

from .installing import Install

VERSION = version("paceline")

POLITE = """
    import attrs

    @attrs.frozen(kw_only=True)
    class Polite:
        share: float = 0.5

        async def __call__(self, call, emit, next, /):
            await next(call, emit)

    async def plain(call, emit, next, /):
        await next(call, emit)

    def made(share: float):
        return Polite(share=share)

    class NoPolicy:
        pass

    class NotAsync:
        def __call__(self, call, emit, next, /):
            return next(call, emit)

    def makes_nothing():
        return 5

    def makes_no_list():
        return Polite()

    def makes_a_list():
        return [Polite(), plain]

    def makes_a_bad_list():
        return [Polite(), 5]

    number = 5
"""


class Unaskable(Protocol):
    def choose(self) -> None: ...


@pytest.fixture
def polite(install: Install) -> Catalogue:
    """A catalogue to which a package of somebody else's has added a few things, most of them broken."""
    offers = {
        POLICIES: {
            "polite": "acme_polite:Polite",
            "plain": "acme_polite:plain",
            "made": "acme_polite:made",
            "no-policy": "acme_polite:NoPolicy",
            "not-async": "acme_polite:NotAsync",
            "makes-nothing": "acme_polite:makes_nothing",
            "number": "acme_polite:number",
            "nowhere": "acme_polite:Nowhere",
            "no-module": "acme_nowhere:Polite",
        },
        STACKS: {
            "both": "acme_polite:makes_a_list",
            "no-list": "acme_polite:makes_no_list",
            "bad-list": "acme_polite:makes_a_bad_list",
        },
    }
    install("acme-polite", offers, POLITE)
    return Catalogue.installed()


# -- what is there


def test_it_lists_what_is_installed_with_its_package_and_version(polite: Catalogue) -> None:
    listed = {plugin.name: (plugin.package, plugin.version, plugin.group) for plugin in polite.policies}

    assert listed["slots"][0] == "paceline"
    assert listed["polite"] == ("acme-polite", "1.2", POLICIES)
    assert len(polite.policies) == len(listed)


def test_nothing_of_a_package_is_imported_before_it_is_asked_for(polite: Catalogue) -> None:
    assert str(polite.policies.find("polite")) == "'polite' of acme-polite 1.2"
    assert "acme_polite" not in sys.modules

    polite.policy("polite")

    assert "acme_polite" in sys.modules


def test_the_router_imports_none_of_this() -> None:
    heavy = "{'paceline.router.plugins', 'paceline.router.testing', 'paceline.router.simulation', 'importlib.metadata'}"
    program = f"import sys, paceline.router; print(sorted({heavy} & sys.modules.keys()))"

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603  our own program

    assert told.stdout.strip() == "[]"


# -- ours


def test_a_configuration_file_describes_a_stack() -> None:
    table = tomllib.loads("""
        policies = [
            "fallback",
            {kind = "retry", stop = {kind = "after-tries", tries = 5}, at_most = {rate_limited = 1}},
            {kind = "hedge", quantile = 0.9},
            {kind = "regions", here = "us", rtt_s = {us = {eu = 0.09}}, priorities = [["us", "eu"], ["asia"]]},
            "breaker",
            {kind = "latency-budget", prefer = "cheapest", explore_after_s = false},
            {kind = "slots", balancer = {kind = "weighted", weights = {a = 2}}, max_wait_s = 5},
        ]
    """)

    fallback, retry, hedge, regions, breaker, budget, slots = Catalogue.installed().stack(table["policies"])

    assert fallback == Fallback()
    assert isinstance(retry, Retry)
    assert retry.at_most == {RateLimited: 1}
    assert "max_attempt_number=5" in repr(retry)
    assert hedge == Hedge(quantile=0.9)
    assert regions == Regions(here="us", rtt_s={("us", "eu"): 0.09}, priorities=[["us", "eu"], ["asia"]])
    assert breaker == Breaker()
    assert budget == LatencyBudget(prefer=Prefer.CHEAPEST, explore_after_s=None)
    assert slots == Slots(balancer=Weighted(weights={"a": 2.0}), max_wait_s=5.0)


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ({"kind": "decorrelated-jitter", "base_s": 0.5}, "DecorrelatedJitter(base_s=0.5, cap_s=8.0)"),
        ("full-jitter", repr(FullJitter())),
        ({"kind": "full-jitter", "ceiling": "doubling"}, repr(FullJitter())),
        ({"kind": "doubling", "first_s": 1, "most_s": 20}, "FullJitter(wait_exponential(multiplier=1.0, min=0"),
        ({"kind": "steady", "every_s": 2}, "FullJitter(wait_fixed(wait_fixed=2.0))"),
    ],
)
def test_a_jitter_or_a_ceiling_of_one_can_be_named(given: str | dict[str, object], wait: str) -> None:
    policy = Catalogue.installed().policy({"kind": "retry", "wait": given})

    assert isinstance(policy, Retry)
    assert repr(policy.wait).startswith(wait)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"kind": "after-time", "time_s": 20}, "stop_before_delay"),
        ({"kind": "after-tries", "tries": 1}, "stop_after_attempt"),
    ],
)
def test_tries_can_be_stopped_by_number_and_by_time(part: dict[str, object], told: str) -> None:
    policy = Catalogue.installed().policy({"kind": "retry", "stop": part})

    assert isinstance(policy, Retry)
    assert told in repr(policy)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"kind": "after-tries", "tries": 0}, "after_tries: tries must be a whole number of at least 1, not 0"),
        ({"kind": "after-time", "time_s": 0}, "after_time: time_s must be a number above 0, not 0"),
    ],
)
def test_a_patience_that_cannot_be_is_refused(part: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^Retry: stop: {told}$"):
        Catalogue.installed().policy({"kind": "retry", "stop": part})


@pytest.mark.parametrize("plugin", [*Catalogue.installed().parts], ids=lambda plugin: plugin.name)
def test_every_part_of_ours_is_there(plugin: object) -> None:
    catalogue = Catalogue.installed()

    assert callable(catalogue.parts.load(plugin))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_our_stacks_can_be_named_with_their_options() -> None:
    catalogue = Catalogue.installed()

    assert repr(catalogue.stack("minimal")) == repr(stacks.minimal())
    batch = catalogue.stack({"kind": "batch", "here": "us", "rtt_s": {"us": {"eu": 0.1}}, "max_wait_s": 60})
    assert repr(batch) == repr(stacks.batch(here="us", rtt_s={("us", "eu"): 0.1}, max_wait_s=60.0))


def test_each_object_is_made_anew() -> None:
    catalogue = Catalogue.installed()

    assert catalogue.policy("round-robin") is not catalogue.policy("round-robin")


def test_what_is_no_policy_can_be_built_from_a_table_with_parts_too() -> None:
    catalogue = Catalogue.installed()
    provider = Scripted()

    def endpoint(**table: object) -> Endpoint:
        return build(Endpoint, {"name": "a", "provider": provider, "model": "m", **table}, catalogue)

    assert endpoint(slots=5).slots == 5
    assert endpoint(slots={"kind": "aimd", "most": 64}).slots == Aimd(most=64)
    assert endpoint(limits={"first_token_s": 3, "gap_s": False}).limits.gap_s is None
    assert endpoint(profile={"ttft_s": 0.5}).profile is not None


# -- somebody else's


def test_a_policy_of_another_package_is_used_by_name(polite: Catalogue) -> None:
    assert repr(polite.policy({"kind": "polite", "share": 0.25})) == "Polite(share=0.25)"
    assert repr(polite.policy({"kind": "acme-polite/polite"})) == "Polite(share=0.5)"


def test_a_function_that_makes_a_policy_is_as_good_as_a_class(polite: Catalogue) -> None:
    assert repr(polite.policy({"kind": "made", "share": 0.25})) == "Polite(share=0.25)"


def test_a_function_that_is_a_policy_takes_no_options(polite: Catalogue) -> None:
    assert polite.stack(["plain"])[0].__name__ == "plain"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    with pytest.raises(ConfigurationError, match="plain: is a function that takes no options, but was given share"):
        polite.policy({"kind": "plain", "share": 1})


def test_a_stack_of_another_package_is_used_by_name(polite: Catalogue) -> None:
    assert len(polite.stack("both")) == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "cannot be imported from 'acme_polite:Nowhere': AttributeError"),
        ("no-module", "cannot be imported from 'acme_nowhere:Polite': ModuleNotFoundError: No module named 'acme_now"),
        ("no-policy", "is no policy: NoPolicy has no 'async def __call__"),
        ("not-async", "is no policy: NotAsync has no 'async def __call__"),
        ("makes-nothing", "makes what is no policy: 5 is not a policy"),
        ("number", "is no class and no function, but int"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_package_and_what_is_installed(
    polite: Catalogue, name: str, told: str
) -> None:
    with pytest.raises(BrokenPlugin) as caught:
        polite.policy(name)

    message = str(caught.value)
    assert message.startswith(f"the policy '{name}' of acme-polite 1.2 {told}")
    assert "Mend, upgrade or uninstall acme-polite. Installed: acme-polite 1.2: made, " in message
    assert f"; paceline {VERSION}: " in message
    assert caught.value.plugin.package == "acme-polite"


def test_a_module_that_fails_is_told_with_its_own_error(install: Install) -> None:
    install("acme-broken", {POLICIES: {"broken": "acme_broken:Broken"}}, "raise OSError('no licence')")

    with pytest.raises(BrokenPlugin, match=r"'broken' of acme-broken 1\.2 .*: OSError: no licence") as caught:
        Catalogue.installed().policy("broken")

    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no-list", "the stack 'no-list' of acme-polite 1.2 is no list of policies, but makes Polite"),
        ("bad-list", "the stack 'bad-list' of acme-polite 1.2 makes what is no policy: 5 is not a policy"),
    ],
)
def test_a_stack_that_is_none_is_told(polite: Catalogue, name: str, told: str) -> None:
    with pytest.raises(BrokenPlugin, match=f"^{told}"):
        polite.stack(name)


def test_an_unknown_name_is_told_with_what_was_meant_and_what_there_is() -> None:
    with pytest.raises(UnknownPlugin) as caught:
        Catalogue.installed().policy("Latency Budgets")

    message = str(caught.value)
    assert message.startswith("no policy is named 'Latency Budgets': did you mean latency-budget? Installed: paceline ")
    assert message.endswith("A package offers one in its entry-point group 'paceline.policies'")


def test_a_name_like_no_other_is_told_without_a_guess() -> None:
    with pytest.raises(UnknownPlugin, match=r"^no stack is named 'xyz'\. Installed: paceline .*: batch, interactive, "):
        Catalogue.installed().stack("xyz")


def test_a_name_that_two_packages_offer_has_to_be_given_with_its_package(install: Install) -> None:
    install("acme-slots", {POLICIES: {"slots": "paceline.policies:RoundRobin"}}, "")
    catalogue = Catalogue.installed()

    with pytest.raises(AmbiguousPlugin) as caught:
        catalogue.policy("slots")

    assert str(caught.value) == (
        f"the policy 'slots' is offered by acme-slots 1.2 and paceline {VERSION}: say which, as 'acme-slots/slots' or "
        "'paceline/slots', or uninstall the other"
    )
    assert isinstance(catalogue.policy("acme-slots/slots"), RoundRobin)
    assert isinstance(catalogue.policy({"kind": "paceline/slots", "balancer": "peak-ewma"}), Slots)


def test_a_part_of_another_package_is_used_by_name(install: Install) -> None:
    install("acme-peak", {PARTS: {"mine": "paceline.policies:PeakEwma"}}, "")

    policy = Catalogue.installed().policy({"kind": "slots", "balancer": "mine"})

    assert policy == Slots(balancer=PeakEwma())


def test_a_part_that_cannot_be_had_keeps_its_own_error() -> None:
    with pytest.raises(UnknownPlugin, match=r"^no part is named 'peak': did you mean peak-ewma\?"):
        Catalogue.installed().policy({"kind": "slots", "balancer": "peak"})


def test_a_part_of_another_kind_is_told() -> None:
    told = (
        r"^Retry: wait must be a Jitter or wait_base, but 'aimd' of paceline .* makes Aimd. Installed parts: paceline"
    )
    with pytest.raises(ConfigurationError, match=told):
        Catalogue.installed().policy({"kind": "retry", "wait": "aimd"})


@pytest.mark.parametrize("given", [{}, {"kind": 5}, {"name": "slots"}])
def test_a_policy_without_a_name_is_told(given: dict[str, object]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^a policy is given by its name, or by a table with its name as 'kind'"
    ):
        Catalogue.installed().stack([given])


def test_a_part_for_a_protocol_that_cannot_be_asked_is_left_to_the_validator() -> None:
    def takes(strategy: Unaskable) -> object:
        return strategy

    assert build(takes, {"strategy": "peak-ewma"}, Catalogue.installed()) == PeakEwma()


def test_they_are_all_errors_of_the_configuration() -> None:
    assert issubclass(PluginError, ConfigurationError)
    assert {kind.__base__ for kind in (UnknownPlugin, AmbiguousPlugin, BrokenPlugin)} == {PluginError}
    assert issubclass(NotAPolicy, ConfigurationError)
    assert DecorrelatedJitter.__name__ == "DecorrelatedJitter"
