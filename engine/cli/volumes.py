"""The verbs of ``boxdeck volume``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from engine.cli import values
from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.containers import for_each
from engine.cli.documents import VolumeRow
from engine.cli.formats import rfc3339
from engine.cli.output import (
    Column,
    ListOptions,
    document_format_argument,
    list_arguments,
    show_documents,
    show_list,
    write_lines,
)
from engine.cli.pruning import PruneOptions, agreed, prune_arguments, show
from engine.cli.refused_options import refused_volume_arguments
from engine.cli.templates import Format
from engine.model.volume import Volume

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (Column("DRIVER", "driver"), Column("VOLUME NAME", "name"))
_KEYS = ("name", "label", "dangling")


class CreateVolumeOptions(Options):
    """Options of ``volume create``."""

    name: str | None
    label: list[tuple[str, str]]


class VolumeListOptions(ListOptions):
    """Options of ``volume ls``."""

    filters: list[tuple[str, str]]


class VolumesOptions(Options):
    """Which volumes."""

    volumes: list[str]


class InspectVolumeOptions(VolumesOptions):
    """Options of ``volume inspect``."""

    format: Format


class RemoveVolumeOptions(VolumesOptions):
    """Options of ``volume rm``."""

    force: bool


class VolumePruneOptions(PruneOptions):
    """Options of ``volume prune``."""

    all: bool


def _create_arguments(parser: Parser) -> None:
    parser.add_argument("-d", "--driver", choices=("local",), default="local", help="there is only one [local]")
    parser.add_argument("--label", metavar="KEY=VALUE", type=values.label, action="append", default=[], help="a label")
    refused_volume_arguments(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", help="what to call it [64 digits]")


async def _create(engine: Engine, options: CreateVolumeOptions) -> int:
    write_lines([(await engine.volumes.create(options.name, dict(options.label))).name])
    return 0


def _list_arguments(parser: Parser) -> None:
    list_arguments(parser)
    parser.add_argument(
        "-f", "--filter", metavar="KEY=VALUE", dest="filters", type=_filter, action="append", default=[],
        help="only those with this name, label or dangling (true: no container uses it); may be repeated",
    )  # fmt: skip


def _filter(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if key not in _KEYS or not value:
        raise ArgumentTypeError(f"{text!r} is not {'=…, '.join(_KEYS)}=…")
    return key, value


async def _list(engine: Engine, options: VolumeListOptions) -> int:
    found = [each for each in await engine.volumes.list() if all(_passes(each, *wish) for wish in options.filters)]
    show_list([volume_row(volume) for volume in found], _COLUMNS, "name", options)
    return 0


def _passes(volume: Volume, key: str, value: str) -> bool:
    if key == "name":
        return value in volume.name
    if key == "dangling":
        return values.boolean(value) is not bool(volume.users)
    name, is_exact, wanted = value.partition("=")
    return name in volume.labels and (not is_exact or volume.labels[name] == wanted)


def volume_row(volume: Volume) -> VolumeRow:
    """A volume as it is shown."""
    return VolumeRow(
        name=volume.name,
        mountpoint=volume.path,
        created_at=rfc3339(volume.created_unix_ns),
        labels=volume.labels,
        used_by=volume.users,
    )


def _volumes(parser: Parser) -> None:
    parser.add_argument("volumes", metavar="VOLUME", nargs="+", help="names")


def _inspect_arguments(parser: Parser) -> None:
    document_format_argument(parser)
    _volumes(parser)


async def _inspect(engine: Engine, options: InspectVolumeOptions) -> int:
    show_documents([volume_row(await engine.volumes.get(name)) for name in options.volumes], options.format)
    return 0


def _remove_arguments(parser: Parser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="don't mind when there is none")
    _volumes(parser)


async def _remove(engine: Engine, options: RemoveVolumeOptions) -> int:
    async def remove(name: str) -> None:
        await engine.volumes.remove(name, options.force)

    return await for_each(options.volumes, remove)


def _prune_arguments(parser: Parser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="also those that somebody named")
    prune_arguments(parser)


async def _prune(engine: Engine, options: VolumePruneOptions) -> int:
    which = "every volume that no container uses" if options.all else "every unnamed volume that no container uses"
    if options.force or agreed(which):
        show(await engine.volumes.prune(options.filter, options.all))
    return 0


CREATE = Command(CreateVolumeOptions, _create_arguments, with_engine(_create))
LS = Command(VolumeListOptions, _list_arguments, with_engine(_list))
INSPECT = Command(InspectVolumeOptions, _inspect_arguments, with_engine(_inspect))
RM = Command(RemoveVolumeOptions, _remove_arguments, with_engine(_remove))
PRUNE = Command(VolumePruneOptions, _prune_arguments, with_engine(_prune))
