"""Somewhere for other container managers to live in: a mount and a network namespace that nobody else is in.

In it /run is an empty tmpfs, so that their state stays there, and on a hybrid machine the empty v2 hierarchy is
hidden, which crun and podman can't do with. All of it ends with the processes in it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from engine.cgroups import folders, layout

_SET_UP = """
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified
ip link set lo up
echo ready
exec sleep 100000
"""


class Quarters:
    """Namespaces that live until `leave`.

    Attributes:
        cgroup_parent: below which all control groups are to be made that managers in here make.
        daemons: those that were started in here, in this order.
    """

    def __init__(self, name: str) -> None:
        self.cgroup_parent = f"/boxdeck-test-{os.getpid()}-{name}"
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-ec", _SET_UP], stdout=subprocess.PIPE, text=True
        )
        assert self._keeper.stdout is not None and self._keeper.stdout.readline() == "ready\n"
        self.daemons: list[subprocess.Popen[bytes]] = []

    def argv(self, command: Sequence[str]) -> list[str]:
        """A command as one that is run in here."""
        return ["nsenter", "--target", str(self._keeper.pid), "--mount", "--net", "--", *command]

    def run(self, *command: str, stdin: str = "", timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command in here."""
        return subprocess.run(
            self.argv(command), check=False, capture_output=True, text=True, input=stdin, timeout=timeout
        )

    def spawn(self, log: Path, *command: str) -> subprocess.Popen[bytes]:
        """Start a daemon in here; it is ended with SIGTERM by `leave`, the last one first."""
        with log.open("wb") as file:
            daemon = subprocess.Popen(self.argv(command), stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.daemons.append(daemon)
        return daemon

    def leave(self) -> None:
        """End the daemons, kill who is left, and remove control groups."""
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._kill_who_is_left()
        mounts = layout.parse_mountinfo(Path("/proc/self/mountinfo").read_text())
        folders.remove([f"{mount.point}{self.cgroup_parent}" for mount in mounts])

    def _kill_who_is_left(self) -> None:
        """Shims and monitors that are daemons of their own, and the keeper itself: all who are in our namespace."""
        ours = os.readlink(f"/proc/{self._keeper.pid}/ns/net")
        deadline = time.monotonic() + 10
        while left := [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _network(pid) == ours]:
            assert time.monotonic() < deadline, left
            for pid in left:
                _kill(pid)
            self._keeper.poll()
            time.sleep(0.02)
        self._keeper.wait()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()


def _network(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
