"""The shim's word on its container: one small file, replaced as a whole, read by every engine."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine.health import Health
from engine.incidents import Incidents
from engine.restart_policy import Restart

if TYPE_CHECKING:
    from pathlib import Path

    from engine.runtime.protocol import Launch

_SIZE_LIMIT = 64 * 1024


class Status(Struct, frozen=True, kw_only=True):
    """A shim's status file.

    Attributes:
        generation: which start of the container this is about.
        boot_id: of the boot in which it was written; pids of another boot mean nothing.
        shim_start_ticks: /proc/PID/stat field 22 of the shim: a pid is only trusted together with it.
        exit_status: None while the container runs or before it did.
        error: why it could not be started; empty otherwise.
        veth_name: what its interfaces' ends on the host are called; a dash and a digit follow from the second on.
        restart: what this start is by policy; None when it was made by hand.
        next_restart: the start that follows the end; None for none.
        health: how it is, as its checks say; None without any.
        was_stopped: the shim has ended it for good, since it was unhealthy; what people do isn't told here.
        incidents: what befell it at its limits; only ever more while it runs.
    """

    container_id: str
    generation: int
    boot_id: str
    shim_pid: int
    shim_start_ticks: int
    state: str
    pid: int | None = None
    started_unix_ns: int | None = None
    finished_unix_ns: int | None = None
    exit_status: int | None = None
    oom_killed: bool = False
    error: str = ""
    veth_name: str = ""
    incidents: Incidents = Incidents()
    restart: Restart | None = None
    next_restart: Restart | None = None
    health: Health | None = None
    was_stopped: bool = False

    @property
    def is_final(self) -> bool:
        """Whether this is the shim's last word: nothing of the container's is left on the machine then."""
        return self.state in ("exited", "failed")


def at_start(launch: Launch, shim_pid: int) -> Status:
    """The first status of a start, before anything of the container is there."""
    return Status(
        container_id=launch.container_id,
        generation=launch.generation,
        boot_id=boot_id(),
        shim_pid=shim_pid,
        shim_start_ticks=start_ticks(shim_pid) or 0,
        state="creating",
        veth_name=launch.veth_name,
        restart=launch.restarting.last if launch.restarting is not None else None,
    )


def write(path: Path | str, status: Status) -> None:
    """Replace the file: a reader sees the old one or the new one, never half of one."""
    aside = f"{path}.{os.getpid()}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, _encoder.encode(status))
    finally:
        os.close(descriptor)
    os.rename(aside, path)


def ring(runtime_directory: str) -> None:
    """Wake the engines that watch the folder of all run-time folders, which alone each of them can."""
    try:
        os.utime(runtime_directory)
    except OSError:  # removed
        return


def read(path: Path | str) -> Status | None:
    """The status in a file; None when there is none, or none that can be read."""
    try:
        return _decoder.decode(_content(str(path)))
    except (OSError, msgspec.MsgspecError):
        return None


@functools.cache
def boot_id() -> str:
    """What tells this boot of the machine from all others (random(4))."""
    return _content("/proc/sys/kernel/random/boot_id").decode().strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); None if there is none."""
    try:
        text = _content(f"/proc/{pid}/stat")
    except OSError:
        return None
    return int(text.rpartition(b")")[2].split()[19])


def shim_is_alive(status: Status) -> bool:
    """Whether the shim that wrote this still lives: same boot, same pid, same start time, no zombie."""
    if status.boot_id != boot_id():
        return False
    try:
        fields = _content(f"/proc/{status.shim_pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return False
    return int(fields[19]) == status.shim_start_ticks and fields[0] not in (b"Z", b"X")


def _content(path: str) -> bytes:
    """A small file, read in one go."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SIZE_LIMIT)
    finally:
        os.close(descriptor)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Status)
