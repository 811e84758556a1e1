"""``boxdeck system df --verbose``: each image, container and volume by itself."""

from __future__ import annotations

import time

from engine.cli.documents import ContainerDiskRow, DiskDocument, ImageDiskRow, VolumeDiskRow
from engine.cli.formats import decimal_size
from engine.cli.images import image_rows
from engine.cli.listing import container_row
from engine.cli.output import Column, table, write_json, write_lines
from engine.cli.templates import Format
from engine.disk_details import ContainerDisk, DiskDetails, ImageDisk

_IMAGES = (
    Column("REPOSITORY", "repository"),
    Column("TAG", "tag"),
    Column("IMAGE ID", "id"),
    Column("CREATED", "created_since"),
    Column("SIZE", "size", is_number=True),
    Column("SHARED SIZE", "shared_size", is_number=True),
    Column("UNIQUE SIZE", "unique_size", is_number=True),
    Column("CONTAINERS", "containers", is_number=True),
)
_CONTAINERS = (
    Column("CONTAINER ID", "id"),
    Column("IMAGE", "image"),
    Column("COMMAND", "command"),
    Column("LOCAL VOLUMES", "local_volumes", is_number=True),
    Column("SIZE", "size", is_number=True),
    Column("CREATED", "running_for"),
    Column("STATUS", "status"),
    Column("NAMES", "names"),
)
_VOLUMES = (
    Column("VOLUME NAME", "name"),
    Column("LINKS", "links", is_number=True),
    Column("SIZE", "size", is_number=True),
)


def show(details: DiskDetails, wanted: Format) -> None:
    """Print three tables, one JSON document, or what a template makes of that.

    Raises:
        InvalidRequest: the template has a field that the document doesn't have.
    """
    document = _document(details, time.time_ns())
    if wanted.name == "json":
        write_json(document)
    elif wanted.name == "template":
        write_lines([wanted.line(document)])
    else:
        write_lines(["Images space usage:", "", *table(document.images, _IMAGES)])
        write_lines(["", "Containers space usage:", "", *table(document.containers, _CONTAINERS)])
        write_lines(["", "Local Volumes space usage:", "", *table(document.volumes, _VOLUMES)])


def _document(details: DiskDetails, now_unix_ns: int) -> DiskDocument:
    return DiskDocument(
        images=tuple(row for disk in details.images for row in _image(disk, now_unix_ns)),
        containers=tuple(_container(disk, now_unix_ns) for disk in details.containers),
        volumes=tuple(
            VolumeDiskRow(name=disk.volume.name, links=str(len(disk.volume.users)), size=decimal_size(disk.size_bytes))
            for disk in details.volumes
        ),
    )


def _image(disk: ImageDisk, now_unix_ns: int) -> list[ImageDiskRow]:
    return [
        ImageDiskRow(
            repository=row.repository,
            tag=row.tag,
            id=row.id,
            created_since=row.created_since,
            size=decimal_size(disk.shared_bytes + disk.unique_bytes),
            shared_size=decimal_size(disk.shared_bytes),
            unique_size=decimal_size(disk.unique_bytes),
            containers=row.containers,
        )
        for row in image_rows(disk.image, disk.containers, now_unix_ns)
    ]


def _container(disk: ContainerDisk, now_unix_ns: int) -> ContainerDiskRow:
    row = container_row(disk.container, now_unix_ns)
    return ContainerDiskRow(
        id=row.id,
        image=row.image,
        command=row.command,
        local_volumes=str(len(disk.container.request.volumes)),
        size=decimal_size(disk.size_bytes),
        running_for=row.running_for,
        status=row.status,
        names=row.names,
    )
