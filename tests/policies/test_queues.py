"""Where a call may wait, and for how long it must expect to."""

from paceline.policies.queues import wait_s
from paceline.router import Request, Router
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock


def test_the_wait_for_a_slot_is_the_work_ahead_less_half_a_turn_and_none_while_there_is_room() -> None:
    async def main() -> tuple[float, float]:
        async with Router([endpoint("a", Scripted(answers(1.0)), slots=2)], clock=virtual_clock) as router:
            target, call = router.fleet["a"], router.admit(Request(messages="hi", model="m"), streamed=False)
            free = wait_s(target, call, virtual_clock())
            with target.slots.acquire_over_limit(), target.slots.acquire_over_limit():
                return free, wait_s(target, call, virtual_clock())

    # Nothing is known of its answers, so they are taken to last a second: two are under way, half done on average,
    # so one of them ends after half a second, less a quarter.
    assert run(main) == (0.0, 0.25)
