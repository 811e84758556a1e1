"""Containers by the options of ``boxdeck run``, made by an engine in this process."""

from __future__ import annotations

from engine import Engine
from engine.cli.command import Parser
from engine.cli.run import request_of
from engine.cli.run_options import CreateOptions, create_arguments
from engine.model import Container, ContainerRequest, ExecRequest
from engine.session import Session


def request(*arguments: str) -> ContainerRequest:
    """What ``boxdeck run ARGUMENTS`` asks for."""
    parser = Parser(prog="boxdeck run", allow_abbrev=False, add_help=False)
    create_arguments(parser)
    return request_of(parser.parse_args(arguments, CreateOptions()))


async def inside(engine: Engine, *options: str, script: str) -> list[str]:
    """What a script prints in a container with these options, on no network unless they name one."""
    network = () if "--network" in options else ("--network", "none")
    wanted = request("--rm", *network, *options, "base", "sh", "-c", script)
    return await lines(await engine.containers.run_attached(wanted))


async def enter(engine: Engine, container: Container, script: str) -> list[str]:
    """What a script prints that is run in a container by exec."""
    return await lines(await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script))))


async def start(engine: Engine, *options: str) -> Container:
    """A container in the background; it sleeps."""
    return await engine.containers.run(request(*options, "base", "sleep", "1000"))


async def lines(session: Session) -> list[str]:
    """What a process writes to its standard output until it ends, which it does well."""
    out, err = b"", b""
    while (chunk := await session.read()) is not None:
        out, err = (out + chunk.data, err) if chunk.stream == "stdout" else (out, err + chunk.data)
    assert await session.wait() == 0, (out, err)
    return out.decode().splitlines()
