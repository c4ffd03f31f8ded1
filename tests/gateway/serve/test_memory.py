"""What a gateway has measured outlives it."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paceline.gateway.config import Configuration, Settings
from paceline.gateway.running import Running
from paceline.gateway.serve.memory import SET_ASIDE, remembering
from paceline.router import Request
from paceline.router.statistics import hlog
from paceline.router.statistics.interval import Series
from paceline.router.testing import Scripted, answers, endpoint

from .test_command import program

ASKED = Request(messages="hello", model="m", stream=False)
WITHIN_S = 10.0


def configuration() -> Configuration:
    return Configuration(settings=Settings(), endpoints=(endpoint("one", Scripted(answers(0.002))),), routes=())


def known(path: Path, name: str = "one") -> int:
    """Whole answers that a file tells of."""
    if not path.exists():
        return 0
    snapshot = hlog.load(path, now_epoch_s=datetime.now(UTC).timestamp())
    return sum(interval.events.count for interval in snapshot.of(name).get(Series("total"), ()))


def kept(running: Running, path: Path, *, every_s: float = 3600.0) -> AbstractAsyncContextManager[None]:
    return remembering(running, path, every_s=every_s)


def test_a_program_goes_on_from_where_the_one_before_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "known.hlog"
    for asks in (True, False):
        with program("--port", "0", "--quiet", "--remember", str(file)) as served:
            if asks:
                assert served.ask()[0] == 200
            code, _, err = served.end()
        assert (code, "measured" in err) == (0, False)

    snapshot = hlog.load(file, now_epoch_s=datetime.now(UTC).timestamp())
    assert sum(known(file, name) for name in snapshot.endpoints) == 1


def test_each_of_several_processes_has_a_file_of_its_own(tmp_path: Path) -> None:
    with program("--port", "0", "--quiet", "--workers", "2", "--remember", str(tmp_path / "known.hlog")) as served:
        assert served.ask()[0] == 200
        served.end()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["known-0.hlog", "known-1.hlog"]


def test_it_is_written_meanwhile_and_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "known.hlog"

    async def main() -> int:
        async with Running(configuration()) as running, kept(running, file, every_s=0.01):
            await running.router.complete(ASKED)
            async with asyncio.timeout(WITHIN_S):
                while not known(file):  # noqa: ASYNC110  what is waited for is another thread's doing
                    await asyncio.sleep(0.01)
            meanwhile = known(file)
            await running.router.complete(ASKED)
        return meanwhile

    assert asyncio.run(main()) == 1
    assert known(file) == 2


def test_what_was_known_is_told_to_the_router(tmp_path: Path) -> None:
    file = tmp_path / "known.hlog"

    async def main(calls: int) -> bool:
        async with Running(configuration()) as running, kept(running, file):
            (target,) = running.router.fleet
            was_known = target.outlook(time.monotonic()).known
            for _ in range(calls):
                await running.router.complete(ASKED)
        return was_known

    assert [asyncio.run(main(1)), asyncio.run(main(0)), known(file)] == [False, True, 1]


def test_a_damaged_file_is_set_aside_and_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "known.hlog"
    file.write_text("nonsense\n", encoding="ascii")

    async def main() -> None:
        async with Running(configuration()) as running, kept(running, file):
            await running.router.complete(ASKED)

    asyncio.run(main())

    aside = tmp_path / f"known.hlog{SET_ASIDE}"
    assert aside.read_text(encoding="ascii") == "nonsense\n"
    assert known(file) == 1
    assert str(aside) in caplog.text


def test_where_it_cannot_be_written_the_program_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    async def main() -> None:
        async with Running(configuration()) as running, kept(running, folder / "known.hlog"):
            folder.rmdir()
            await running.router.complete(ASKED)

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())

    assert "could not be written" in caplog.text


def test_a_file_that_is_there_and_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        async with Running(configuration()) as running, kept(running, tmp_path):
            pytest.fail("it began without what it was told to remember")

    with pytest.raises(OSError, match="directory"):
        asyncio.run(main())


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        async with Running(configuration()) as running, remembering(running, None):
            await running.router.complete(ASKED)

    asyncio.run(main())

    assert list(tmp_path.iterdir()) == []
