"""``boxdeck logs``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from engine.cli import values
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.formats import rfc3339
from engine.cli.moments import MOMENTS, moment
from engine.log_attributes import log_attributes
from engine.oci.runtime_spec import decode

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import LogLine


class LogsOptions(Options):
    """Options of ``logs``."""

    container: str
    follow: bool
    tail: int | None
    timestamps: bool
    details: bool
    since: int | None
    until: int | None


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-f", "--follow", action="store_true", help="go on until it ends")
    add("-n", "--tail", metavar="LINES", type=values.line_count, help="only so many lines from the end, or all [all]")
    add("-t", "--timestamps", action="store_true", help="put the time before each line")
    add("--details", action="store_true", help="put the labels and variables before each line that --log-opt names")
    add("--since", metavar="TIME", type=moment, help=f"none from before: {MOMENTS}")
    add("--until", metavar="TIME", type=moment, help="none from after, and don't wait for any beyond")
    add("container", metavar="CONTAINER", help="a name, an id, or the beginning of an id")


async def _logs(engine: Engine, options: LogsOptions) -> int:
    streams = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    details = await _details(engine, options.container) if options.details else b""
    wanted = (options.follow, options.tail, options.since, options.until)
    async for line in engine.containers.logs(options.container, *wanted):
        stream = streams[line.stream]
        stream.write((_stamp(line) if options.timestamps else b"") + details + line.data + b"\n")
        if options.follow or line.stream == "stderr":
            stream.flush()
    return 0


async def _details(engine: Engine, reference: str) -> bytes:
    """In docker's form: ``name=value,name=value`` and a blank."""
    container = await engine.containers.get(reference)
    process = decode(await engine.containers.runtime_spec(container.id)).process
    found = log_attributes(container, process.env if process is not None else ())
    return f"{','.join(f'{quote_plus(name)}={quote_plus(value)}' for name, value in found.items())} ".encode()


def _stamp(line: LogLine) -> bytes:
    return f"{rfc3339(line.at_unix_ns)} ".encode()


LOGS = Command(LogsOptions, _arguments, with_engine(_logs))
