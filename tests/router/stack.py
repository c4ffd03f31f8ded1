"""What several of these tests set up alike: the whole stack of policies, a question, and an ear for the answer."""

import random

from tenacity import stop_after_attempt

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, Slots
from paceline.router import Chunk, Endpoint, Policy, Request, Route, Router
from paceline.router.testing import virtual_clock

SEED = 7


class Ear:
    """The caller's `emit`: keeps what it heard."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []

    async def __call__(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)


def ask(words: str = "hello", *, budget_s: float | None = None, stream: bool = True) -> Request:
    """A question to the model ``m`` of `endpoint`, or to the only route there is."""
    return Request(messages=words, model="m", budget_s=budget_s, stream=stream)


def full_stack(*, start_within_s: float = 2.0, tries: int = 3, max_wait_s: float = 2.0) -> list[Policy]:
    return [
        Fallback(start_within_s=start_within_s),
        Retry(stop=stop_after_attempt(tries)),
        Regions(),
        LatencyBudget(),
        Slots(max_wait_s=max_wait_s),
    ]


def routed(*endpoints: Endpoint, routes: tuple[Route, ...] = (), policies: list[Policy] | None = None) -> Router:
    """A router in virtual time, with seeded dice; without a policy unless given some."""
    return Router(endpoints, routes, policies or [], clock=virtual_clock, dice=random.Random(SEED))


def nothing_is_held(router: Router) -> bool:
    """No live lease, no slot in use and no live waiter at any endpoint."""
    return all(target.in_flight == target.slots.used == target.slots.waiting == 0 for target in router.fleet)
