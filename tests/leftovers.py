"""What programs of ours may leave on a machine: mounts, cgroups, links, nftables tables, processes.

``python -m tests.leftovers list > before``, and later ``python -m tests.leftovers compare before``: prints what is
new since then, and fails when that is anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OUR_PROCESSES = frozenset(
    f"boxdeck{part}" for part in ("", "-shim", "-launch", "-record", "-names", "-maker", "-init", "-unpack")
)
_OUR_WORD = "boxdeck"
PATIENCE_SECONDS = 5.0  # network namespaces and cgroups are taken down in the kernel's own time


def everything() -> frozenset[str]:
    """All mounts, cgroups, links and tables, and those processes that are ours or in a pid namespace below ours."""
    return frozenset([*_mounts(), *_cgroups(), *_links(), *_tables(), *_processes()])


def new_since(before: frozenset[str]) -> frozenset[str]:
    """What wasn't there before. Cgroups come and go on any machine, so of them only those with our names."""
    return frozenset(t for t in everything() - before if not t.startswith("cgroup ") or _OUR_WORD in t)


def settled(*words: str) -> frozenset[str]:
    """What has one of these words in it and is still there after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := frozenset(thing for thing in everything() if any(word in thing for word in words)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield f"mount {line.split()[4]} {line.partition(' - ')[2]}"


def _cgroups() -> Iterator[str]:
    for folder, names, _ in os.walk(_CGROUPS):
        for name in names:
            yield f"cgroup {folder}/{name}"


def _links() -> Iterator[str]:
    return (f"link {name}" for name in os.listdir("/sys/class/net"))


def _tables() -> Iterator[str]:
    if shutil.which("nft") and os.geteuid() == 0:
        listing = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
        yield from listing.stdout.splitlines()


def _processes() -> Iterator[str]:
    own = _pid_namespace("self")
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name in _OUR_PROCESSES or _pid_namespace(pid) not in (own, None):
                yield f"process {pid} {name}"
        except (OSError, ValueError):
            continue  # it has ended meanwhile


def _pid_namespace(pid: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def main(arguments: list[str]) -> int:
    """List what there is, or compare with a list."""
    if arguments == ["list"]:
        sys.stdout.write("\n".join(sorted(everything())) + "\n")
        return 0
    before = frozenset(Path(arguments[1]).read_text().splitlines())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := new_since(before)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for thing in sorted(left):
        sys.stderr.write(f"left behind: {thing}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
