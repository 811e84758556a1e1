"""``boxdeck run`` and ``boxdeck create``: options become a `ContainerRequest`."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from engine.cli import values
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.output import write_lines
from engine.errors import InvalidRequest, NotFound
from engine.model import ContainerRequest, Limits, NetworkMode

if TYPE_CHECKING:
    from engine.engine import Engine


class CreateOptions(Options):
    """Options of ``create``."""

    image: str
    command: list[str]
    name: str | None
    interactive: bool
    tty: bool
    rm: bool
    env: list[str]
    label: list[tuple[str, str]]
    workdir: str | None
    user: str | None
    hostname: str | None
    entrypoint: str | None
    memory: int | None
    cpus: float | None
    pids_limit: int | None
    network: NetworkMode
    userns: str
    time_namespace: bool
    boot_offset: int


class RunOptions(CreateOptions):
    """Options of ``run``."""

    detach: bool


def _create_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--name", help="what to call it [two words]")
    add("-i", "--interactive", action="store_true", help="keep its standard input open")
    add("-t", "--tty", action="store_true", help="give it a terminal")
    add("--rm", action="store_true", help="remove it when it ends")
    add("-e", "--env", metavar="NAME=VALUE", type=values.variable, action="append", default=[], help="a variable")
    add("-l", "--label", metavar="KEY=VALUE", type=values.label, action="append", default=[], help="a label")
    add("-w", "--workdir", metavar="DIR", help="where the command starts")
    add("-u", "--user", metavar="USER[:GROUP]", help="who runs the command, by name or number")
    add("-h", "--hostname", metavar="NAME", help="its host name [the beginning of its id]")
    add("--entrypoint", metavar="COMMAND", help="instead of the image's; empty for none")
    _limit_arguments(parser)
    _namespace_arguments(parser)
    add("image", metavar="IMAGE", help="'base' is assembled from this machine's own tools when it is first used")
    add("command", metavar="COMMAND …", nargs=argparse.REMAINDER, help="and its arguments, instead of the image's")


def _limit_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-m", "--memory", metavar="SIZE", type=values.memory_size, help="at most, such as 512m or 1.5g")
    add("--cpus", metavar="NUMBER", type=values.processors, help="processors' worth of time at most, such as 1.5")
    add("--pids-limit", metavar="NUMBER", type=values.process_count, help="processes and threads at most")


def _namespace_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--network", choices=("bridge", "none", "host"), default="bridge", help="[bridge]")
    add(
        "--userns", choices=("auto", "host"), default="host",
        help="auto: a user namespace of its own, where root is nobody outside [host]",
    )  # fmt: skip
    add("--time-namespace", action="store_true", help="clocks of its own")
    add("--boot-offset", metavar="SECONDS", type=int, default=0, help="added to its time since boot")


def _run_arguments(parser: Parser) -> None:
    parser.add_argument("-d", "--detach", action="store_true", help="leave it in the background and print its id")
    _create_arguments(parser)


async def _create(engine: Engine, options: CreateOptions) -> int:
    await _ensure(engine, options.image)
    write_lines([(await engine.containers.create(_request(options))).id])
    return 0


async def _run(engine: Engine, options: RunOptions) -> int:
    if not options.detach:
        return await _run_attached(engine, options)
    await _ensure(engine, options.image)
    write_lines([(await engine.containers.run(_request(options))).id])
    return 0


async def _run_attached(engine: Engine, options: RunOptions) -> int:
    from engine.cli.foreground import check_terminal, follow

    check_terminal(options.interactive, options.tty)
    await _ensure(engine, options.image)
    session = await engine.containers.run_attached(_request(options))
    return await follow(session, options.interactive, engine)


async def _ensure(engine: Engine, reference: str) -> None:
    """Have the image, showing how it is assembled; say what there is when it isn't here."""
    from engine.cli.progress import shown

    try:
        await shown(engine.images.ensure(reference))
    except NotFound as error:
        here = sorted({name for image in await engine.images.list() for name in image.references} | {"base:latest"})
        raise NotFound(
            error.cause, f"there are {', '.join(here)}; bring in others with boxdeck load or boxdeck import"
        ) from error


def _request(options: CreateOptions) -> ContainerRequest:
    return ContainerRequest(
        image=options.image,
        command=tuple(options.command),
        entrypoint=_entrypoint(options.entrypoint),
        name=options.name,
        env=tuple(filter(None, options.env)),
        working_dir=options.workdir,
        user=options.user,
        hostname=options.hostname,
        tty=options.tty,
        interactive=options.interactive,
        network=options.network,
        limits=Limits(memory_bytes=options.memory, cpus=options.cpus, pids=options.pids_limit),
        auto_remove=options.rm,
        user_namespace=options.userns == "auto",
        time_namespace=options.time_namespace or bool(options.boot_offset),
        boot_offset_seconds=options.boot_offset,
        labels=dict(options.label),
    )


def _entrypoint(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise InvalidRequest(f"--entrypoint {text!r} can't be split into words", "close its quotes") from error


CREATE = Command(CreateOptions, _create_arguments, with_engine(_create))
RUN = Command(RunOptions, _run_arguments, with_engine(_run))
