"""``boxdeck stats``."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

from engine.cli.command import Command, Options, Parser, Roots
from engine.cli.documents import StatsRow
from engine.cli.formats import binary_size, decimal_size
from engine.cli.json_text import compact_json
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.stats_table import stats_lines
from engine.cli.templates import Format
from engine.cli.values import seconds
from engine.errors import NotFound
from engine.linux import machine

if TYPE_CHECKING:
    from engine.glance import Glance
    from engine.model import Container, ContainerSample, MemorySample

UNKNOWN = "--"  # docker's word for a figure that isn't there

_FIRST_SECONDS = 0.25  # rates need two looks: the second follows the first soon
_SHORTEST_SECONDS = 0.1


class StatsOptions(Options):
    """Options of ``stats``."""

    containers: list[str]
    all: bool
    no_stream: bool
    no_trunc: bool
    interval: float
    history: Literal["hour", "day"] | None
    format: Format


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="those that don't run, too")
    add("--no-stream", action="store_true", help="once, instead of again and again")
    add("--no-trunc", action="store_true", help="don't shorten ids")
    add("-i", "--interval", metavar="SECONDS", type=_interval, default=1.0, help="from one look to the next [1]")
    add("--history", choices=("hour", "day"), help="the past instead, by the second or the minute")
    format_argument(parser)
    add("containers", metavar="CONTAINER", nargs="*", help="only these, running or not [all that run]")


def _interval(text: str) -> float:
    number = seconds(text)
    if not _SHORTEST_SECONDS <= number <= 3600:
        raise ArgumentTypeError(f"{text} is no interval between {_SHORTEST_SECONDS} and 3600 seconds")
    return number


def _stats(roots: Roots, options: StatsOptions) -> int:
    from engine.glance import Glance

    with Glance.open(roots.root, roots.runroot) as glance:
        if options.history is not None:
            return _show_past(glance, options, options.history)
        view = _View(glance, options)
        if options.no_stream:
            view.rows()
            time.sleep(_FIRST_SECONDS)
            _write(view.rows() or [], options.format)
        else:
            with suppress(KeyboardInterrupt):  # how one leaves it
                _follow(view, options)
    return 0


def _show_past(glance: Glance, options: StatsOptions, span: Literal["hour", "day"]) -> int:
    from engine.cli.stats_history import show_history

    every = glance.all() if options.all else glance.running()
    named = tuple(glance.find(reference) for reference in options.containers)
    show_history(glance, named or every, span, options.format)
    return 0


class _View:
    """The rows that are asked for, look by look.

    Raises:
        NotFound: one of the containers named doesn't exist.
    """

    def __init__(self, glance: Glance, options: StatsOptions) -> None:
        self._glance = glance
        self._options = options
        self._named = [glance.find(reference).id for reference in options.containers]
        self._total_bytes = machine.memory_bytes()

    def rows(self) -> list[StatsRow] | None:
        """A row a container; None when all that were named have been removed."""
        containers = self._containers()
        samples = self._glance.samples()
        shows_idle = bool(self._named) or self._options.all
        if self._named and not containers:
            return None
        return [
            stats_row(container, samples.get(container.id), self._total_bytes, self._options.no_trunc)
            for container in containers
            if shows_idle or container.id in samples
        ]

    def _containers(self) -> Sequence[Container]:
        running = self._glance.recorded() if self._options.no_stream else self._glance.running()
        if self._named:
            known = {container.id: container for container in running}
            found = (known.get(each) or self._again(each) for each in self._named)
            return [container for container in found if container is not None]
        return self._glance.all() if self._options.all else running

    def _again(self, container_id: str) -> Container | None:
        try:
            return self._glance.find(container_id)
        except NotFound:
            return None


def _follow(view: _View, options: StatsOptions) -> None:
    """Show a look after the other until somebody interrupts; the first without rates, and the second soon after."""
    if sys.stdout.isatty() and options.format.name != "json":
        from engine.cli.live import LiveScreen

        with LiveScreen() as screen:
            _repeat(view, options, lambda rows: screen.draw(partial(stats_lines, rows, options.format)), screen.wait)
    else:
        _repeat(view, options, lambda rows: _write_flushed(rows, options.format), time.sleep)


def _repeat(
    view: _View, options: StatsOptions, show: Callable[[list[StatsRow]], None], wait: Callable[[float], None]
) -> None:
    pause = min(_FIRST_SECONDS, options.interval)
    while True:
        due = time.monotonic() + pause
        rows = view.rows()
        if rows is None:
            return
        show(rows)
        wait(max(due - time.monotonic(), 0))
        pause = options.interval


def _write_flushed(rows: list[StatsRow], wanted: Format) -> None:
    if wanted.name == "json":
        write_lines([compact_json(rows)])
    else:
        write_lines(stats_lines(rows, wanted))
    sys.stdout.flush()


def _write(rows: list[StatsRow], wanted: Format) -> None:
    if wanted.name == "json":
        write_json(rows)
    else:
        width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
        write_lines(stats_lines(rows, wanted, width))


def stats_row(
    container: Container, sample: ContainerSample | None, memory_total_bytes: int, whole_id: bool = False
) -> StatsRow:
    """One container's use; what its controllers don't tell, and all of one that doesn't run, is ``--``."""
    cpu = sample.cpu if sample else None
    memory = sample.memory if sample else None
    io = sample.io if sample else None
    pids = sample.pids if sample else None
    network = sample.network if sample else None
    limit = memory.limit_bytes if memory and memory.limit_bytes else memory_total_bytes
    return StatsRow(
        id=container.id if whole_id else container.short_id,
        container=container.id if whole_id else container.short_id,
        name=container.name,
        cpu_percent=UNKNOWN if cpu is None or cpu.percent is None else f"{cpu.percent:.2f}%",
        memory_usage=f"{UNKNOWN} / {UNKNOWN}" if memory is None else _usage(memory, limit),
        memory_percent=UNKNOWN if memory is None else _share(memory, limit),
        network_io=UNKNOWN if network is None else _both(network.received_bytes, network.sent_bytes),
        block_io=UNKNOWN if io is None else _both(io.read_bytes, io.written_bytes),
        pids=UNKNOWN if pids is None else str(pids.current),
    )


def _usage(memory: MemorySample, limit_bytes: int) -> str:
    return f"{binary_size(memory.working_set_bytes)} / {binary_size(limit_bytes)}"


def _share(memory: MemorySample, limit_bytes: int) -> str:
    return f"{100 * memory.working_set_bytes / limit_bytes:.2f}%" if limit_bytes else UNKNOWN


def _both(one_bytes: int, other_bytes: int) -> str:
    return f"{decimal_size(one_bytes)} / {decimal_size(other_bytes)}"


STATS = Command(StatsOptions, _arguments, _stats)
