"""A small process that starts programs and times them, in a mount namespace where every peer agrees to run."""

from __future__ import annotations

import gc
import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from engine.linux import mounts, namespaces
from engine.linux.libc import call

_MNT_DETACH = 2
_FRAME_SIZE = 1 << 16


class Timing(NamedTuple):
    """How one thing went.

    Attributes:
        status: the exit status.
        wall_ms: from start to exit.
        cpu_ms: what the process and the children that it waited for used; negative when not known.
    """

    status: int
    wall_ms: float
    cpu_ms: float = -1.0


class Stopwatch:
    """Forked from this process, before that has threads. Use it as a context manager.

    On a hybrid machine crun and podman want /sys/fs/cgroup/unified not to be there, which in the stopwatch's own
    mount namespace it isn't.
    """

    def __enter__(self) -> Self:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            self._connection.close()
            _serve(theirs)
            os._exit(0)
        theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        os.waitpid(self.pid, 0)

    def time(self, argv: Sequence[str]) -> Timing:
        """Run a program with pipes as its streams: an empty one, and one that is emptied when it has ended.

        Not with /dev/null: a runtime may give its streams to the container's root, and that is the machine's.
        """
        self._connection.send(json.dumps(argv).encode())
        return Timing(*json.loads(self._connection.recv(_FRAME_SIZE)))


def _serve(connection: socket.socket) -> None:
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    if Path("/sys/fs/cgroup/unified").is_mount():
        call("umount2", b"/sys/fs/cgroup/unified", _MNT_DETACH)
    gc.disable()
    empty, writing = os.pipe()
    os.close(writing)
    printed, sink = os.pipe()
    os.set_blocking(printed, False)
    while frame := connection.recv(_FRAME_SIZE):
        timing = _timed(json.loads(frame), empty, sink)
        with suppress(BlockingIOError):  # all of it has been thrown away
            while os.read(printed, _FRAME_SIZE):
                pass
        connection.send(json.dumps(timing).encode())


def _timed(argv: list[str], stdin: int, stdout: int) -> Timing:
    streams = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    begun = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=streams)
    _, status, usage = os.wait4(pid, 0)
    ended = time.perf_counter()
    return Timing(os.waitstatus_to_exitcode(status), 1000 * (ended - begun), 1000 * (usage.ru_utime + usage.ru_stime))


def tmpfs() -> str | None:
    """Where run-time state belongs, ours and the others' alike."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next((place for place in ("/run", "/dev/shm") if [place, "tmpfs"] in mounts), None)
