"""``paceline serve``: from the command line to a server that runs until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import attrs

from ...router.errors import ConfigurationError
from ..config import read_file, trial
from ..ending import BAD_INPUT, FAILED, complain
from ..reload import Reload, stamp_of
from ..replay.recorder import Recorder
from .call_log import CallLog
from .collecting import collect_seldom
from .memory import remembering
from .server import Gateway
from .workers import supervise, watch_bind_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from ..config import Configuration
    from ..reload import Stamp
    from .options import ServeOptions


def run(options: ServeOptions) -> int:
    """Serve. Gives the exit code: 0 after a signal, 1 if the address cannot be had, 2 for a bad configuration."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="paceline: %(message)s")
    if options.config is not None and hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until somebody can read the file anew
    try:
        stamp = None if options.config is None else stamp_of(options.config)
        configuration = configured(options)
        if options.worker is None and configuration.settings.workers > 1:
            return supervise(configuration, options)
        collect_seldom()
        return _run(serve(configuration, options, stamp))
    except ConfigurationError as wrong:
        return complain("serve", wrong, BAD_INPUT)
    except OSError as error:
        return complain("serve", error.strerror or error, FAILED)


def configured(options: ServeOptions) -> Configuration:
    """The file's configuration, or the simulated fleet; with what the command line says in its place.

    Raises:
        ConfigurationError: it cannot be used; every mistake is told.
    """
    return adapted(trial() if options.config is None else read_file(options.config), options)


def adapted(configuration: Configuration, options: ServeOptions) -> Configuration:
    """*configuration*, with what the command line says in its place."""
    settings = configuration.settings
    bind = attrs.evolve(
        settings.bind,
        host=settings.bind.host if options.host is None else options.host,
        port=settings.bind.port if options.port is None else options.port,
    )
    workers = settings.workers if options.workers is None else options.workers
    settings = attrs.evolve(settings, bind=bind, workers=workers)
    if workers > 1:
        settings = attrs.evolve(settings, watch_bind=watch_bind_of(settings, options.worker or 0))
    return attrs.evolve(configuration, settings=settings)


async def serve(configuration: Configuration, options: ServeOptions, stamp: Stamp | None = None) -> int:
    """Serve until SIGTERM or SIGINT; a second one ends it at once.

    stamp: of the configuration's file, from before it was read.
    """
    log = CallLog(None if options.quiet else _written)
    async with AsyncExitStack() as running:
        listeners = [running.enter_context(recorder)] if (recorder := recording(configuration, options)) else []
        gateway = await running.enter_async_context(
            Gateway(configuration, listeners=listeners, log=log, reuse_port=options.worker is not None)
        )
        await running.enter_async_context(remembering(gateway.running, options.own(options.remember)))
        await running.enter_async_context(reloading(gateway, options, stamp))
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        if options.worker is not None:
            loop.add_reader(sys.stdin.fileno(), _parent_gone, loop, ended)
        if not options.worker:
            print(welcome(configuration, gateway), file=sys.stderr, flush=True)
        await ended.wait()
        print(f"paceline: ending; calls in flight have {configuration.settings.grace_s:g} s", file=sys.stderr)
        gateway.begin_to_end()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
    return 0


def recording(configuration: Configuration, options: ServeOptions) -> Recorder | None:
    """What writes calls down, if that is wanted; each of several processes into a file of its own.

    Raises:
        OSError: the file cannot be written.
    """
    path = options.own(options.record)
    return None if path is None else Recorder(path=path, endpoints=configuration.endpoints)


@asynccontextmanager
async def reloading(gateway: Gateway, options: ServeOptions, stamp: Stamp | None = None) -> AsyncGenerator[None]:
    """Take up changes of the file meanwhile, if there is one, and those since it had this *stamp*."""
    if options.config is None:
        yield
        return
    adapt = partial(adapted, options=options)
    reload = gateway.reload = Reload(gateway.running, options.config, adapt=adapt, served=stamp)
    watching = asyncio.get_running_loop().create_task(reload.run())
    await asyncio.sleep(0)  # it takes SIGHUP now, which would end the program otherwise: nobody is told before that
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def welcome(configuration: Configuration, gateway: Gateway) -> str:
    """Where it listens, and a line to try it with."""
    settings = configuration.settings
    name = configuration.routes[0].name if configuration.routes else configuration.endpoints[0].model
    key = " \\\n    -H 'Authorization: Bearer '$KEY" if settings.keys else ""
    workers = f" with {settings.workers} processes" if settings.workers > 1 else ""
    return (
        f"Paceline serves {configuration.source} at {gateway.url}/v1{workers}\n"
        f"  watched at {gateway.watch_url}/dashboard, {gateway.watch_url}/metrics\n"
        f"  try: curl -N {gateway.url}/v1/chat/completions -H 'Content-Type: application/json'{key} \\\n"
        f'    -d \'{{"model": "{name}", "stream": true, "messages": [{{"role": "user", "content": "Hello"}}]}}\''
    )


def _run(main: Coroutine[object, object, int]) -> int:
    """On uvloop, where that is installed."""
    with asyncio.Runner(loop_factory=_loops()) as runner:
        return runner.run(main)


def _loops() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  an extra
    except ImportError:
        return None
    return uvloop.new_event_loop


def _parent_gone(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """The parent says nothing on our standard input; it has ended."""
    loop.remove_reader(sys.stdin.fileno())
    ended.set()


def _written(lines: bytes) -> None:
    with suppress(ValueError):  # closed
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
