"""``boxdeck image waste``: what lower layers hold and nobody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Parser, with_engine
from engine.cli.documents import WasteRow
from engine.cli.formats import decimal_size
from engine.cli.layers import LayersOptions, explore
from engine.cli.output import Column, list_arguments, show_list, write_lines
from engine.model.layer import Waste

if TYPE_CHECKING:
    from engine.engine import Engine

_WASTE = """Files that lower layers hold and nobody sees, since higher ones replace or remove them: the largest first.
Efficiency is counted as dive does: the least size that each path has in any layer, over the sum of all of its sizes."""
_COLUMNS = (Column("WASTED", "wasted"), Column("LAYERS", "layers"), Column("PATH", "path"))


def _arguments(parser: Parser) -> None:
    parser.description = _WASTE
    list_arguments(parser)
    parser.add_argument("reference", metavar="IMAGE|CONTAINER", help="a name, id, or beginning of an id")


async def _waste(engine: Engine, options: LayersOptions) -> int:
    explorer = await explore(engine, options.reference)
    found = explorer.waste()
    show_list([waste_row(each) for each in found], _COLUMNS, "path", options)
    if options.format.name == "table" and not options.quiet:
        wasted = decimal_size(sum(each.wasted_bytes for each in found))
        write_lines([f"{wasted} wasted, efficiency {100 * explorer.efficiency:.1f} %"])
    return 0


def waste_row(waste: Waste) -> WasteRow:
    """A file as the list shows it."""
    return WasteRow(wasted=decimal_size(waste.wasted_bytes), layers=", ".join(map(str, waste.layers)), path=waste.path)


WASTE = Command(LayersOptions, _arguments, with_engine(_waste))
