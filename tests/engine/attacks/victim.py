"""boxdeck-oci with a bundle whose root file system is the attacker's, writable, without a user namespace."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

from engine.compile import capabilities
from engine.oci import runtime_spec
from engine.oci.linux_spec import Linux, Namespace
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Hooks, Mount, Root, Spec
from tests.engine.attacks import inside
from tests.engine.runtime.oci.runtime import ENTRY, Runtime

KINDS = ("mount", "uts", "ipc", "pid", "network", "cgroup")


class Victim(Runtime):
    """The command, on a state folder and a bundle of its own; the container is called "one"."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "state"
        self.log = folder / "log.json"
        self.bundle = folder / "bundle"
        self.rootfs = self.bundle / "rootfs"
        self.rootfs.mkdir(parents=True)
        self.hooks = Hooks()
        self.parent = f"boxdeck-test-{os.getpid()}"
        self.argv = [*ENTRY, "--root", str(self.root), "--log", str(self.log), "--log-format", "json"]
        inside.write_archive(folder / "root.tar")
        with tarfile.open(folder / "root.tar") as tar:
            tar.extractall(self.rootfs, filter="fully_trusted")

    def describe(self, *command: str, **process: object) -> None:
        """Write a config.json that runs a command as docker would, but without a filter."""
        wanted = {"cwd": "/", "env": ("PATH=/usr/bin:/bin",), **process}
        spec = Spec(
            oci_version="1.2.0",
            root=Root(path="rootfs"),
            hooks=self.hooks,
            process=Process(args=command, capabilities=capabilities.sets(capabilities.DEFAULT, 0), **wanted),  # type: ignore[arg-type]
            mounts=(
                Mount(destination="/proc", type="proc", source="proc"),
                Mount(destination="/dev", type="tmpfs", source="tmpfs", options=("nosuid", "mode=755")),
                Mount(destination="/dev/pts", type="devpts", source="devpts", options=("newinstance", "ptmxmode=0666")),
            ),
            linux=Linux(
                namespaces=tuple(Namespace(type=kind) for kind in KINDS),  # type: ignore[arg-type]
                cgroups_path=f"/{self.parent}/one",
            ),
        )
        (self.bundle / "config.json").write_bytes(runtime_spec.encode(spec))

    def run(self, *command: str, flags: tuple[str, ...] = (), **process: object) -> str:
        """What a container writes until its end."""
        self.describe(*command, **process)
        return self("run", *flags, "--bundle", str(self.bundle), "one").stdout

    def inherited(self, *arguments: str, descriptors: tuple[int, ...]) -> subprocess.CompletedProcess[str]:
        """Run a verb that inherits descriptors of its caller's, under their numbers."""
        return subprocess.run(
            [*self.argv, *arguments], check=False, capture_output=True, text=True, timeout=60, pass_fds=descriptors
        )
