"""``boxdeck port``: which ports of the host's lead to a container; published and withdrawn while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.failure import warn
from engine.cli.output import write_lines
from engine.errors import InvalidRequest, NotFound
from engine.model import PublishedPort
from engine.network import port_notation

if TYPE_CHECKING:
    from engine.engine import Engine

_DESCRIPTION = """Show which ports of the host's lead to a container, publish further ones while it runs, and withdraw
them, with the connections that came through them. Containers that don't run have them from their next start on."""

_EPILOG = """PORT of add and rm is as for boxdeck run --publish: 8080:80, 127.0.0.1:8080:80/udp, [::1]:8080:80,
8000-8010:80-90, or 80 alone, for which add chooses a free port of the host's and rm withdraws all that lead there."""


class PortOptions(Options):
    """Options of ``port``."""

    what: str
    rest: list[str]


def _arguments(parser: Parser) -> None:
    parser.usage = f"{parser.prog} CONTAINER [PORT[/PROTOCOL]] | add CONTAINER PORT … | rm CONTAINER PORT …"
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("what", metavar="CONTAINER | add | rm", help="a name, an id, or the beginning of an id")
    parser.add_argument("rest", metavar="PORT", nargs="*", help="of the container; for add and rm also of the host")


async def _port(engine: Engine, options: PortOptions) -> int:
    if options.what not in ("add", "rm"):
        return await _show(engine, options.what, options.rest)
    if len(options.rest) < 2:
        raise InvalidRequest(
            f"port {options.what} needs a container and a port", f"such as: boxdeck port {options.what} web 8080:80"
        )
    reference, *texts = options.rest
    ports = tuple(port for text in texts for port in port_notation.published(text))
    if options.what == "rm":
        await engine.containers.ports.remove(reference, ports)
        write_lines([reference])
        return 0
    added = await engine.containers.ports.add(reference, ports)
    write_lines([_line(port) for port in added])
    for sentence in engine.containers.ports.obstacles(await engine.containers.get(reference)):
        warn(sentence)
    return 0


async def _show(engine: Engine, reference: str, rest: list[str]) -> int:
    if len(rest) > 1:
        raise InvalidRequest("port shows one port or all", f"see: boxdeck port {reference}")
    ports = await engine.containers.ports.list(reference)
    if not rest:
        write_lines([_line(port) for port in ports])
        return 0
    wanted = port_notation.container_port(rest[0])
    found = [port for port in ports if port.container_words == wanted.container_words]
    if not found:
        raise NotFound(
            f"port {wanted.container_words} of {reference} is not published",
            f"publish it with: boxdeck port add {reference} {rest[0]}",
        )
    write_lines([port_notation.host_words(port) for port in found])
    return 0


def _line(port: PublishedPort) -> str:
    if not port.host_port:
        return f"{port.container_words} -> chosen at the start"
    return f"{port.container_words} -> {port_notation.host_words(port)}"


PORT = Command(PortOptions, _arguments, with_engine(_port))
