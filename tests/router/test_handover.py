"""The ties of `SlotPool`: release, grant, expiry and cancellation at one instant. No slot is lost, none given twice."""

import asyncio
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from paceline.router import Lease, SlotPool
from paceline.router.testing import run, virtual_clock

from .test_slots import pool_of, turn

Grants = dict[str, Lease | None]


class Waiting:
    """Named waiters of a pool, each of which can be cancelled natively or by a scope of anyio."""

    def __init__(self, pool: SlotPool) -> None:
        self.pool = pool
        self.got: Grants = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.scopes: dict[str, anyio.CancelScope] = {}

    async def add(self, name: str, deadline_s: float = 60.0) -> None:
        async def wait() -> None:
            with anyio.CancelScope() as self.scopes[name]:
                given = await self.pool.acquire(deadline_s)
                lease = given if isinstance(given, Lease) else None
                try:
                    await anyio.lowlevel.checkpoint()  # a grant that comes with a cancellation is given back here
                except BaseException:
                    if lease is not None:
                        lease.release()
                    raise
                self.got[name] = lease

        self.tasks[name] = asyncio.create_task(wait())
        await turn()

    async def over(self) -> Grants:
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return self.got


def natively(waiting: Waiting, name: str) -> None:
    waiting.tasks[name].cancel()


def by_a_scope(waiting: Waiting, name: str) -> None:
    waiting.scopes[name].cancel()


def release_then_cancel(release: Callable[[], None], cancel: Callable[[], None]) -> None:
    release()
    cancel()


def cancel_then_release(release: Callable[[], None], cancel: Callable[[], None]) -> None:
    cancel()
    release()


both_orders = pytest.mark.parametrize("in_order", [release_then_cancel, cancel_then_release])
both_kinds = pytest.mark.parametrize("cancel", [natively, by_a_scope])
Cancel = Callable[[Waiting, str], None]
Order = Callable[[Callable[[], None], Callable[[], None]], None]


def test_between_a_release_and_the_wake_up_of_who_waits_nobody_slips_in() -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        waiting = Waiting(pool)
        await waiting.add("B")

        held.release()
        slipped_in = pool.try_acquire()

        assert slipped_in is None
        assert pool.in_flight == 1
        assert (await waiting.over())["B"] is not None

    run(main)


@both_kinds
@both_orders
def test_a_slot_granted_to_one_who_is_cancelled_goes_to_the_next_in_the_same_instant(
    in_order: Order, cancel: Cancel
) -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        waiting = Waiting(pool)
        await waiting.add("B")
        await waiting.add("C")

        in_order(held.release, lambda: cancel(waiting, "B"))
        await turn()

        assert virtual_clock() == 0.0
        assert list(waiting.got) == ["C"]
        assert waiting.got["C"] is not None
        assert (pool.in_flight, pool.waiting) == (1, 0)
        await waiting.over()

    run(main)


@both_kinds
@both_orders
def test_a_slot_granted_to_the_only_one_who_is_cancelled_is_free_again(in_order: Order, cancel: Cancel) -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        waiting = Waiting(pool)
        await waiting.add("B")

        in_order(held.release, lambda: cancel(waiting, "B"))
        await waiting.over()

        assert (pool.in_flight, pool.waiting) == (0, 0)

    run(main)


@both_kinds
def test_who_is_cancelled_while_queued_leaves_the_queue_to_the_others(cancel: Cancel) -> None:
    async def main() -> None:
        pool = pool_of(1, queue=2)
        held = pool.acquire_over_limit()
        waiting = Waiting(pool)
        for name in "BC":
            await waiting.add(name)

        cancel(waiting, "B")
        await turn()
        assert pool.waiting == 1
        await waiting.add("D")
        held.release()
        await turn()

        assert list(waiting.got) == ["C"]
        lease = waiting.got["C"]
        assert lease is not None
        lease.release()
        assert (await waiting.over())["D"] is not None

    run(main)


@both_orders
def test_at_the_instant_of_its_deadline_the_deadline_wins_and_the_slot_goes_to_the_next(in_order: Order) -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        loop = asyncio.get_running_loop()
        waiting = Waiting(pool)
        if in_order is release_then_cancel:
            loop.call_at(1.0, held.release)  # set before the waiter's own timer, so it goes off first
        await waiting.add("B", deadline_s=1.0)
        await waiting.add("C")
        if in_order is cancel_then_release:
            loop.call_at(1.0, held.release)

        await asyncio.sleep(1.0)
        await turn()

        assert virtual_clock() == 1.0
        assert waiting.got["B"] is None
        assert waiting.got["C"] is not None
        await waiting.over()

    run(main)


def test_who_is_cancelled_at_the_instant_of_its_deadline_is_counted_once() -> None:
    async def main() -> None:
        pool = pool_of(1)
        pool.acquire_over_limit()
        waiting = Waiting(pool)
        await waiting.add("B", deadline_s=1.0)
        asyncio.get_running_loop().call_at(1.0, natively, waiting, "B")

        await waiting.over()

        assert (pool.in_flight, pool.waiting) == (1, 0)

    run(main)
