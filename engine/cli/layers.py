"""``boxdeck image layers``, ``image tree``, ``image which`` and ``boxdeck diff``: the union file system, explained."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import LayerRow, SightingRow, TreeRow
from engine.cli.formats import decimal_size
from engine.cli.output import Column, ListOptions, list_arguments, shortened, show_list, write_lines
from engine.cli.progress import shown
from engine.errors import NotFound
from engine.layers import Commit
from engine.model import Layer, Sighting, TreeEntry
from engine.printable import printable

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.images.explorer import Explorer

_LAYERS = """The layers that an image is made of, the topmost first; with a container's name, its own layer above them.
What a layer wastes are files of lower layers that it replaces or hides: nobody sees them, everybody carries them."""
_TREE = """What a container sees below a path, and which layer each file comes from."""
_WHICH = """The layer that a file comes from, and the layers below whose files of the same name it hides."""

_LAYER_COLUMNS = (
    Column("LAYER", "layer"),
    Column("DIFF ID", "id"),
    Column("SIZE", "size"),
    Column("ADDED", "added"),
    Column("CHANGED", "changed"),
    Column("REMOVED", "removed"),
    Column("WASTED", "wasted"),
    Column("CREATED BY", "created_by"),
)
_TREE_COLUMNS = (
    Column("KIND", "kind"),
    Column("SIZE", "size"),
    Column("LAYER", "layer"),
    Column("PATH", "path"),
)
_SIGHTING_COLUMNS = (
    Column("LAYER", "layer"),
    Column("DIFF ID", "id"),
    Column("ACTION", "action"),
    Column("SIZE", "size"),
    Column("CREATED BY", "created_by"),
)
_LETTERS = {"added": "A", "changed": "C", "removed": "D"}
_WORDS_SHOWN = 60
_ITS_OWN = "-"


class LayersOptions(ListOptions):
    """Options of ``image layers``, and what ``image which`` and ``image tree`` take as well."""

    reference: str


class PathOptions(LayersOptions):
    """Options of ``image which``."""

    path: str


class TreeOptions(PathOptions):
    """Options of ``image tree``."""

    depth: int


class DiffOptions(Options):
    """Options of ``diff``."""

    container: str


class CommitOptions(Options):
    """Options of ``commit``."""

    author: str
    change: list[str]
    message: str
    pause: bool
    container: str
    name: str | None


def _layers_arguments(parser: Parser) -> None:
    parser.description = _LAYERS
    list_arguments(parser)
    parser.add_argument("reference", metavar="IMAGE|CONTAINER", help="a name, id, or beginning of an id")


def _tree_arguments(parser: Parser) -> None:
    _layers_arguments(parser)
    parser.description = _TREE
    parser.add_argument("-L", "--depth", metavar="LEVELS", type=_depth, default=1, help="how deep; 0 for all [1]")
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="where to begin [/]")


def _which_arguments(parser: Parser) -> None:
    _layers_arguments(parser)
    parser.description = _WHICH
    parser.add_argument("path", metavar="PATH", help="such as /etc/passwd")


def _depth(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of levels")
    return int(text)


async def _layers(engine: Engine, options: LayersOptions) -> int:
    explorer = await explore(engine, options.reference)
    rows = [layer_row(layer, options.no_trunc) for layer in reversed(explorer.layers())]
    show_list(rows, _LAYER_COLUMNS, "id", options)
    return 0


async def _tree(engine: Engine, options: TreeOptions) -> int:
    explorer = await explore(engine, options.reference)
    explorer.require(options.path)
    entries = explorer.stack.entries(options.path, options.depth or None)
    show_list([tree_row(entry) for entry in entries], _TREE_COLUMNS, "path", options)
    return 0


async def _which(engine: Engine, options: PathOptions) -> int:
    explorer = await explore(engine, options.reference)
    explorer.require(options.path)
    words = {layer.number: layer.instruction for layer in explorer.layers()}
    found = explorer.stack.sightings(options.path)
    rows = [sighting_row(each, words[each.layer], options.no_trunc) for each in found]
    show_list(rows, _SIGHTING_COLUMNS, "id", options)
    return 0


async def explore(engine: Engine, reference: str) -> Explorer:
    """Of a container if one goes by that name, otherwise of an image."""
    try:
        return await engine.layers.explore(reference)
    except NotFound:
        return await engine.images.explore(reference)


def layer_row(layer: Layer, whole: bool = False) -> LayerRow:
    """A layer as a list shows it."""
    return LayerRow(
        layer=str(layer.number),
        id=_digits(layer.diff_id, whole),
        size=decimal_size(layer.size_bytes),
        added=str(layer.added),
        changed=str(layer.changed),
        removed=str(layer.removed),
        wasted=decimal_size(layer.wasted_bytes),
        created_by=_words(layer.instruction, whole),
    )


def tree_row(entry: TreeEntry) -> TreeRow:
    """A file as a list shows it."""
    path = f"{entry.path} -> {entry.link}" if entry.link else entry.path
    return TreeRow(kind=entry.kind, size=decimal_size(entry.size_bytes), layer=str(entry.layer), path=path)


def sighting_row(sighting: Sighting, instruction: str, whole: bool = False) -> SightingRow:
    """What a layer does to a path, as a list shows it."""
    return SightingRow(
        layer=str(sighting.layer),
        id=_digits(sighting.diff_id, whole),
        action=sighting.action,
        size=decimal_size(sighting.size_bytes),
        created_by=_words(instruction, whole),
    )


def _digits(diff_id: str, whole: bool) -> str:
    return (diff_id if whole else diff_id.partition(":")[2][:12]) or _ITS_OWN


def _words(instruction: str, whole: bool) -> str:
    words = " ".join(instruction.split())
    return words if whole else shortened(words, _WORDS_SHOWN)


def _diff_arguments(parser: Parser) -> None:
    parser.add_argument("container", metavar="CONTAINER", help="a name, id, or beginning of an id")


async def _diff(engine: Engine, options: DiffOptions) -> int:
    changes = await engine.layers.changes(options.container)
    write_lines([printable(f"{_LETTERS[change.action]} {change.path}") for change in changes])
    return 0


def _commit_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-a", "--author", metavar="NAME", default="", help="who has made it")
    add("-c", "--change", metavar="WORDS", action="append", default=[], help="a Dockerfile's, such as 'CMD [\"sh\"]'")
    add("-m", "--message", metavar="TEXT", default="", help="for its history")
    add("-p", "--pause", action="store_true", default=True, help="have it stand still meanwhile [true]")
    add("--no-pause", dest="pause", action="store_false", help="let it run on meanwhile; the same as --pause=false")
    add("container", metavar="CONTAINER", help="a name, id, or beginning of an id")
    add("name", metavar="NAME[:TAG]", nargs="?", help="what to call the image")


async def _commit(engine: Engine, options: CommitOptions) -> int:
    wanted = Commit(
        name=options.name,
        changes=tuple(options.change),
        author=options.author,
        message=options.message,
        pause=options.pause,
    )
    image = await shown(engine.layers.commit(options.container, wanted))
    write_lines([image.id])
    return 0


COMMIT = Command(CommitOptions, _commit_arguments, with_engine(_commit))
DIFF = Command(DiffOptions, _diff_arguments, with_engine(_diff))
LAYERS = Command(LayersOptions, _layers_arguments, with_engine(_layers))
TREE = Command(TreeOptions, _tree_arguments, with_engine(_tree))
WHICH = Command(PathOptions, _which_arguments, with_engine(_which))
