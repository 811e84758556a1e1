"""Verbs on containers that print their names as they succeed: start, stop, kill, restart, pause, rm, wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from engine.cli.attach_options import AttachmentOptions, detach_argument, proxy_argument
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.failure import fail
from engine.cli.output import write_lines
from engine.cli.values import seconds
from engine.errors import BoxdeckError, InvalidRequest, NotFound

if TYPE_CHECKING:
    from engine.engine import Engine


class ContainersOptions(Options):
    """Which containers."""

    containers: list[str]


class StartOptions(ContainersOptions, AttachmentOptions):
    """Options of ``start``."""

    attach: bool
    interactive: bool


class TimeOptions(ContainersOptions):
    """Options of ``stop`` and ``restart``."""

    signal: str | None
    time: float | None


class KillOptions(ContainersOptions):
    """Options of ``kill``."""

    signal: str


class RemoveOptions(ContainersOptions):
    """Options of ``rm``."""

    force: bool
    volumes: bool


async def for_each(
    references: list[str], action: Callable[[str], Awaitable[str | None]], spares_absent: bool = False
) -> int:
    """Do something to every container, going on after failures, and print what it returns.

    Args:
        spares_absent: that there is none of a name is said, and no failure.

    Returns:
        0, or the exit status of the last failure.
    """
    status = 0
    for reference in references:
        try:
            line = await action(reference)
        except BoxdeckError as error:
            failure = fail(str(error), error.exit_status)
            status = status if spares_absent and isinstance(error, NotFound) else failure
        else:
            write_lines([line if line is not None else reference])
    return status


def _containers(parser: Parser) -> None:
    parser.add_argument("containers", metavar="CONTAINER", nargs="+", help="names, ids, or beginnings of ids")


def _start_arguments(parser: Parser) -> None:
    parser.add_argument("-a", "--attach", action="store_true", help="show its output and wait for it to end")
    parser.add_argument("-i", "--interactive", action="store_true", help="connect its standard input, too")
    detach_argument(parser)
    proxy_argument(parser)
    _containers(parser)


async def _start(engine: Engine, options: StartOptions) -> int:
    if options.attach or options.interactive:
        return await _start_attached(engine, options)

    async def start(reference: str) -> None:
        await engine.containers.start(reference)

    return await for_each(options.containers, start)


async def _start_attached(engine: Engine, options: StartOptions) -> int:
    from engine.cli.early_signals import kept
    from engine.cli.foreground import check_terminal, follow

    if len(options.containers) > 1:
        raise InvalidRequest("only one container can be attached to", "start the others without -a and -i")
    request = (await engine.containers.get(options.containers[0])).request
    interactive = options.interactive and request.interactive
    check_terminal(interactive, request.tty)
    with kept(request.tty, options.sig_proxy) as early:
        session = await engine.containers.start_attached(options.containers[0])
        return await follow(session, interactive, options, engine, early=early)


def _time(parser: Parser) -> None:
    add = parser.add_argument
    add("-s", "--signal", help="what asks it to end [the container's, the image's, or SIGTERM]")
    add("-t", "--timeout", "--time", dest="time", metavar="SECONDS", type=seconds,
        help="seconds to wait before killing it; -1 for ever [the container's, or 10]")  # fmt: skip
    _containers(parser)


async def _stop(engine: Engine, options: TimeOptions) -> int:
    async def stop(reference: str) -> None:
        await engine.containers.stop(reference, options.time, options.signal)

    return await for_each(options.containers, stop)


async def _restart(engine: Engine, options: TimeOptions) -> int:
    async def restart(reference: str) -> None:
        await engine.containers.restart(reference, options.time, options.signal)

    return await for_each(options.containers, restart)


def _kill_arguments(parser: Parser) -> None:
    parser.add_argument("-s", "--signal", default="SIGKILL", help="its name or number [SIGKILL]")
    _containers(parser)


async def _kill(engine: Engine, options: KillOptions) -> int:
    async def kill(reference: str) -> None:
        await engine.containers.kill(reference, options.signal)

    return await for_each(options.containers, kill)


async def _pause(engine: Engine, options: ContainersOptions) -> int:
    async def pause(reference: str) -> None:
        await engine.containers.pause(reference)

    return await for_each(options.containers, pause)


async def _unpause(engine: Engine, options: ContainersOptions) -> int:
    async def unpause(reference: str) -> None:
        await engine.containers.unpause(reference)

    return await for_each(options.containers, unpause)


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument(
        "-f", "--force", action="store_true", help="kill it first when it runs; that there is none is no failure"
    )
    parser.add_argument("-v", "--volumes", action="store_true", help="its unnamed volumes, too")
    _containers(parser)


async def _remove(engine: Engine, options: RemoveOptions) -> int:
    async def remove(reference: str) -> None:
        await engine.containers.remove(reference, options.force, options.volumes)

    return await for_each(options.containers, remove, spares_absent=options.force)


async def _wait(engine: Engine, options: ContainersOptions) -> int:
    async def wait(reference: str) -> str:
        return str(await engine.containers.wait(reference))

    return await for_each(options.containers, wait)


START = Command(StartOptions, _start_arguments, with_engine(_start))
STOP = Command(TimeOptions, _time, with_engine(_stop))
RESTART = Command(TimeOptions, _time, with_engine(_restart))
KILL = Command(KillOptions, _kill_arguments, with_engine(_kill))
PAUSE = Command(ContainersOptions, _containers, with_engine(_pause))
UNPAUSE = Command(ContainersOptions, _containers, with_engine(_unpause))
RM = Command(RemoveOptions, _remove_arguments, with_engine(_remove))
WAIT = Command(ContainersOptions, _containers, with_engine(_wait))
