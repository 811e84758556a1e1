"""``boxdeck stats``."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import StatsRow
from engine.cli.formats import binary_size, decimal_size
from engine.cli.output import Column, format_argument, table, write_json, write_lines
from engine.model import Container, ContainerSample, Snapshot

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (
    Column("CONTAINER ID", "id"),
    Column("NAME", "name"),
    Column("CPU %", "cpu_percent"),
    Column("MEM USAGE / LIMIT", "memory_usage"),
    Column("MEM %", "memory_percent"),
    Column("NET I/O", "network_io"),
    Column("BLOCK I/O", "block_io"),
    Column("PIDS", "pids"),
)
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


class StatsOptions(Options):
    """Options of ``stats``."""

    containers: list[str]
    no_stream: bool
    format: str


def _arguments(parser: Parser) -> None:
    parser.add_argument("--no-stream", action="store_true", help="once, instead of every second")
    format_argument(parser)
    parser.add_argument("containers", metavar="CONTAINER", nargs="*", help="only these [all that run]")


async def _stats(engine: Engine, options: StatsOptions) -> int:
    wanted = {(await engine.containers.get(reference)).id for reference in options.containers}
    if options.no_stream:
        await _show(engine, await engine.sample_once(), wanted, options)
        return 0
    async for snapshot in engine.samples():
        if sys.stdout.isatty() and options.format == "table":
            sys.stdout.write(_HOME_AND_CLEAR)
        await _show(engine, snapshot, wanted, options)
        await asyncio.to_thread(sys.stdout.flush)
    return 0


async def _show(engine: Engine, snapshot: Snapshot, wanted: set[str], options: StatsOptions) -> None:
    containers = [c for c in await engine.containers.list() if not wanted or c.id in wanted]
    memory_total = snapshot.host.memory_total_bytes
    rows = [
        stats_row(container, sample, memory_total)
        for container in containers
        if (sample := snapshot.containers.get(container.id)) is not None
    ]
    if options.format == "json":
        write_json(rows)
    else:
        write_lines(table(rows, _COLUMNS))


def stats_row(container: Container, sample: ContainerSample, memory_total_bytes: int) -> StatsRow:
    """One container's use; without a limit the machine's memory is the limit."""
    limit = sample.memory_limit_bytes or memory_total_bytes
    share = 100 * sample.memory_bytes / limit if limit else 0.0
    return StatsRow(
        id=container.short_id,
        container=container.short_id,
        name=container.name,
        cpu_percent=f"{sample.cpu_percent:.2f}%",
        memory_usage=f"{binary_size(sample.memory_bytes)} / {binary_size(limit)}",
        memory_percent=f"{share:.2f}%",
        network_io=f"{decimal_size(sample.network_received_bytes)} / {decimal_size(sample.network_sent_bytes)}",
        block_io=f"{decimal_size(sample.block_read_bytes)} / {decimal_size(sample.block_written_bytes)}",
        pids=str(sample.pids),
    )


STATS = Command(StatsOptions, _arguments, with_engine(_stats))
