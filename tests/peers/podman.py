"""podman, run by hand on folders of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.peers.quarters import Quarters

# Ours have no CAP_SYS_RESOURCE everywhere, so podman's own higher limits can't be had.
RUN = ("--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


class Podman:
    """podman on folders of its own.

    Args:
        storage: its storage driver.
    """

    def __init__(self, quarters: Quarters, folder: Path, runtime: str, storage: str = "vfs") -> None:
        self.quarters = quarters
        self._flags = [
            "podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--tmpdir", str(folder / "tmp"),
            "--storage-driver", storage, "--cgroup-manager", "cgroupfs", "--events-backend", "file",
            "--runtime", runtime,
        ]  # fmt: skip

    def argv(self, *arguments: str) -> list[str]:
        return self.quarters.argv([*self._flags, *arguments])

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.quarters.run(*self._flags, *arguments, stdin=stdin)

    def ok(self, *arguments: str, stdin: str = "") -> str:
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self("run", "--cgroup-parent", self.quarters.cgroup_parent, *RUN, *arguments, stdin=stdin)
