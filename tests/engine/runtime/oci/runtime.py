"""boxdeck-oci as its callers use it: a bundle, and runc's words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from engine.oci import runtime_spec
from engine.oci.linux_spec import Linux, Namespace
from engine.oci.process_spec import Process
from engine.oci.resources_spec import LinuxPids, LinuxResources
from engine.oci.runtime_spec import Hooks, Mount, Root, Spec

ENTRY = (sys.executable, "-m", "engine.runtime.oci.entry")


class Runtime:
    """The command, on a state folder and a bundle of its own; the container is called "one"."""

    def __init__(self, folder: Path, layer: Path) -> None:
        self.root = folder / "state"
        self.log = folder / "log.json"
        self.bundle = folder / "bundle"
        self.bundle.mkdir()
        self._layer = layer
        self.parent = f"boxdeck-test-{os.getpid()}"
        self.argv = [*ENTRY, "--root", str(self.root), "--log", str(self.log), "--log-format", "json"]

    def describe(self, *command: str, hooks: Hooks | None = None, **process: object) -> None:
        """Write a config.json that runs a command on the layer of `base`, read-only."""
        spec = Spec(
            oci_version="1.2.0",
            root=Root(path=str(self._layer), readonly=True),
            process=Process(args=command, cwd="/", env=("PATH=/usr/bin:/bin",), **process),  # type: ignore[arg-type]
            hostname="standalone",
            hooks=hooks or Hooks(),
            mounts=(
                Mount(destination="/proc", type="proc", source="proc"),
                Mount(destination="/dev", type="tmpfs", source="tmpfs", options=("nosuid", "mode=755")),
                Mount(destination="/dev/pts", type="devpts", source="devpts", options=("newinstance", "ptmxmode=0666")),
            ),
            linux=Linux(
                namespaces=tuple(Namespace(type=kind) for kind in ("mount", "uts", "ipc", "pid", "network")),  # type: ignore[arg-type]
                cgroups_path=f"/{self.parent}/one",
                resources=LinuxResources(pids=LinuxPids(limit=20)),
            ),
        )
        (self.bundle / "config.json").write_bytes(runtime_spec.encode(spec))

    def __call__(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a verb; nothing that outlives it may hold the pipes of its output."""
        return subprocess.run(
            [*self.argv, *arguments], check=False, capture_output=True, text=True, timeout=120, input=stdin
        )

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def detached(self, *arguments: str) -> None:
        """Run a verb that leaves a process behind, which keeps the standard streams."""
        command = [*self.argv, *arguments]
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert done.returncode == 0, self.log.read_text()

    def start(self, *command: str, **process: object) -> None:
        """Describe, create and start the container."""
        self.describe(*command, **process)  # type: ignore[arg-type]
        self.detached("run", "--detach", "--bundle", str(self.bundle), "one")

    @property
    def status(self) -> str:
        return str(msgspec.json.decode(self.ok("state", "one"))["status"])

    @property
    def pid(self) -> int:
        return int(msgspec.json.decode(self.ok("state", "one"))["pid"])

    def await_status(self, status: str) -> None:
        deadline = time.monotonic() + 60
        while self.status != status:
            assert time.monotonic() < deadline, self.status
            time.sleep(0.05)
