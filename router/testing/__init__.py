"""What a policy's author tests with: virtual time, providers that follow a script, traffic to simulate.

from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock

def test_it() -> None:
    async def main() -> None:
        slow = Scripted(answers(3600.0))
        async with Router([endpoint("slow", slow)], policies=[MyPolicy()], clock=virtual_clock) as router:
            await router.complete(Request(messages="hello", model="m", budget_s=7200.0))
    run(main)  # an hour, in a millisecond
"""

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
from .simulator import Arrival, Result, play, poisson, quantile
from .sweep import cancel_everywhere

__all__ = [
    "SILENT",
    "Arrival",
    "Cut",
    "Deadlock",
    "End",
    "Fail",
    "Resist",
    "Result",
    "Say",
    "Script",
    "Scripted",
    "Silence",
    "Step",
    "VirtualLoop",
    "answers",
    "cancel_everywhere",
    "endpoint",
    "fails",
    "play",
    "poisson",
    "quantile",
    "run",
    "virtual_clock",
]
