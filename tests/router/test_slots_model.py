"""`SlotPool` under chance, held against a model that is a sorted list.

Whatever the sequence of arrivals, releases, cancellations, limits and time, and however many slots a call needs: the
same calls are granted in the same order, no grant exceeds the limit, and at no instant is there room for the head of
the queue.
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
    slots: int = 1


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
        st.builds(Arrive, st.integers(0, 2), st.just(8.0), st.integers(1, 5)),
        st.builds(Release, st.integers(0, 9)),
        st.builds(Cancel, st.integers(0, 9)),
        st.builds(SetLimit, st.none() | st.integers(1, 4)),
        st.builds(Pass, QUARTERS),
    ),
    max_size=40,
)
QUEUE = 6


@attrs.frozen(order=True)
class Queued:
    """One who waits. Its order is that of the grants."""

    rank: int
    deadline_s: float
    name: int
    slots: int


class Model:
    """What a pool must do, in the plainest words."""

    def __init__(self, limit: int) -> None:
        self.limit: int | None = limit
        self.running: dict[int, int] = {}
        self.queue: list[Queued] = []
        self.log: list[tuple[int, bool]] = []

    @property
    def used(self) -> int:
        return sum(self.running.values())

    def _taken_by(self, slots: int) -> int:
        return slots if self.limit is None else min(slots, self.limit)

    def fits(self, slots: int) -> bool:
        return self.limit is None or self.used + self._taken_by(slots) <= self.limit

    def arrive(self, arriving: Queued, now_s: float) -> None:
        if self.fits(arriving.slots) and not self.queue:
            self._grant(arriving)
            return
        if arriving.deadline_s <= now_s:
            self.log.append((arriving.name, False))
            return
        if len(self.queue) == QUEUE:
            last = self.queue[-1]
            sent_away = last if last.rank > arriving.rank else arriving
            self.log.append((sent_away.name, False))
            if sent_away is arriving:
                return
            self.queue.remove(last)
        self.queue = sorted([*self.queue, arriving])
        self.let_in()

    def expire(self, now_s: float) -> None:
        for instant_s in sorted({waiter.deadline_s for waiter in self.queue if waiter.deadline_s <= now_s}):
            self.log += [(waiter.name, False) for waiter in self.queue if waiter.deadline_s == instant_s]
            self.queue = [waiter for waiter in self.queue if waiter.deadline_s != instant_s]
            self.let_in()

    def let_in(self) -> None:
        while self.queue and self.fits(self.queue[0].slots):
            self._grant(self.queue.pop(0))

    def _grant(self, waiter: Queued) -> None:
        self.log.append((waiter.name, True))
        self.running[waiter.name] = self._taken_by(waiter.slots)


class Bench:
    """One pool and one model, taken through the same steps."""

    def __init__(self) -> None:
        self.pool = SlotPool(2, QUEUE, virtual_clock)
        self.model = Model(2)
        self.leases: dict[int, Lease] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.log: list[tuple[int, bool]] = []

    async def _call(self, arriving: Queued) -> None:
        lease = await self.pool.acquire(arriving.deadline_s, arriving.rank, arriving.slots)
        self.log.append((arriving.name, isinstance(lease, Lease)))
        if isinstance(lease, Lease):
            self.leases[arriving.name] = lease

    async def take(self, step: Step) -> None:
        pool, model = self.pool, self.model
        if isinstance(step, Arrive):
            now_s = virtual_clock()
            arriving = Queued(step.rank, now_s + step.patience_s, len(self.tasks), step.slots)
            self.tasks[arriving.name] = asyncio.create_task(self._call(arriving))
            model.arrive(arriving, now_s)
        elif isinstance(step, Release) and model.running:
            name = list(model.running)[step.which % len(model.running)]
            del model.running[name]
            self.leases.pop(name).release()
            model.let_in()
        elif isinstance(step, Cancel) and model.queue:
            gone = model.queue.pop(step.which % len(model.queue))
            self.tasks[gone.name].cancel()
            model.let_in()
        elif isinstance(step, SetLimit):
            pool.set_limit(step.limit)
            model.limit = step.limit
            model.let_in()
        elif isinstance(step, Pass):
            await asyncio.sleep(step.for_s)
            model.expire(virtual_clock())
        await turn()

    def agree(self, used_before: int) -> None:
        pool, model = self.pool, self.model
        assert sorted(self.log) == sorted(model.log)
        assert [name for name, granted in self.log if granted] == [name for name, granted in model.log if granted]
        assert (pool.in_flight, pool.waiting) == (len(model.running), len(model.queue))
        assert pool.used == sum(lease.slots for lease in self.leases.values()) == model.used
        if pool.limit is not None:
            assert pool.used <= max(pool.limit, used_before)
            assert not (model.queue and model.fits(model.queue[0].slots))
        assert pool.queue_delay_s(1.0) == self._delay_s()

    def _delay_s(self) -> float:
        limit, waiting = self.model.limit, sum(waiter.slots for waiter in self.model.queue)
        return 0.0 if limit is None else max(0, self.model.used + waiting + 1 - limit) / limit


BIG_HEAD = [Arrive(0, 8.0), Arrive(0, 8.0, 3), Arrive(0, 8.0), Cancel(0), Release(0)]
PUSHED_OUT = [*[Arrive(0, 8.0)] * 2, *[Arrive(2, 8.0)] * QUEUE, Arrive(1, 8.0), Release(0)]


@settings(max_examples=400)
@example(BIG_HEAD)
@example(PUSHED_OUT)
@example([Arrive(0, 8.0), Arrive(0, 8.0), Arrive(1, 8.0), Arrive(0, 8.0), Release(0), Cancel(0), SetLimit(3)])
@given(STEPS)
def test_a_pool_does_what_a_sorted_list_would(steps: list[Step]) -> None:
    async def main() -> None:
        bench = Bench()
        for step in steps:
            before = bench.pool.used
            await bench.take(step)
            bench.agree(before)
        for task in bench.tasks.values():
            task.cancel()
        for lease in bench.leases.values():
            lease.release()
        await asyncio.gather(*bench.tasks.values(), return_exceptions=True)
        assert (bench.pool.waiting, bench.pool.used) == (0, 0)

    run(main)
