"""``boxdeck images``, ``load``, ``import`` and ``rmi``."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import ImageRow
from engine.cli.failure import fail
from engine.cli.formats import decimal_size, duration, local_time
from engine.cli.image_filters import KEYS, ImageFilter, filtered, image_filter
from engine.cli.output import Column, ListOptions, list_arguments, show_list, write_lines
from engine.cli.progress import shown
from engine.errors import BoxdeckError, InvalidRequest, NotFound
from engine.model import Image
from engine.oci.reference import parse_reference
from engine.paths import Paths

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (
    Column("REPOSITORY", "repository"),
    Column("TAG", "tag"),
    Column("IMAGE ID", "id"),
    Column("CREATED", "created_since"),
    Column("SIZE", "size"),
)
_WITH_DIGESTS = (*_COLUMNS[:2], Column("DIGEST", "digest"), *_COLUMNS[2:])
_NONE = "<none>"
_STDIN = "-"


class ImagesOptions(ListOptions):
    """Options of ``images``."""

    all: bool
    digests: bool
    filters: list[ImageFilter]
    name: str | None


class ImportOptions(Options):
    """Options of ``import``."""

    change: list[str]
    message: str | None
    file: str
    reference: str


class PullOptions(Options):
    """Options of ``pull``."""

    references: list[str]
    platform: str | None
    quiet: bool


class LoadOptions(Options):
    """Options of ``load``."""

    input: str | None
    path: str | None
    quiet: bool


class RemoveImageOptions(Options):
    """Options of ``rmi``."""

    images: list[str]
    force: bool


def _images_arguments(parser: Parser) -> None:
    list_arguments(parser)
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="the same: there are no images in between")
    add("--digests", action="store_true", help="with the digests of manifests")
    add(
        "-f", "--filter", metavar="KEY=VALUE", dest="filters", type=image_filter, action="append", default=[],
        help=f"only those with this {', '.join(KEYS)}; may be repeated, and all must pass",
    )  # fmt: skip
    add("name", metavar="NAME[:TAG]", nargs="?", help="only those of this name; * stands for anything but /")


async def _images(engine: Engine, options: ImagesOptions) -> int:
    filters = [*options.filters, *([ImageFilter("reference", options.name)] if options.name else [])]
    named = {each.value: await engine.images.get(each.value) for each in filters if each.key in ("before", "since")}
    users = [container.image_id for container in await engine.containers.list(all_states=True)]
    now = time.time_ns()
    rows: list[ImageRow] = []
    for image in filtered(await engine.images.list(), filters, named):
        rows += image_rows(image, users.count(image.id), now, options.no_trunc)
    if options.quiet:
        write_lines(list(dict.fromkeys(row.id for row in rows)))
        return 0
    show_list(rows, _WITH_DIGESTS if options.digests else _COLUMNS, "id", options)
    return 0


def image_rows(image: Image, containers: int, now_unix_ns: int, whole: bool = False) -> list[ImageRow]:
    """An image as lists show it: a row for each of its names, or one without a name."""
    return [
        ImageRow(
            id=image.id if whole else image.id.partition(":")[2][:12],
            repository=repository,
            tag=tag,
            digest=image.manifest_digest,
            created_at=local_time(image.created_unix_ns),
            created_since=f"{duration((now_unix_ns - image.created_unix_ns) / 1e9)} ago",
            size=decimal_size(image.size_bytes),
            containers=str(containers),
        )
        for repository, tag in map(_split, image.references or (f"{_NONE}:{_NONE}",))
    ]


def _split(reference: str) -> tuple[str, str]:
    repository, _, tag = reference.rpartition(":")
    name, is_digest, _ = reference.partition("@")
    return (name, _NONE) if is_digest else (repository, tag)


def _pull_arguments(parser: Parser) -> None:
    parser.add_argument("--platform", metavar="OS/ARCH", help="such as linux/arm64 [this machine's]")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what the image is called")
    parser.add_argument("references", metavar="NAME[:TAG|@DIGEST]", nargs="+", help="what to pull")


async def _pull(engine: Engine, options: PullOptions) -> int:
    for reference in options.references:
        job = engine.images.pull(reference, options.platform)
        image = await (job if options.quiet else shown(job))
        write_lines([parse_reference(reference).canonical if options.quiet else image.id])
    return 0


def _load_arguments(parser: Parser) -> None:
    parser.add_argument("-i", "--input", metavar="FILE", help="the same as PATH")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing")
    parser.add_argument("path", metavar="PATH", nargs="?", help="a folder or tar file; standard input without it")


async def _load(engine: Engine, options: LoadOptions) -> int:
    if options.input and options.path:
        raise InvalidRequest("load takes one file or folder", "leave out --input or the path")
    with _file(options.input or options.path or _STDIN, engine.paths) as path:
        images = await shown(engine.images.load(path))
    if not options.quiet:
        write_lines([line for image in images for line in _loaded_lines(image)])
    return 0


def _loaded_lines(image: Image) -> list[str]:
    return [f"Loaded image: {name}" for name in image.references] or [f"Loaded image ID: {image.id}"]


def _import_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-c", "--change", metavar="WORDS", action="append", default=[], help="a Dockerfile's, such as 'CMD [\"sh\"]'")
    add("-m", "--message", metavar="TEXT", help="for its history")
    parser.add_argument("file", metavar="FILE", help="a tar, plain or compressed; - is standard input")
    parser.add_argument("reference", metavar="NAME[:TAG]", help="what to call the image")


async def _import(engine: Engine, options: ImportOptions) -> int:
    with _file(options.file, engine.paths) as path:
        job = engine.images.import_rootfs(path, options.reference, tuple(options.change), options.message)
        image = await shown(job)
    write_lines([image.id])
    return 0


@contextmanager
def _file(name: str, paths: Paths) -> Iterator[Path]:
    """A path for what was given; standard input is written down first, since archives are read more than once."""
    if name != _STDIN:
        yield Path(name)
        return
    if sys.stdin.isatty():
        raise InvalidRequest("there is nothing to read", "name a file, or send one to standard input")
    paths.temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=paths.temporary) as folder:
        path = Path(folder, "stdin")  # images without a name of their own are called after their file
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="take its name away even while containers use it")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="names, ids, or beginnings of ids")


async def _remove(engine: Engine, options: RemoveImageOptions) -> int:
    status = 0
    for reference in options.images:
        try:
            write_lines(await engine.images.remove(reference, options.force))
        except BoxdeckError as error:
            failure = fail(str(error), error.exit_status)
            status = status if options.force and isinstance(error, NotFound) else failure
    return status


IMAGES = Command(ImagesOptions, _images_arguments, with_engine(_images))
PULL = Command(PullOptions, _pull_arguments, with_engine(_pull))
LOAD = Command(LoadOptions, _load_arguments, with_engine(_load))
IMPORT = Command(ImportOptions, _import_arguments, with_engine(_import))
RMI = Command(RemoveImageOptions, _remove_arguments, with_engine(_remove))
