"""What is kept of a container between two commands, and what is reported of it."""

from __future__ import annotations

import os
import signal
import time

from msgspec import Struct

from engine.errors import NotFound
from engine.oci.version import OCI_VERSION


class Record(Struct, frozen=True, kw_only=True):
    """The state file of a container.

    Attributes:
        rootfs: absolute path of its root file system.
        pid: of its first process; 0 before there is one. It counts only with its start time.
        pid_start_ticks: /proc/PID/stat, field 22.
        cgroups_path: below the top of each hierarchy; empty while systemd hasn't told it.
        scope: of systemd, if it made the control group.
        created_unix_ns: when it was made.
        started: whether its process has been executed.
        has_poststart, has_poststop, has_listener: what there is to do at its start and end, beside the start and end.
    """

    container_id: str
    bundle: str
    rootfs: str
    cgroups_path: str
    scope: str = ""
    annotations: dict[str, str]
    created_unix_ns: int
    pid: int = 0
    pid_start_ticks: int = 0
    started: bool = False
    has_poststart: bool = False
    has_poststop: bool = False
    has_listener: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether its first process still lives; a zombie doesn't."""
        fields = _stat_fields(self.pid) if self.pid else []
        return bool(fields) and fields[0] not in ("Z", "X") and int(fields[19]) == self.pid_start_ticks

    def open_process(self) -> int | None:
        """A pidfd of its first process; None when that has ended."""
        try:
            descriptor = os.pidfd_open(self.pid) if self.pid else -1
        except ProcessLookupError:
            return None
        if descriptor >= 0 and self.is_alive:  # after it was opened: it can't be of anybody else then
            return descriptor
        if descriptor >= 0:
            os.close(descriptor)
        return None


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """A container's state as runc prints it: that of the specification (runtime.md, "State"), and what people ask for.

    Attributes:
        status: of the specification, or "paused".
        pid: 0 when it has stopped.
        created: in UTC, as RFC 3339 with nanoseconds.
        owner: name of the user whose container it is.
    """

    oci_version: str = OCI_VERSION
    id: str
    pid: int
    status: str
    bundle: str
    rootfs: str
    created: str
    owner: str = ""
    annotations: dict[str, str] = {}


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); 0 if there is none."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else 0


def _stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat from field 3, the state, on; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def stamp(unix_ns: int) -> str:
    """A moment in UTC, as RFC 3339 with nanoseconds."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09}Z"


def send_signal(record: Record, number: int) -> None:
    """Signal the first process of a container.

    Raises:
        NotFound: it has ended.
    """
    descriptor = record.open_process()
    try:
        if descriptor is None:
            raise ProcessLookupError
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError as error:
        raise NotFound(f"container not running: {record.container_id!r} has stopped", "delete it") from error
    finally:
        if descriptor is not None:
            os.close(descriptor)


def send_kill(record: Record) -> None:
    """Kill the first process, if it still lives."""
    try:
        send_signal(record, signal.SIGKILL)
    except NotFound:
        return
