"""Stacks by name, and policies one by one."""

from __future__ import annotations

import pytest

from paceline.policies import (
    Admission,
    DecorrelatedJitter,
    Fallback,
    LatencyBudget,
    PeakEwma,
    Prefer,
    Regions,
    Retry,
    Slots,
    stacks,
)

from .texts import PLAIN, read, refused


def policies(written: str) -> list[object]:
    """Of a file that ends with these lines; what stands before any table goes to its top."""
    text = f"{written}\n{PLAIN}" if written.startswith("policies") else f"{PLAIN}\n{written}"
    return list(read(text).policies)


@pytest.mark.parametrize("name", ["interactive", "batch", "minimal"])
def test_a_stack_is_had_by_its_name(name: str) -> None:
    made = getattr(stacks, name)()

    assert repr(policies(f'[policies]\nstack = "{name}"')) == repr(made) or name != "minimal"
    assert [type(policy) for policy in policies(f'policies = "{name}"')] == [type(policy) for policy in made]


def test_a_stack_takes_its_options_as_a_person_types_them() -> None:
    found = policies(
        """
        [policies]
        stack = "interactive"
        here = "us-east"
        start_within_ms = 900
        rtt_ms = { us-east = { eu-west = 90, us-west = 60 } }
        """
    )

    assert found[0] == Fallback(start_within_s=0.9)
    regions = next(policy for policy in found if isinstance(policy, Regions))
    rtt_s = {("us-east", "eu-west"): 0.09, ("us-east", "us-west"): 0.06}
    assert regions == Regions(here="us-east", rtt_s=rtt_s)


LISTED = [
    LatencyBudget(prefer=Prefer.CHEAPEST, explore_after_s=None),
    Slots(balancer=PeakEwma(), max_wait_s=0.5),
]


@pytest.mark.parametrize(
    "written",
    [
        """
        [[policies]]
        kind = "latency-budget"
        prefer = "cheapest"
        explore_after_s = false
        [[policies]]
        kind = "slots"
        balancer = "peak-ewma"
        max_wait_ms = 500
        """,
        """policies = [
            { kind = "latency-budget", prefer = "cheapest", explore_after_s = false },
            { kind = "slots", balancer = { kind = "peak-ewma" }, max_wait_s = 0.5 },
        ]""",
        """
        [policies]
        stack = [
            { kind = "latency-budget", prefer = "cheapest", explore_after_s = false },
            { kind = "slots", balancer = "peak-ewma", max_wait_ms = 500 },
        ]
        """,
    ],
)
def test_a_list_of_policies_is_a_stack(written: str) -> None:
    assert repr(policies(written)) == repr(LISTED)


def test_a_policy_without_options_is_its_name() -> None:
    assert [type(policy) for policy in policies('policies = ["admission", "paceline/retry"]')] == [Admission, Retry]


def test_parts_within_parts_have_their_options_in_a_persons_units_too() -> None:
    (found,) = policies(
        'policies = [{ kind = "retry", stop = { kind = "after-tries", tries = 2 }, '
        'wait = { kind = "decorrelated-jitter", base_ms = 100 } }]'
    )

    assert isinstance(found, Retry)
    assert repr(DecorrelatedJitter(base_s=0.1)) in repr(found)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            '[policies]\nstack = "interactiv"',
            "policies.stack: no stack is named 'interactiv': did you mean interactive?",
        ),
        ("[policies]\nhere = 'a'", "policies: stack is missing: the name of one, of paceline"),
        ("[policies]\nstack = 7", "policies.stack: kind must be the name of a stack, not 7"),
        ('[policies]\nstack = "batch"\nwhere = "a"', "policies.where: there is no such key: did you mean here?"),
        ('[policies]\nstack = "interactive"\nrtt_ms = 7', "policies.rtt_ms: must be a table, not 0.007"),
        ('[policies]\nstack = "interactive"\nstart_within_ms = 0', "policies: Fallback: start_within_s must be"),
        ('[policies]\nstack = ["retry"]\nhere = "a"', "policies.here: is an option of no stack"),
        ("policies = 7", "policies.stack: kind must be the name of a stack, not 7"),
        ('policies = ["slot"]', "policies[1] \"slot\": no policy is named 'slot': did you mean slots?"),
        ("policies = [7]", "policies[1]: kind must be the name of a policy, not 7"),
        ('policies = [{ kind = "retry", tries = 2 }]', 'policies[1] "retry".tries: there is no such key'),
        ('policies = [{ kind = "slots", max_wait_s = -1 }]', "max_wait_s: must be a number of at least 0, not -1"),
        ('policies = [{ kind = "slots", balancer = "aimd" }]', 'policies[1] "slots".balancer: must be a '),
        ('policies = ["slots", "retry"]', "policies: Retry stands inside Slots and belongs outside it"),
    ],
)
def test_what_makes_no_stack_is_refused(written: str, told: str) -> None:
    text = f"{written}\n{PLAIN}" if written.startswith("policies") else f"{PLAIN}\n{written}"

    assert any(told in mistake for mistake in refused(text)), refused(text)


def test_every_policy_of_a_list_is_judged() -> None:
    told = refused(f'policies = ["slot", {{ kind = "hedge", fewest = 0 }}]\n{PLAIN}')

    assert len(told) == 2
