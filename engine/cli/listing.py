"""``boxdeck ps``."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from engine.cli.command import Command, Parser, with_engine
from engine.cli.documents import ContainerRow
from engine.cli.formats import duration, local_time
from engine.cli.output import Column, ListOptions, list_arguments, shortened, show_list
from engine.model import Container, State

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
_COMMAND_WIDTH = 20  # docker's


class PsOptions(ListOptions):
    """Options of ``ps``."""

    all: bool


def _arguments(parser: Parser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="those that don't run, too")
    list_arguments(parser)


async def _ps(engine: Engine, options: PsOptions) -> int:
    now = time.time_ns()
    containers = await engine.containers.list(all_states=options.all)
    show_list([container_row(c, now, options.no_trunc) for c in containers], _COLUMNS, "id", options)
    return 0


def container_row(container: Container, now_unix_ns: int, whole: bool = False) -> ContainerRow:
    """A container as lists show it; shortened unless `whole`."""
    command = shlex.join(container.argv)
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
        networks=container.request.network,
    )


def status_words(container: Container, now_unix_ns: int) -> str:
    """Docker's words: ``Created``, ``Up 3 minutes``, ``Exited (0) 2 hours ago``."""
    if container.state is State.CREATED:
        return "Created"
    if container.is_running:
        paused = " (Paused)" if container.state is State.PAUSED else ""
        return f"Up {_since(container.started_unix_ns, now_unix_ns)}{paused}"
    return f"Exited ({container.exit_status}) {_since(container.finished_unix_ns, now_unix_ns)} ago"


def _since(then_unix_ns: int | None, now_unix_ns: int) -> str:
    return duration((now_unix_ns - (then_unix_ns or now_unix_ns)) / 1e9)


PS = Command(PsOptions, _arguments, with_engine(_ps))
