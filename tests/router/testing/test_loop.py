"""`VirtualLoop`: time that passes only when nothing else can happen."""

import asyncio
import socket
import time

import anyio
import pytest

from paceline.router.testing import Deadlock, VirtualLoop, run, virtual_clock


def test_an_hour_passes_in_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600.0)
        return virtual_clock()

    began_s = time.perf_counter()

    assert run(main) == 3600.0
    assert time.perf_counter() - began_s < 5.0


def test_what_main_returns_is_given_and_what_it_raises_is_raised() -> None:
    async def answer() -> str:
        return "done"

    async def fail() -> None:
        raise KeyError("missing")

    assert run(answer) == "done"
    with pytest.raises(KeyError, match="missing"):
        run(fail)


def test_every_run_begins_at_zero() -> None:
    async def main() -> float:
        before_s = virtual_clock()
        await asyncio.sleep(1.0)
        return before_s

    assert [run(main), run(main)] == [0.0, 0.0]


def test_no_time_passes_while_something_can_run() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return virtual_clock()

    assert run(main) == 0.0


def test_timers_go_off_in_order_and_exactly_at_their_time() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, log = asyncio.get_running_loop(), list[tuple[str, float]]()
        for name, at_s in (("c", 3.0), ("a", 1.0), ("b", 2.5)):
            loop.call_at(at_s, lambda name=name: log.append((name, loop.time())))
        await asyncio.sleep(4.0)
        return log

    assert run(main) == [("a", 1.0), ("b", 2.5), ("c", 3.0)]


def test_a_cancelled_timer_does_not_move_time() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        for at_s in (0.25, 0.5, 60.0):
            loop.call_at(at_s, print).cancel()
        await asyncio.sleep(1.0)
        return virtual_clock()

    assert run(main) == 1.0


def test_anyios_limits_keep_virtual_time_too() -> None:
    async def main() -> float:
        with anyio.move_on_after(0.5):
            await anyio.sleep(60.0)
        return virtual_clock()

    assert run(main) == 0.5


def test_waiting_for_nothing_is_a_deadlock_that_names_who_waits() -> None:
    async def main() -> None:
        asyncio.current_task().set_name("the waiter")  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match=r"every task waits and no timer is set .*: the waiter"):
        run(main)


def test_what_is_ready_on_a_socket_is_seen_before_time_moves() -> None:
    async def main() -> tuple[bytes, float]:
        one, other = socket.socketpair()
        with one, other:
            one.settimeout(0.0)
            other.send(b"hello")
            read = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(one, 16), 5.0)
            return read, virtual_clock()

    assert run(main) == (b"hello", 0.0)


def test_a_reader_may_change_its_mind() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        loop, (one, other) = asyncio.get_running_loop(), socket.socketpair()
        with one, other:
            loop.add_reader(one, log.append, "read")
            loop.add_writer(one, log.append, "write")
            loop.remove_writer(one)
            loop.add_reader(one, log.append, "read anew")
            other.send(b"x")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop.remove_reader(one)
        return log

    assert set(run(main)) == {"read anew"}


def test_debug_is_handed_on() -> None:
    async def main() -> bool:
        return asyncio.get_running_loop().get_debug()

    assert run(main, debug=True)
    assert not run(main)


def test_a_loop_of_ones_own_can_be_run_and_closed() -> None:
    async def main() -> None:
        await asyncio.sleep(0)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(main())
        assert loop.time() == 0.0
    finally:
        loop.close()
    assert loop.is_closed()
