"""What is read only while somebody looks at it: processes, history, limits in force, the tree of control groups.

There is no timer: whoever paints one of these looks here, and what is too old is read again. Ticks make screens paint,
so nothing is read for what is out of sight.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.errors import BoxdeckError
from engine.model import CgroupNode, Finding, ProcessInfo
from engine.model.history import History
from engine.model.limits_in_force import LimitsInForce

if TYPE_CHECKING:
    from engine.engine import Engine

Value = TypeVar("Value")
Start = Callable[[Coroutine[object, object, None]], object]

_EARLY = 0.8
"""Ticks aren't exact: a value counts as too old a little before it is."""


class Reading(Generic[Value]):
    """The last value that was read of one subject.

    Args:
        read: reads it anew.
        start: runs a coroutine beside everything else.
        changed: called when there is a new value.

    Attributes:
        error: why the last read failed; empty otherwise.
    """

    def __init__(self, read: Callable[[str], Awaitable[Value]], start: Start, changed: Callable[[], None]) -> None:
        self._read, self._start, self._changed = read, start, changed
        self._subject: str | None = None
        self._value: Value | None = None
        self._asked_at = float("-inf")
        self._is_reading = False
        self.error = ""

    def look(self, subject: str, seconds: float) -> Value | None:
        """What is known of a subject; one that is older than so many seconds is read anew, and shown later."""
        if subject != self._subject:
            self._subject, self._value, self.error = subject, None, ""
            self.expire()
        if not self._is_reading and time.monotonic() - self._asked_at >= seconds * _EARLY:
            self._asked_at, self._is_reading = time.monotonic(), True
            self._start(self._renew(subject))
        return self._value

    def expire(self) -> None:
        """Read it at the next look, however young it is."""
        self._asked_at = float("-inf")

    async def _renew(self, subject: str) -> None:
        value, error = None, ""
        try:
            value = await self._read(subject)
        except BoxdeckError as failure:
            error = str(failure)
        finally:
            self._is_reading = False
        if subject == self._subject:
            self._value, self.error = value, error
        self._changed()


class Many(Generic[Value]):
    """The last values that were read of several subjects."""

    def __init__(self, read: Callable[[str], Awaitable[Value]], start: Start, changed: Callable[[], None]) -> None:
        self._read, self._start, self._changed = read, start, changed
        self._readings: dict[str, Reading[Value]] = {}

    def look(self, subjects: Sequence[str], seconds: float) -> list[Value | None]:
        """What is known of each, as of one; what was read of others is forgotten."""
        self._readings = {subject: self._readings.get(subject) or self._new() for subject in subjects}
        return [self._readings[subject].look(subject, seconds) for subject in subjects]

    def _new(self) -> Reading[Value]:
        return Reading(self._read, self._start, self._changed)


class Readings:
    """All of them.

    Attributes:
        processes, history, limits: by a container's id.
        histories: of several containers that are compared.
        groups: of the subject "", the whole tree.
    """

    def __init__(self, engine: Engine, start: Start, changed: Callable[[], None]) -> None:
        self._engine = engine
        self.processes: Reading[tuple[ProcessInfo, ...]] = Reading(engine.containers.top, start, changed)
        self.history: Reading[History] = Reading(engine.containers.history, start, changed)
        self.histories: Many[History] = Many(engine.containers.history, start, changed)
        self.limits: Reading[LimitsInForce] = Reading(engine.containers.limits, start, changed)
        self.groups: Reading[CgroupNode] = Reading(lambda _: engine.cgroup_tree(), start, changed)

    def expire(self) -> None:
        """Something was done: what is in sight is read anew."""
        for reading in (self.processes, self.limits, self.groups):
            reading.expire()

    def check(self, repairs: bool) -> AsyncIterator[Finding]:
        """What is out of step between the store, the disk and the kernel; mended at once where that is wanted."""
        return self._engine.check(repairs)
