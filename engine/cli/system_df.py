"""``boxdeck system df``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import DiskRow
from engine.cli.formats import decimal_size
from engine.cli.output import Column, format_argument, list_lines, write_json, write_lines
from engine.cli.templates import Format

if TYPE_CHECKING:
    from engine.disk_use import DiskUse
    from engine.engine import Engine

_COLUMNS = (
    Column("TYPE", "type"),
    Column("TOTAL", "total_count", is_number=True),
    Column("ACTIVE", "active", is_number=True),
    Column("SIZE", "size", is_number=True),
    Column("RECLAIMABLE", "reclaimable"),
)


class DfOptions(Options):
    """Options of ``system df``."""

    format: Format
    verbose: bool


def _arguments(parser: Parser) -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help="each image, container and volume by itself")
    format_argument(parser)


async def _df(engine: Engine, options: DfOptions) -> int:
    if options.verbose:
        from engine.cli.system_df_verbose import show

        show(await engine.disk_details(), options.format)
        return 0
    rows = [_row(use) for use in await engine.disk_use()]
    if options.format.name == "json":
        write_json(rows)
    else:
        write_lines(list_lines(rows, _COLUMNS, options.format))
    return 0


def _row(use: DiskUse) -> DiskRow:
    share = f" ({100 * use.reclaimable_bytes // use.size_bytes}%)" if use.size_bytes else ""
    return DiskRow(
        type=use.kind,
        total_count=str(use.count),
        active=str(use.active),
        size=decimal_size(use.size_bytes),
        reclaimable=decimal_size(use.reclaimable_bytes) + share,
    )


DF = Command(DfOptions, _arguments, with_engine(_df))
