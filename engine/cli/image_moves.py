"""``boxdeck push``, ``tag``, ``save``, ``export`` and ``history``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import HistoryRow
from engine.cli.formats import decimal_size, duration, rfc3339
from engine.cli.output import Column, ListOptions, list_arguments, shortened, show_list, write_lines
from engine.cli.progress import shown
from engine.errors import InvalidRequest, StoreError
from engine.model import HistoryStep

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (
    Column("LAYER", "id"),
    Column("CREATED", "created_since"),
    Column("CREATED BY", "created_by"),
    Column("SIZE", "size"),
    Column("COMMENT", "comment"),
)
_NOT_A_LAYER = "-"
_WORDS_SHOWN = 60


class PushOptions(Options):
    """Options of ``push``."""

    reference: str
    target: str | None
    quiet: bool


class TagOptions(Options):
    """Options of ``tag``."""

    source: str
    target: str


class SaveOptions(Options):
    """Options of ``save``."""

    output: str | None
    format: str
    references: list[str]


class ExportOptions(Options):
    """Options of ``export``."""

    output: str | None
    container: str


class HistoryOptions(ListOptions):
    """Options of ``history``."""

    human: bool
    image: str


def _push_arguments(parser: Parser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="print only the digest")
    parser.add_argument("reference", metavar="NAME[:TAG]", help="the image here")
    parser.add_argument("target", metavar="TARGET", nargs="?", help="what it is to be called there [the same]")


async def _push(engine: Engine, options: PushOptions) -> int:
    job = engine.images.push(options.reference, options.target)
    digest = await (job if options.quiet else shown(job))
    write_lines([digest if options.quiet else f"{options.target or options.reference}: digest: {digest}"])
    return 0


def _tag_arguments(parser: Parser) -> None:
    parser.add_argument("source", metavar="IMAGE", help="a name, id, or beginning of an id")
    parser.add_argument("target", metavar="NAME[:TAG]", help="the further name")


async def _tag(engine: Engine, options: TagOptions) -> int:
    await engine.images.tag(options.source, options.target)
    return 0


def _save_arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="PATH", help="where to; standard output without it")
    parser.add_argument(
        "--format", choices=("oci-archive", "docker-archive", "oci-dir"), default="oci-archive",
        help="a tar (the first two are the same one, which both kinds of tools read) or a folder [oci-archive]",
    )  # fmt: skip
    parser.add_argument("references", metavar="IMAGE", nargs="+", help="names, ids, or beginnings of ids")


async def _save(engine: Engine, options: SaveOptions) -> int:
    if options.format == "oci-dir":
        if options.output is None:
            raise InvalidRequest("a folder is nothing for standard output", "name it with -o")
        await shown(engine.images.save(options.references, Path(options.output)))
        return 0
    with _output(options.output) as file:
        await shown(engine.images.save(options.references, file))
    return 0


@contextmanager
def _output(name: str | None) -> Iterator[BinaryIO]:
    """A file that is there only when all of it is, or standard output."""
    if name is None:
        if sys.stdout.isatty():
            raise InvalidRequest("an archive is nothing for a terminal", "name a file with -o, or redirect the output")
        yield sys.stdout.buffer
        return
    aside = Path(f"{name}.{os.getpid()}")
    try:
        with aside.open("xb") as file:
            yield file
        os.rename(aside, name)
    except OSError as error:
        raise StoreError(f"{name} can't be written ({error.strerror})", "choose another place") from error
    finally:
        aside.unlink(missing_ok=True)


def _export_arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where to; standard output without it")
    parser.add_argument("container", metavar="CONTAINER", help="a name, id, or beginning of an id")


async def _export(engine: Engine, options: ExportOptions) -> int:
    with _output(options.output) as file:
        await shown(engine.layers.export(options.container, file))
    return 0


def _history_arguments(parser: Parser) -> None:
    list_arguments(parser)
    words = "sizes and times as people read them; --human=false for in bytes and whole [true]"
    parser.add_argument("-H", "--human", action="store_true", default=True, help=words)
    parser.add_argument("image", metavar="IMAGE", help="a name, id, or beginning of an id")


async def _history(engine: Engine, options: HistoryOptions) -> int:
    now = time.time_ns()
    found = await engine.images.history(options.image)
    show_list([history_row(step, now, options.no_trunc, options.human) for step in found], _COLUMNS, "id", options)
    return 0


def history_row(step: HistoryStep, now_unix_ns: int, whole: bool = False, human: bool = True) -> HistoryRow:
    """One step as a list shows it."""
    digits = step.diff_id.partition(":")[2]
    words = " ".join(step.instruction.split())
    return HistoryRow(
        id=(step.diff_id if whole else digits[:12]) or _NOT_A_LAYER,
        created_since=_since(step.created_unix_ns, now_unix_ns, human) if step.created_unix_ns else "",
        created_by=words if whole else shortened(words, _WORDS_SHOWN),
        size=decimal_size(step.size_bytes) if human else str(step.size_bytes),
        comment=step.comment,
    )


def _since(created_unix_ns: int, now_unix_ns: int, human: bool) -> str:
    return f"{duration((now_unix_ns - created_unix_ns) / 1e9)} ago" if human else rfc3339(created_unix_ns)


PUSH = Command(PushOptions, _push_arguments, with_engine(_push))
TAG = Command(TagOptions, _tag_arguments, with_engine(_tag))
SAVE = Command(SaveOptions, _save_arguments, with_engine(_save))
EXPORT = Command(ExportOptions, _export_arguments, with_engine(_export))
HISTORY = Command(HistoryOptions, _history_arguments, with_engine(_history))
