"""In which order containers are listed."""

from __future__ import annotations

from enum import Enum

from engine.model import Container, Snapshot


class Order(Enum):
    """What comes first; the values stand in the table's frame."""

    AGE = ""
    NAME = "name"
    CPU = "cpu"
    MEMORY = "memory"
    NETWORK = "network"

    @property
    def next(self) -> Order:
        """The one after this, and from the last back to the first."""
        every = list(Order)
        return every[(every.index(self) + 1) % len(every)]

    @property
    def moves(self) -> bool:
        """Whether it may be another one after every tick."""
        return self in (Order.CPU, Order.MEMORY, Order.NETWORK)


def in_order(containers: tuple[Container, ...], order: Order, snapshot: Snapshot | None) -> tuple[Container, ...]:
    """Containers, of equal ones the newest first; by a number the highest first, and those last that have none."""
    if order is Order.AGE:
        return containers
    if order is Order.NAME:
        return tuple(sorted(containers, key=lambda each: each.name.casefold()))
    return tuple(sorted(containers, key=lambda each: _amount(each, order, snapshot), reverse=True))


def _amount(container: Container, order: Order, snapshot: Snapshot | None) -> float:
    """What it uses; -1 where that isn't known."""
    sample = snapshot.containers.get(container.id) if snapshot else None
    if sample is None:
        return -1.0
    if order is Order.CPU:
        return -1.0 if sample.cpu is None or sample.cpu.percent is None else sample.cpu.percent
    if order is Order.MEMORY:
        return -1.0 if sample.memory is None else float(sample.memory.working_set_bytes)
    if sample.network is None:
        return -1.0
    return (sample.network.received_bytes_per_second or 0.0) + (sample.network.sent_bytes_per_second or 0.0)
