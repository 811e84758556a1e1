"""``boxdeck network topology``: how the machine is wired."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import in_pascal_case
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.cli.topology_lines import topology_lines
from engine.model import NetworkDevice, NetworkSpace, Topology

if TYPE_CHECKING:
    from engine.engine import Engine

_TOPOLOGY = """Uplinks, published ports, bridges with what hangs on them, and every other device of every network
namespace that somebody holds, as the kernel has them: also those that docker, libvirt or a person has made. Both ends
of a pair stand together. What moves is measured over half a second; errors and dropped packets are counted since the
device was made. As JSON it has routes and every counter besides."""
_BETWEEN_LOOKS_SECONDS = 0.5


class TopologyOptions(Options):
    """Options of ``network topology``."""

    format: Format


def _arguments(parser: Parser) -> None:
    parser.description = _TOPOLOGY
    format_argument(parser, "text")


async def _topology(engine: Engine, options: TopologyOptions) -> int:
    await engine.topology()
    await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
    found = await engine.topology()
    if options.format.name == "json":
        write_json(document(found))
    elif options.format.name == "template":
        write_lines([options.format.line(document(found))])
    else:
        write_lines(topology_lines(found))
    return 0


def document(topology: Topology) -> Any:
    """The whole model, with each link's state and each namespace's holder in words."""
    plain = msgspec.to_builtins(topology)
    for space, written in zip(topology.spaces, plain["spaces"], strict=True):
        written["holder"] = space.holder
        _add_states(space, written["devices"])
    return in_pascal_case(plain)


def _add_states(space: NetworkSpace, written: list[dict[str, Any]]) -> None:
    device: NetworkDevice
    for device, fields in zip(space.devices, written, strict=True):
        fields["state"] = device.state


TOPOLOGY = Command(TopologyOptions, _arguments, with_engine(_topology))
