"""`SlotPool` under chance, held against a model that is a sorted list.

Whatever the sequence of arrivals, releases, cancellations, limits and time: the same calls are granted in the same
order, no grant exceeds the limit, and at no instant is there room and somebody waiting for it.
"""

import asyncio
from typing import TypeAlias

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paceline.router import Lease, SlotPool
from paceline.router.testing import run, virtual_clock

from .test_slots import turn


@attrs.frozen
class Arrive:
    rank: int
    patience_s: float


@attrs.frozen
class Release:
    which: int


@attrs.frozen
class Cancel:
    which: int


@attrs.frozen
class SetLimit:
    limit: int | None


@attrs.frozen
class Pass:
    for_s: float


Step: TypeAlias = Arrive | Release | Cancel | SetLimit | Pass

QUARTERS = st.integers(0, 8).map(lambda quarters: quarters / 4)
STEPS = st.lists(
    st.one_of(
        st.builds(Arrive, st.integers(0, 2), QUARTERS),
        st.builds(Arrive, st.just(0), st.just(8.0)),
        st.builds(Release, st.integers(0, 9)),
        st.builds(Cancel, st.integers(0, 9)),
        st.builds(SetLimit, st.none() | st.integers(1, 4)),
        st.builds(Pass, QUARTERS),
    ),
    max_size=40,
)
QUEUE = 6


class Model:
    """What a pool must do, in the plainest words."""

    def __init__(self, limit: int) -> None:
        self.limit: int | None = limit
        self.running: list[int] = []
        self.queue: list[tuple[int, int, float]] = []  # rank, name, deadline; sorted, so this is the order of grants
        self.log: list[tuple[int, bool]] = []

    def _room(self) -> bool:
        return self.limit is None or len(self.running) < self.limit

    def arrive(self, name: int, rank: int, deadline_s: float, now_s: float) -> None:
        if self._room() and not self.queue:
            self._end(name, granted=True)
        elif len(self.queue) == QUEUE or deadline_s <= now_s:
            self._end(name, granted=False)
        else:
            self.queue = sorted([*self.queue, (rank, name, deadline_s)])

    def expire(self, now_s: float) -> None:
        for _, name, _ in sorted((w for w in self.queue if w[2] <= now_s), key=lambda w: w[2]):
            self._end(name, granted=False)
        self.queue = [waiter for waiter in self.queue if waiter[2] > now_s]

    def let_in(self) -> None:
        while self._room() and self.queue:
            self._end(self.queue.pop(0)[1], granted=True)

    def _end(self, name: int, *, granted: bool) -> None:
        self.log.append((name, granted))
        if granted:
            self.running.append(name)


class Bench:
    """One pool and one model, taken through the same steps."""

    def __init__(self) -> None:
        self.pool = SlotPool(2, QUEUE, virtual_clock)
        self.model = Model(2)
        self.leases: dict[int, Lease] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.log: list[tuple[int, bool]] = []

    async def _call(self, name: int, rank: int, deadline_s: float) -> None:
        lease = await self.pool.acquire(deadline_s, rank)
        self.log.append((name, lease is not None))
        if lease is not None:
            self.leases[name] = lease

    async def take(self, step: Step) -> None:
        pool, model = self.pool, self.model
        if isinstance(step, Arrive):
            name, until_s = len(self.tasks), virtual_clock() + step.patience_s
            self.tasks[name] = asyncio.create_task(self._call(name, step.rank, until_s))
            model.arrive(name, step.rank, until_s, virtual_clock())
        elif isinstance(step, Release) and model.running:
            name = model.running.pop(step.which % len(model.running))
            self.leases.pop(name).release()
            model.let_in()
        elif isinstance(step, Cancel) and model.queue:
            _, name, _ = model.queue.pop(step.which % len(model.queue))
            self.tasks[name].cancel()
        elif isinstance(step, SetLimit):
            pool.set_limit(step.limit)
            model.limit = step.limit
            model.let_in()
        elif isinstance(step, Pass):
            await asyncio.sleep(step.for_s)
            model.expire(virtual_clock())
        await turn()

    def agree(self, before: int) -> None:
        pool, model = self.pool, self.model
        assert sorted(self.log) == sorted(model.log)
        assert [name for name, granted in self.log if granted] == [name for name, granted in model.log if granted]
        assert (pool.in_flight, pool.waiting) == (len(model.running), len(model.queue))
        assert pool.in_flight == len(self.leases)
        if pool.limit is not None:
            assert pool.in_flight <= max(pool.limit, before)
            assert not (pool.waiting and pool.in_flight < pool.limit)


@settings(max_examples=300)
@example([Arrive(0, 8.0), Arrive(0, 8.0), Arrive(1, 8.0), Arrive(0, 8.0), Release(0), Cancel(0), SetLimit(3)])
@given(STEPS)
def test_a_pool_does_what_a_sorted_list_would(steps: list[Step]) -> None:
    async def main() -> None:
        bench = Bench()
        for step in steps:
            before = bench.pool.in_flight
            await bench.take(step)
            bench.agree(before)
        for task in bench.tasks.values():
            task.cancel()
        for lease in bench.leases.values():
            lease.release()
        await asyncio.gather(*bench.tasks.values(), return_exceptions=True)
        assert bench.pool.waiting == 0

    run(main)
