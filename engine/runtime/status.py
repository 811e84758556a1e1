"""The shim's word on its container: one small file, replaced as a whole, read by every engine."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct


class Status(Struct, frozen=True, kw_only=True):
    """A shim's status file.

    Attributes:
        generation: which start of the container this is about.
        boot_id: of the boot in which it was written; pids of another boot mean nothing.
        shim_start_ticks: /proc/PID/stat field 22 of the shim: a pid is only trusted together with it.
        exit_status: None while the container runs or before it did.
        error: why it could not be started; empty otherwise.
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

    @property
    def is_final(self) -> bool:
        """Whether this is the shim's last word: nothing of the container's is left on the machine then."""
        return self.state in ("exited", "failed")


def write(path: Path, status: Status) -> None:
    """Replace the file: a reader sees the old one or the new one, never half of one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(msgspec.json.encode(status))
    os.rename(aside, path)


def read(path: Path) -> Status | None:
    """The status in a file; None when there is none, or none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return None


def boot_id() -> str:
    """What tells this boot of the machine from all others (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def shim_is_alive(status: Status) -> bool:
    """Whether the shim that wrote this still lives: same boot, same pid, same start time, no zombie."""
    if status.boot_id != boot_id() or start_ticks(status.shim_pid) != status.shim_start_ticks:
        return False
    try:
        text = Path(f"/proc/{status.shim_pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")
