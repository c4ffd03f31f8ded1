"""Two that know what nobody can. What is left between them and a policy is what there was to be won.

Both choose for one call at a time, what is best for it: an answer within the objective if there is one to be had, and
of those the first token that comes first. Neither hedges; after a failure they choose again, like everybody.

`Distributions` knows of every endpoint, at this instant, how fast it is, how loaded, how ill and how long its queue is;
not what chance has in store for this call, nor how long its answer will be. It is the best that a policy could learn to
be without hedging. `Hindsight` knows the chance as well: the limit.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from .fate import Fate, reading_s
from .rules import Blind
from .traffic import Planned
from .world import World

TTFT_OBJECTIVE_S = 1.5
TOTAL_OBJECTIVE_S = 15.0
MEAN_ANSWER_TOKENS = 211
"""Of the trace."""

BUDGET_S = 60.0
"""What a call may take at all; one that takes longer has failed."""

GRID = [(step + 0.5) / 50.0 for step in range(50)]


class Hindsight(Blind):
    """The endpoint at which this call fares best, every chance known."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del dice

        def rank(name: str) -> tuple[bool, bool, float]:
            meets = self._world.meeting(call, name, now_s)
            arrived_s = now_s - call.at_s
            if meets.fails_in_s is not None:
                return True, True, meets.fails_in_s
            if arrived_s + meets.total_s >= BUDGET_S:
                return True, True, BUDGET_S
            is_late = arrived_s + meets.ttft_s > TTFT_OBJECTIVE_S or arrived_s + meets.total_s > TOTAL_OBJECTIVE_S
            return False, is_late, meets.ttft_s

        return min(names, key=rank)


class Distributions(Blind):
    """The endpoint with the least expected time to first token, of those expected to end in time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        known = world.known
        self._means = {
            name: (
                statistics.fmean(known.ttft_s[server.site.provider].at(share) for share in GRID),
                statistics.fmean(known.tpot_s[server.site.provider].at(share) for share in GRID),
            )
            for name, server in world.servers.items()
        }

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del dice
        expected = {name: self._expected(name, call, now_s) for name in names}
        soonest_s = min(ttft_s for ttft_s, _ in expected.values())

        def rank(name: str) -> tuple[bool, float]:
            failing, after_s = self._world.chance_of_failing(name, now_s)
            ttft_s, total_s = expected[name]
            again_s = after_s + (soonest_s if failing < 1.0 else BUDGET_S)
            return total_s > TOTAL_OBJECTIVE_S, (1.0 - failing) * ttft_s + failing * again_s

        return min(names, key=rank)

    def _expected(self, name: str, call: Planned, now_s: float) -> tuple[float, float]:
        world, server = self._world, self._world.servers[name]
        ttft_s, tpot_s = self._means[name]
        reading = reading_s(world.known.ttft_s[server.site.provider], call.prompt_tokens)
        mean = Fate(first_s=ttft_s + reading, straggles_s=0.0, per_token_s=tpot_s, luck=1.0)
        wait_s = server.seat_in_s(now_s)
        level = world.fates.level(name, now_s + wait_s)
        service = server.service(mean, MEAN_ANSWER_TOKENS, level, now_s + wait_s, server.serving_then())
        return wait_s + service.first_s, wait_s + service.total_s
