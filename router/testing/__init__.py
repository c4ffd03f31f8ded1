"""What a policy's author tests with: virtual time, scripted providers, simulated traffic, and what must always hold.

    from paceline.router.testing import Scripted, answers, assert_policy_sound, endpoint, run, virtual_clock

    def test_it_is_sound() -> None:
        assert_policy_sound(MyPolicy)

    def test_it() -> None:
        async def main() -> None:
            slow = Scripted(answers(3600.0))
            async with Router([endpoint("a", slow)], policies=[MyPolicy()], clock=virtual_clock) as router:
                await router.complete(Request(messages="hello", model="m", budget_s=7200.0))
        run(main)  # an hour, in a millisecond

Virtual time: `run`, `virtual_clock`. Providers that do as a script says: `Scripted`, `endpoint`, `answers`, `fails`.
Endpoints and traffic as they are in life: `simulated_fleet`, `Behaviour`, `Incident`; `Steady`, `Steps`, `Daily`,
`FlashCrowd`, `Replay`; `simulate`, or `play` for a router of your own. What must hold whatever happens:
`assert_policy_sound`; `cancel_everywhere` for any coroutine; `assert_nothing_held`. The way through it is
docs/write-a-policy.md.
"""

from ..simulation import (
    Arrival,
    Behaviour,
    Daily,
    FlashCrowd,
    Incident,
    Load,
    Replay,
    Simulated,
    Steady,
    Steps,
    arrivals,
    poisson,
)
from .held import assert_nothing_held
from .loop import Deadlock, VirtualLoop, run, virtual_clock
from .scripted import (
    SILENT,
    Cut,
    End,
    Fail,
    Resist,
    Say,
    Script,
    Scripted,
    Silence,
    Step,
    answers,
    endpoint,
    fails,
)
from .simulator import Result, play, quantile, simulate, simulated_fleet
from .soundness import SCENES, Breach, Invariant, Place, Scene, Unsound, assert_policy_sound
from .sweep import cancel_everywhere

__all__ = [
    "SCENES",
    "SILENT",
    "Arrival",
    "Behaviour",
    "Breach",
    "Cut",
    "Daily",
    "Deadlock",
    "End",
    "Fail",
    "FlashCrowd",
    "Incident",
    "Invariant",
    "Load",
    "Place",
    "Replay",
    "Resist",
    "Result",
    "Say",
    "Scene",
    "Script",
    "Scripted",
    "Silence",
    "Simulated",
    "Steady",
    "Step",
    "Steps",
    "Unsound",
    "VirtualLoop",
    "answers",
    "arrivals",
    "assert_nothing_held",
    "assert_policy_sound",
    "cancel_everywhere",
    "endpoint",
    "fails",
    "play",
    "poisson",
    "quantile",
    "run",
    "simulate",
    "simulated_fleet",
    "virtual_clock",
]
