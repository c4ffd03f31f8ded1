"""`Reload`: the file changes, and what it says is served; or it is refused, and what was served before stays."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paceline.gateway.config import read_file
from paceline.gateway.reload import Reload, stamp_of
from paceline.gateway.running import Running
from paceline.router import Request

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOOK_EVERY_S = 0.01


def text(name: str = "a", *, gateway: str = "") -> str:
    return f"""
        [gateway]
        {gateway}
        [[endpoint]]
        name = "{name}"
        provider = "simulated"
        model = "m"
        profile = {{ ttft_ms = 1, tokens_per_s = 10_000 }}
        """


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(text())
    return path


@asynccontextmanager
async def reloading(path: Path) -> AsyncGenerator[tuple[Running, Reload]]:
    async with Running(read_file(path, {})) as running:
        reload = Reload(running, path, {}, every_s=LOOK_EVERY_S, now=lambda: NOON)
        task = asyncio.create_task(reload.run())
        await asyncio.sleep(0)
        try:
            yield running, reload
        finally:
            task.cancel()
            await asyncio.wait([task])


def served(running: Running) -> list[str]:
    return [target.name for target in running.router.fleet]


async def until_told(reload: Reload, before: object = None) -> None:
    async with asyncio.timeout(10.0):
        while reload.last is before:  # noqa: ASYNC110  what is reloaded is told to nobody, but kept to be read
            await asyncio.sleep(LOOK_EVERY_S)


def put_in_place(path: Path, text: str) -> None:
    """As editors do: another file takes the place of the first."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


def write_over(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("change", [write_over, put_in_place])
def test_what_the_file_says_anew_is_served(path: Path, change: type) -> None:
    async def main() -> None:
        async with reloading(path) as (running, reload):
            change(path, text("another"))
            await until_told(reload)

            assert served(running) == ["another"]
            assert reload.last is not None
            assert (reload.last.ok, reload.last.at, reload.last.wrong) == (True, NOON, ())

    asyncio.run(main())


def test_what_has_changed_since_the_file_was_read_is_served(path: Path) -> None:
    async def main() -> None:
        stamp = stamp_of(path)
        async with Running(read_file(path, {})) as running:
            put_in_place(path, text("changed before anybody looked"))
            reload = Reload(running, path, {}, every_s=LOOK_EVERY_S, served=stamp)
            task = asyncio.create_task(reload.run())
            await until_told(reload)
            assert served(running) == ["changed before anybody looked"]
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(main())


def test_a_file_that_is_left_alone_is_not_read_again(path: Path) -> None:
    async def main() -> None:
        async with reloading(path) as (running, reload):
            router = running.router
            await asyncio.sleep(LOOK_EVERY_S * 10)

            assert running.router is router
            assert reload.last is None

    asyncio.run(main())


def test_a_bad_file_is_refused_with_all_its_mistakes_and_the_old_one_is_served_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with reloading(path) as (running, reload):
            put_in_place(path, text("another", gateway="prot = 1\nport = 'x'"))
            await until_told(reload)

            assert served(running) == ["a"]
            assert reload.last is not None
            assert not reload.last.ok
            assert [wrong.partition(": ")[2] for wrong in reload.last.wrong] == [
                "gateway.prot: there is no such key: did you mean port?",
                "gateway.port: must be a whole number, not 'x'",
            ]
            refused = reload.last
            put_in_place(path, text("mended"))
            await until_told(reload, refused)

            assert served(running) == ["mended"]

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())

    assert "did you mean port?" in caplog.text
    assert "must be a whole number, not 'x'" in caplog.text


def test_a_file_that_is_gone_for_a_while_is_waited_for(path: Path) -> None:
    async def main() -> None:
        async with reloading(path) as (running, reload):
            remove(path)
            await asyncio.sleep(LOOK_EVERY_S * 5)
            assert reload.last is None

            write_over(path, text("back"))
            await until_told(reload)
            assert served(running) == ["back"]

    asyncio.run(main())


def test_a_file_that_is_still_being_written_is_not_read(path: Path) -> None:
    async def main() -> int:
        async with Running(read_file(path, {})) as running:
            reload = Reload(running, path, {}, every_s=0.1)
            task = asyncio.create_task(reload.run())
            for length in range(1, 31):  # written for longer than it takes to look twice
                write_over(path, text("b") + "#" * length)
                await asyncio.sleep(0.02)
            meanwhile = 0 if reload.last is None else 1
            await until_told(reload)
            assert served(running) == ["b"]
            task.cancel()
            await asyncio.wait([task])
            return meanwhile

    assert asyncio.run(main()) == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no SIGHUP")
def test_sighup_reads_the_file_though_it_has_not_changed(path: Path) -> None:
    async def main() -> None:
        async with Running(read_file(path, {})) as running:
            reload = Reload(running, path, {}, every_s=3600.0)
            router = running.router
            task = asyncio.create_task(reload.run())
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGHUP)
            await until_told(reload)
            task.cancel()
            await asyncio.wait([task])

            assert running.router is not router

    before = signal.getsignal(signal.SIGHUP)
    asyncio.run(main())

    assert signal.getsignal(signal.SIGHUP) is before


def test_outside_of_the_main_thread_it_reloads_without_signals(path: Path) -> None:
    found: list[bool] = []

    async def main() -> None:
        async with reloading(path) as (_, reload):
            reload.ask()
            await until_told(reload)
            found.append(reload.last is not None and reload.last.ok)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()

    assert found == [True]


def test_what_takes_effect_only_at_the_next_start_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with reloading(path) as (running, reload):
            put_in_place(path, text(gateway="port = 9\nworkers = 2\nmost_calls = 5"))
            first = await reload.once()
            put_in_place(path, text())
            second = await reload.once()

            assert (first.ok, first.needs_restart) == (True, ("host and port", "workers"))
            assert second.needs_restart == ()
            assert running.configuration.settings.most_calls == 10_000

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())

    assert "a change of host and port, workers takes effect at the next start" in caplog.text


def test_a_fleet_that_cannot_be_opened_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    async def main() -> None:
        async with Running(read_file(path, {})) as running:

            async def replace(_configuration: object) -> None:
                raise Broken("no route to host")

            monkeypatch.setattr(running, "replace", replace)
            told = await Reload(running, path, {}).once()

            assert (told.ok, told.wrong) == (False, ("Broken: no route to host",))

    asyncio.run(main())


def test_calls_go_on_through_reload_after_reload(path: Path) -> None:
    async def main() -> tuple[int, int]:
        async with reloading(path) as (running, reload):
            answered = 0

            async def caller() -> None:
                nonlocal answered
                for _ in range(30):
                    async with running.router.stream(Request(messages="hello", model="m", max_tokens=5)) as chunks:
                        async for _ in chunks:
                            pass
                    answered += 1

            async with asyncio.TaskGroup() as callers:
                for _ in range(8):
                    callers.create_task(caller())
                for number in range(3):
                    put_in_place(path, text(f"a{number}"))
                    await reload.once()
            return answered, running.router.report().by_route["m"].calls

    assert asyncio.run(main()) == (240, 240)


def test_what_cannot_be_seen_has_no_stamp(tmp_path: Path) -> None:
    assert stamp_of(tmp_path / "none") is None
    assert stamp_of(tmp_path / "a\0b") is None
