"""``boxdeck ps``."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.cli.command import Command, Parser, with_engine
from engine.cli.container_filters import PS_KEYS, ContainerFilter, filtered, ps_filter
from engine.cli.documents import ContainerRow
from engine.cli.formats import decimal_size, duration, local_time
from engine.cli.output import Column, ListOptions, list_arguments, shortened, show_list
from engine.health import Health
from engine.model import Container, ContainerRequest, State
from engine.network import port_notation

if TYPE_CHECKING:
    from engine.engine import Engine

_COLUMNS = (
    Column("CONTAINER ID", "id"),
    Column("IMAGE", "image"),
    Column("COMMAND", "command"),
    Column("CREATED", "running_for"),
    Column("STATUS", "status"),
    Column("PORTS", "ports"),
    Column("NAMES", "names"),
)
_SIZE = Column("SIZE", "size")
_COMMAND_WIDTH, _MOUNT_WIDTH = 20, 15  # docker's


class PsOptions(ListOptions):
    """Options of ``ps``."""

    all: bool
    filters: list[ContainerFilter]
    last: int
    latest: bool
    size: bool


def _arguments(parser: Parser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="those that don't run, too")
    parser.add_argument(
        "-f", "--filter", metavar="KEY=VALUE", dest="filters", type=ps_filter, action="append", default=[],
        help=f"only those with this {', '.join(PS_KEYS)}; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--last", metavar="COUNT", type=int, default=-1, help="the newest, whether they run or not"
    )
    parser.add_argument("-l", "--latest", action="store_true", help="the newest, whether it runs or not")
    parser.add_argument("-s", "--size", action="store_true", help="also how much each has written")
    list_arguments(parser)


async def _ps(engine: Engine, options: PsOptions) -> int:
    now = time.time_ns()
    count = 1 if options.latest else options.last
    every = await engine.containers.list(all_states=True)
    exposed = await _exposed(engine) if any(each.key == "expose" for each in options.filters) else None
    passing = filtered(every, options.filters, exposed)
    containers = [container for container in passing if _is_wanted(container, options)]
    containers = containers[:count] if count >= 0 else containers
    rows = [container_row(container, now, options.no_trunc) for container in containers]
    if options.size or "Size" in options.format.fields:
        rows = [replace(row, size=size) for row, size in zip(rows, await _sizes(engine, containers), strict=True)]
    show_list(rows, (*_COLUMNS, _SIZE) if options.size else _COLUMNS, "id", options)
    return 0


async def _sizes(engine: Engine, containers: list[Container]) -> list[str]:
    """Docker's words: ``12.3kB (virtual 45.6MB)``."""
    images = {image.id: image.size_bytes for image in await engine.images.list()}
    written = [await engine.containers.written_bytes(container.id) for container in containers]
    return [
        f"{decimal_size(size)} (virtual {decimal_size(size + images.get(container.image_id, 0))})"
        for container, size in zip(containers, written, strict=True)
    ]


async def _exposed(engine: Engine) -> dict[str, tuple[str, ...]]:
    """The ports that images expose, by the images' ids."""
    return {image.id: image.config.exposed_ports for image in await engine.images.list()}


def _is_wanted(container: Container, options: PsOptions) -> bool:
    """Whether its state is one that is listed; whoever names states or asks for the newest wants them all."""
    names_states = any(each.key in ("status", "exited") for each in options.filters)
    is_alive = container.is_running or container.state is State.RESTARTING
    return is_alive or options.all or options.latest or options.last >= 0 or names_states


def container_row(container: Container, now_unix_ns: int, whole: bool = False) -> ContainerRow:
    """A container as lists show it; shortened unless `whole`."""
    command = shlex.join(container.argv)
    width = sys.maxsize if whole else _MOUNT_WIDTH
    return ContainerRow(
        id=container.id if whole else container.short_id,
        image=container.request.image,
        command=f'"{command if whole else shortened(command, _COMMAND_WIDTH - 2)}"',
        created_at=local_time(container.created_unix_ns),
        running_for=f"{_since(container.created_unix_ns, now_unix_ns)} ago",
        status=status_words(container, now_unix_ns),
        state=container.state.value,
        names=container.name,
        labels=",".join(f"{key}={value}" for key, value in container.request.labels.items()),
        mounts=",".join(shortened(mount, width) for mount in _mounts(container.request)),
        local_volumes=str(len(container.request.volumes)),
        networks=",".join(end.network for end in container.endpoints) or container.request.network,
        ports=port_notation.summary(port_notation.in_force(container)),
    )


_FIXED_WORDS = {State.CREATED: "Created", State.REMOVING: "Removal In Progress", State.DEAD: "Dead"}


def _mounts(request: ContainerRequest) -> tuple[str, ...]:
    """Volumes by name, and folders of the host's."""
    places = {mount.destination for mount in request.volumes}
    binds = (bind.source for bind in request.binds if bind.destination not in places)
    return (*(mount.name for mount in request.volumes), *binds)


def status_words(container: Container, now_unix_ns: int) -> str:
    """Docker's words: ``Created``, ``Up 3 minutes``, ``Exited (0) 2 hours ago``."""
    if (fixed := _FIXED_WORDS.get(container.state)) is not None:
        return fixed
    if container.is_running:
        paused = " (Paused)" if container.state is State.PAUSED else ""
        well = f" ({_health_words(container.health)})" if container.health is not None and not paused else ""
        return f"Up {_since(container.started_unix_ns, now_unix_ns)}{paused}{well}"
    if container.state is State.RESTARTING:
        return f"Restarting ({container.exit_status}) {_since(container.finished_unix_ns, now_unix_ns)} ago"
    return f"Exited ({container.exit_status}) {_since(container.finished_unix_ns, now_unix_ns)} ago"


def _health_words(health: Health) -> str:
    return "health: starting" if health.state == "starting" else health.state


def _since(then_unix_ns: int | None, now_unix_ns: int) -> str:
    return duration((now_unix_ns - (then_unix_ns or now_unix_ns)) / 1e9)


PS = Command(PsOptions, _arguments, with_engine(_ps))
