"""``boxdeck xray``: what the kernel was asked for, call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.cli.xray_lines import xray_lines
from engine.errors import InvalidRequest
from engine.model.xray import CallKind

if TYPE_CHECKING:
    from engine.engine import Engine

_KINDS: tuple[str, ...] = get_args(CallKind)
_OF = ("container", "network", "volume", "image")
_DESCRIPTION = """Every call to the kernel that an action on a container, network, volume or image took: clone3, setns,
mounts, control groups, id maps, netlink messages, elements of the firewall, capabilities, the filter of system calls,
execve; thousands that are alike, as for the files of a layer, are counted. Each was noted by the process that made it,
where it made it; times are in microseconds since the action began, and below 0 for what had been done in advance.
Starts and execs are recorded where somebody wants to know: in the app, with --xray, and with BOXDECK_XRAY=1 in the
environment; everything else always. The last two of each action are kept until the machine restarts, also of what was
removed lately or couldn't be pulled, loaded or imported."""


class XrayOptions(Options):
    """Options of ``xray``."""

    name: str
    action: str
    type: str
    kind: str
    explain: bool
    list: bool
    format: Format


def _arguments(parser: Parser) -> None:
    parser.description = _DESCRIPTION
    parser.add_argument("name", metavar="CONTAINER", help="its name or id; or a network's, a volume's or an image's")
    parser.add_argument("action", metavar="ACTION", nargs="?", default="", help="such as start or exec [the latest]")
    parser.add_argument("--type", choices=_OF, default="", help="only one of these [one after the other]")
    parser.add_argument("-k", "--kind", metavar="KIND,…", default="", help=f"only calls of these: {', '.join(_KINDS)}")
    parser.add_argument("-e", "--explain", action="store_true", help="say below each call what it is for")
    parser.add_argument("-l", "--list", action="store_true", help="list what has been recorded of it")
    format_argument(parser, "text")


async def _xray(engine: Engine, options: XrayOptions) -> int:
    if options.list:
        for recording in await engine.xrays.list(options.name, options.type):
            xray = await engine.xrays.open(recording.path)
            write_lines(xray_lines(xray, xray.calls)[:1])
        return 0
    wanted = _wanted_kinds(options.kind)
    xray = await engine.xrays.read(options.name, options.action, options.type)
    shown = tuple(call for call in xray.calls if call.kind in wanted)
    if options.format.name == "json":
        write_json(replace(xray, calls=shown))
    elif options.format.name == "template":
        write_lines([options.format.line(call) for call in shown])
    else:
        write_lines(xray_lines(xray, shown, options.explain))
    return 0


def _wanted_kinds(given: str) -> tuple[str, ...]:
    kinds = tuple(filter(None, given.split(",")))
    for kind in kinds:
        if kind not in _KINDS:
            raise InvalidRequest(f"there is no kind of call {kind!r}", f"choose from {', '.join(_KINDS)}")
    return kinds or _KINDS


XRAY = Command(XrayOptions, _arguments, with_engine(_xray))
