"""The same by crun, runc and bubblewrap, and by boxdeck-oci as a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

from engine.oci.runtime_spec import Spec
from tests.benchmarks.bundle import copy_root, make_bundle
from tests.benchmarks.contest import Contender
from tests.benchmarks.ours import SLEEP, TRUE
from tests.benchmarks.stopwatch import Stopwatch, Timing

_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
_VERSION = re.compile(r"\d+\.\d[^\s,]*")
_OCI = str(Path(sys.executable).parent / "boxdeck-oci")


def find(program: str) -> str | None:
    """Where a program is; None when it isn't here."""
    return shutil.which(program, path=_PATH)


def version(program: str) -> str:
    """Name and version of a program, by name or path, as it says them; empty when it isn't here."""
    found = find(program)
    if found is None:
        return ""
    first = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return f"{Path(program).name} {_VERSION.findall(first)[0]}"


class Peers:
    """Their bundles and commands; those that aren't installed are left out. Use it as a context manager.

    Args:
        folder: where bundles are kept; every user may pass it.
        states: where their states are kept.
        layer: the image's only layer, unpacked.
        spec: the engine's own container.
        cgroup: the name of a cgroup for all of them.
    """

    def __init__(self, stopwatch: Stopwatch, folder: Path, states: Path, layer: Path, spec: Spec, cgroup: str) -> None:
        self._stopwatch = stopwatch
        self._states = states
        self._cgroup = cgroup
        found = {name: find(name) for name in ("crun", "runc")}
        self._runtimes = {name: [path, "--root", f"{states}/{name}"] for name, path in found.items() if path}
        self._rootfs = copy_root(layer, spec, folder / "rootfs")
        self._once = make_bundle(folder / "true", spec, self._rootfs, (TRUE,), f"/{cgroup}/true")
        self._forever = {
            name: make_bundle(folder / f"sleep-{name}", spec, self._rootfs, SLEEP, f"/{cgroup}/sleep-{name}")
            for name in self._runtimes
        }

    def __enter__(self) -> Self:
        """A container to execute in, for each runtime."""
        for name, command in self._runtimes.items():
            arguments = ["run", "--detach", "--bundle", str(self._forever[name]), "bench-sleep"]
            if (status := self._stopwatch.time([*command, *arguments]).status) != 0:
                raise RuntimeError(f"{name} can't run the bundle (status {status})")
        return self

    def __exit__(self, *_: object) -> None:
        for command in self._runtimes.values():
            self._stopwatch.time([*command, "delete", "--force", "bench-sleep"])
        top = Path("/sys/fs/cgroup")
        for left in (*top.glob(f"*/{self._cgroup}"), *top.glob(self._cgroup)):
            if "cpuacct" not in str(left):  # that one is the processor time's
                left.rmdir()

    def contenders(self) -> dict[str, Contender]:
        """Every command by what it is called in the table."""
        run = ["run", "--bundle", str(self._once), "bench-true"]
        commands = {f"start {name}": [*command, *run] for name, command in self._runtimes.items()}
        commands |= {
            f"exec {name}": [*command, "exec", "bench-sleep", TRUE] for name, command in self._runtimes.items()
        }
        commands["start boxdeck-oci"] = [_OCI, "--root", f"{self._states}/oci", *run]
        commands["start python"] = [sys.executable, "-c", ""]
        if bwrap := find("bwrap"):
            places = ["--bind", str(self._rootfs), "/", "--proc", "/proc", "--dev", "/dev"]
            commands["start bwrap"] = [bwrap, "--unshare-all", *places, TRUE]
        return {name: self.command(argv) for name, argv in commands.items()}

    def command(self, argv: list[str]) -> Contender:
        """A contender that runs a program."""

        async def run() -> Timing:
            return self._stopwatch.time(argv)

        return run
