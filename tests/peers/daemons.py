"""containerd and dockerd, started by hand on folders and sockets of their own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.peers.quarters import Quarters

_CONFIG = """version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = [
    "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
address = "{folder}/containerd.sock"
"""


class Containerd:
    """A containerd, and ``ctr`` to talk to it."""

    def __init__(self, quarters: Quarters, folder: Path, runtime: str) -> None:
        self.quarters = quarters
        self.socket = folder / "containerd.sock"
        self._runtime = runtime
        config = folder / "config.toml"
        config.write_text(_CONFIG.format(folder=folder))
        quarters.spawn(folder / "containerd.log", "containerd", "--config", str(config))
        wait_until_ready(self.argv("version"), folder / "containerd.log")

    def argv(self, *arguments: str) -> list[str]:
        return self.quarters.argv(["ctr", "--address", str(self.socket), *arguments])

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.quarters.run("ctr", "--address", str(self.socket), *arguments, stdin=stdin)

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *arguments: str, name: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """``ctr run`` with our runtime; options, image, container's id and command follow each other."""
        cgroup = f"{self.quarters.cgroup_parent}/{name}"
        flags = ("--runc-binary", self._runtime, "--snapshotter", "native", "--cgroup", cgroup)
        return self("run", *flags, *arguments, stdin=stdin)


NO_NETWORK = ("--bridge", "none", "--iptables=false", "--ip-masq=false")


class Docker:
    """A dockerd whose default runtime is ours, and ``docker`` to talk to it.

    Args:
        programs: the folder that Debian's package was unpacked to.
        storage: its storage driver.
        network: its options that are about the network of its namespace.

    Attributes:
        socket: where its API is.
    """

    def __init__(
        self,
        containerd: Containerd,
        folder: Path,
        programs: Path,
        runtime: str,
        storage: str = "vfs",
        network: Sequence[str] = NO_NETWORK,
    ) -> None:
        self.quarters = containerd.quarters
        self._client = str(programs / "usr" / "bin" / "docker")
        self.socket = folder / "docker.sock"
        self._host = f"unix://{self.socket}"
        self.log = folder / "dockerd.log"
        daemon = [
            str(programs / "usr" / "sbin" / "dockerd"), "--host", self._host, "--containerd", str(containerd.socket),
            "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"),
            *network, "--storage-driver", storage,
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self.quarters.cgroup_parent,
            "--add-runtime", f"boxdeck={runtime}", "--default-runtime", "boxdeck",
        ]  # fmt: skip
        self.quarters.spawn(self.log, *daemon)
        wait_until_ready(self.argv("version"), self.log)

    def argv(self, *arguments: str) -> list[str]:
        return self.quarters.argv([self._client, "--host", self._host, *arguments])

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.quarters.run(self._client, "--host", self._host, *arguments, stdin=stdin)

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def wait_until_ready(question: list[str], log: Path) -> None:
    """Ask a daemon until it answers."""
    deadline = time.monotonic() + 60
    while subprocess.run(question, check=False, capture_output=True).returncode != 0:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def find_dockerd(programs: Path) -> str | None:
    """The unpacked dockerd."""
    return shutil.which("dockerd", path=str(programs / "usr" / "sbin"))
