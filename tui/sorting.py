"""In which order containers are listed."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from engine.model import Container, ContainerSample, Snapshot


class Order(Enum):
    """What comes first; the values stand in the table's frame."""

    AGE = ""
    NAME = "name"
    STATE = "state"
    IMAGE = "image"
    CPU = "cpu"
    MEMORY = "memory"
    SHARE = "mem %"
    NETWORK = "network"
    DISK = "disk"
    PIDS = "pids"
    PORTS = "ports"
    UPTIME = "uptime"
    RESTARTS = "restarts"

    @property
    def moves(self) -> bool:
        """Whether it may be another one after every tick."""
        return self in _AMOUNTS


def in_order(
    containers: tuple[Container, ...], order: Order, snapshot: Snapshot | None, is_reversed: bool = False
) -> tuple[Container, ...]:
    """Containers, of equal ones the newest first.

    Words begin with A, numbers with the highest; those that have no number come last, also the other way round.
    """
    if order is Order.AGE:
        return containers[::-1] if is_reversed else containers
    if order in _WORDS:
        return tuple(sorted(containers, key=_WORDS[order], reverse=is_reversed))
    keyed = [(_number(each, order, snapshot), each) for each in containers]
    known = [(number, each) for number, each in keyed if number is not None]
    known.sort(key=lambda pair: pair[0], reverse=not is_reversed)
    return (*(each for _, each in known), *(each for number, each in keyed if number is None))


def _number(container: Container, order: Order, snapshot: Snapshot | None) -> float | None:
    """What it is ordered by; None where that isn't known."""
    if order is Order.RESTARTS:
        return float(container.restarts + container.automatic_restarts)
    if order is Order.UPTIME:
        return -float(container.started_unix_ns or 0) if container.is_running else None
    sample = snapshot.containers.get(container.id) if snapshot else None
    return _AMOUNTS[order](sample) if sample is not None else None


def _cpu(sample: ContainerSample) -> float | None:
    return sample.cpu.percent if sample.cpu is not None else None


def _memory(sample: ContainerSample) -> float | None:
    return float(sample.memory.working_set_bytes) if sample.memory is not None else None


def _share(sample: ContainerSample) -> float | None:
    memory = sample.memory
    return memory.working_set_bytes / memory.limit_bytes if memory is not None and memory.limit_bytes else None


def _network(sample: ContainerSample) -> float | None:
    network = sample.network
    if network is None:
        return None
    return (network.received_bytes_per_second or 0.0) + (network.sent_bytes_per_second or 0.0)


def _disk(sample: ContainerSample) -> float | None:
    io = sample.io
    return (io.read_bytes_per_second or 0.0) + (io.written_bytes_per_second or 0.0) if io is not None else None


def _pids(sample: ContainerSample) -> float | None:
    return float(sample.pids.current) if sample.pids is not None else None


_AMOUNTS: dict[Order, Callable[[ContainerSample], float | None]] = {
    Order.CPU: _cpu,
    Order.MEMORY: _memory,
    Order.SHARE: _share,
    Order.NETWORK: _network,
    Order.DISK: _disk,
    Order.PIDS: _pids,
}

_NO_PORT = 1 << 16
_WORDS: dict[Order, Callable[[Container], tuple[int | str, ...]]] = {
    Order.NAME: lambda each: (each.name.casefold(),),
    Order.STATE: lambda each: (not each.is_running, each.state.value, each.health.state if each.health else ""),
    Order.IMAGE: lambda each: (each.request.image.casefold(), each.name.casefold()),
    Order.PORTS: lambda each: (min((port.host_port or _NO_PORT for port in each.ports), default=_NO_PORT),),
}
