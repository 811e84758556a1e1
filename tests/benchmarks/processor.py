"""Processor time of this process, of all that it starts and of all containers together, whoever waits for whom."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

_V1 = Path("/sys/fs/cgroup/cpuacct")
_PREFIX, _OURS = "boxdeck-bench-", "-us"


class ProcessorTime:
    """A cgroup of v1's cpuacct around us, beside those of the containers; elsewhere nothing is measured.

    Args:
        tag: becomes a part of its name.
        containers: the name of the cgroup that the engine makes containers in.

    Attributes:
        peers: the name of a cgroup that others are to make containers in.
    """

    def __init__(self, tag: str, containers: str) -> None:
        self.peers = f"{_PREFIX}{tag}"
        self._own = _V1 / f"{self.peers}{_OURS}"
        self._folders = [self._own, _V1 / self.peers, _V1 / containers]
        self._home: Path | None = None

    def __enter__(self) -> Self:
        if (_V1 / "cpuacct.usage").exists():
            sweep()
            self._home = _V1 / _name_of_own().lstrip("/")
            for folder in self._folders:
                folder.mkdir(exist_ok=True)
            (self._own / "cgroup.procs").write_text(str(os.getpid()))
        return self

    def __exit__(self, *_: object) -> None:
        if self._home is not None:
            (self._home / "cgroup.procs").write_text(str(os.getpid()))
            for folder in self._folders:
                with suppress(OSError):  # who made containers in it removes it, too
                    folder.rmdir()

    def used_ms(self) -> float | None:
        """Milliseconds since the cgroups were made (cpuacct.usage counts those below, also when they have gone)."""
        if self._home is None:
            return None
        return sum(int((folder / "cpuacct.usage").read_text()) for folder in self._folders) / 1e6


def sweep() -> None:
    """Remove the cgroups of benchmarks that were killed: those with nobody where the benchmark itself would be."""
    for own in _V1.glob(f"{_PREFIX}*{_OURS}"):
        with suppress(OSError):  # ENOENT, EBUSY: another one sweeps, or has just begun
            if not (own / "cgroup.procs").read_text():
                peers = own.name.removesuffix(_OURS)
                own.rmdir()
                (_V1 / peers).rmdir()
                (_V1 / f"boxdeck-{peers.removeprefix(_PREFIX)}").rmdir()


def _name_of_own() -> str:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            return name
    return "/"
