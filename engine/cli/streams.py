"""``boxdeck exec`` and ``boxdeck attach``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.asciicast import Recording
from engine.cli import terminal, values
from engine.cli.attach_options import AttachmentOptions, detach_argument, proxy_argument
from engine.cli.command import Command, Parser, with_engine
from engine.cli.foreground import check_terminal, follow
from engine.cli.line_files import variables
from engine.errors import BoxdeckError, Conflict, InvalidRequest
from engine.model import ExecRequest

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.session import Session


class ExecOptions(AttachmentOptions):
    """Options of ``exec``."""

    container: str
    first: str
    command: list[str]
    interactive: bool
    tty: bool
    env: list[str]
    env_file: list[str]
    workdir: str | None
    user: str | None
    privileged: bool
    detach: bool
    keep: str | None
    record: str | None


class AttachOptions(AttachmentOptions):
    """Options of ``attach``."""

    container: str
    no_stdin: bool


def _exec_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-d", "--detach", action="store_true", help="leave it in the background")
    add("-i", "--interactive", action="store_true", help="connect its standard input")
    add("-t", "--tty", action="store_true", help="give it a terminal")
    add("-e", "--env", metavar="NAME=VALUE", type=values.variable, action="append", default=[], help="a variable")
    add("--env-file", metavar="FILE", action="append", default=[], help="a file with a NAME=VALUE on each line")
    add("-w", "--workdir", metavar="DIR", help="where the command starts")
    add("-u", "--user", metavar="USER[:GROUP]", help="who runs the command, by name or number")
    add("--privileged", action="store_true", help="with all capabilities")
    add("--keep", metavar="NAME", help="with -t: it goes on without this terminal; the same NAME again returns to it")
    add("--record", metavar="FILE", help="with -t: write what it shows to a new file that asciinema plays")
    detach_argument(parser)
    add("container", metavar="CONTAINER", help="a name, an id, or the beginning of an id")
    add("first", metavar="COMMAND", help="what to run in it")
    rest = add("command", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="its arguments")
    rest.required = False  # for argparse it is, though it may be empty


async def _exec(engine: Engine, options: ExecOptions) -> int:
    if not options.detach:
        check_terminal(options.interactive, options.tty)
    size = terminal.size() or terminal.Size(24, 80)
    request = ExecRequest(
        argv=(options.first, *options.command),
        env=variables(options.env_file, options.env),
        working_dir=options.workdir,
        user=options.user,
        privileged=options.privileged,
        detached=options.detach,
        kept=options.keep,
        tty=options.tty,
        interactive=options.interactive,
        rows=size.rows,
        columns=size.columns,
    )
    if options.record is not None and (options.detach or not options.tty):
        raise InvalidRequest("--record is for what has a terminal and is looked at", "give -t, and leave out -d")
    with _recording(options.record, size, request) as recording:
        session = await _begun_or_resumed(engine, options.container, request)
        if options.detach:
            await session.close()
            return 0
        return await follow(session, options.interactive, options, recording=recording)


@contextmanager
def _recording(path: str | None, size: terminal.Size, request: ExecRequest) -> Iterator[Recording | None]:
    """A file to record to; nothing is begun where it can't be made, and none stays where nothing was begun."""
    if path is None:
        yield None
        return
    recording = Recording(Path(path), size.rows, size.columns, " ".join(request.argv))
    try:
        yield recording
    except BoxdeckError:
        if recording.is_empty:
            Path(path).unlink(missing_ok=True)
        raise
    finally:
        recording.close()


async def _begun_or_resumed(engine: Engine, container: str, request: ExecRequest) -> Session:
    if request.kept and any(each.name == request.kept for each in await engine.containers.sessions(container)):
        return await engine.containers.resume(container, request.kept)
    return await engine.containers.exec(container, request)


def _attach_arguments(parser: Parser) -> None:
    parser.add_argument("--no-stdin", action="store_true", help="don't connect its standard input")
    detach_argument(parser)
    proxy_argument(parser)
    parser.add_argument("container", metavar="CONTAINER", help="a name, an id, or the beginning of an id")


async def _attach(engine: Engine, options: AttachOptions) -> int:
    container = await engine.containers.get(options.container)
    if not container.is_running:
        raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start -a {container.name}")
    interactive = container.request.interactive and not options.no_stdin
    check_terminal(interactive, container.request.tty)
    return await follow(await engine.containers.attach(container.id), interactive, options, engine)


EXEC = Command(ExecOptions, _exec_arguments, with_engine(_exec))
ATTACH = Command(AttachOptions, _attach_arguments, with_engine(_attach))
