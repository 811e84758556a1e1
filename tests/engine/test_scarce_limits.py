"""Limits of what most machines haven't set aside: swap and huge pages. The virtual machine has some made for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import folders, layout
from engine.cgroups.manager import Cgroup
from engine.model import Container, HugetlbLimit, Limits
from tests.engine.test_enforced_limits import content, started

pytestmark = [
    pytest.mark.alone,
    pytest.mark.vm,
    pytest.mark.skipif("vmrun=" not in Path("/proc/cmdline").read_text(), reason="changes what the whole machine has"),
]

MIB = 1 << 20
HUGE_PAGES = Path("/proc/sys/vm/nr_hugepages")
TAKE = """
import mmap, sys
sys.stdin.readline()
try:
    size, page, flags = map(int, sys.argv[1:])
    held = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
    for at in range(0, size, page):
        held[at] = 1
    print("taken", flush=True)
except OSError:
    print("refused", flush=True)
"""


@pytest.fixture
def swap(tmp_path: Path) -> Iterator[None]:
    """128 MiB of swap."""
    file = tmp_path / "swap"
    with file.open("wb") as empty:
        for _ in range(128):
            empty.write(bytes(MIB))
    file.chmod(0o600)
    subprocess.run(["mkswap", file], check=True, capture_output=True)
    subprocess.run(["swapon", file], check=True)
    yield
    subprocess.run(["swapoff", file], check=True)


@pytest.mark.usefixtures("swap")
async def test_swap_is_as_much_as_memory_leaves_of_both(engine: Engine) -> None:
    none = await started(engine, memory_bytes=24 * MIB, memory_swap_bytes=24 * MIB)
    assert take(engine, none, 40 * MIB) == b""
    await engine.containers.update(none.id, Limits(memory_swap_bytes=64 * MIB))
    assert take(engine, none, 40 * MIB) == b"taken"
    assert content(engine, none, "memory", "memory.swap.max") == str(40 * MIB)


@pytest.mark.usefixtures("swap")
async def test_without_a_word_there_is_as_much_swap_as_memory(engine: Engine) -> None:
    container = await started(engine, memory_bytes=30 * MIB)
    assert content(engine, container, "memory", "memory.swap.max") == str(30 * MIB)
    assert take(engine, container, 40 * MIB) == b"taken"
    assert take(engine, container, 63 * MIB) == b""


@pytest.fixture
def huge_pages() -> Iterator[None]:
    """Eight huge pages of 2 MiB."""
    if "hugetlb" not in layout.detect().controllers:
        pytest.skip("this kernel doesn't count huge pages for each cgroup")
    HUGE_PAGES.write_text("8")
    if int(HUGE_PAGES.read_text()) < 8:
        pytest.skip("there is no room for huge pages")
    yield
    HUGE_PAGES.write_text("0")


def take(engine: Engine, container: Container, size: int, page: int = 4096, flags: int = 0) -> bytes:
    """What a process in the container's cgroup says when it wants so much memory; nothing when it was killed.

    Memory of its own: what is in a file of a tmpfs outlives who is killed for it, and others are killed then.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", TAKE, str(size), str(page), str(flags)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    Cgroup.open(engine.paths.cgroup_path(container.id)).join(child.pid)
    return child.communicate(b"\n")[0].strip()


def take_huge(engine: Engine, container: Container, pages: int) -> bytes:
    """As `take`, of huge pages."""
    return take(engine, container, pages * 2 * MIB, 2 * MIB, 0x40000)  # MAP_HUGETLB


@pytest.mark.usefixtures("huge_pages")
async def test_more_huge_pages_than_allowed_are_not_to_be_had(engine: Engine) -> None:
    container = await started(engine, hugetlb=(HugetlbLimit("2MB", 4 * MIB),))
    assert take_huge(engine, container, 2) == b"taken"
    assert take_huge(engine, container, 3) in (b"refused", b"")
    await engine.containers.update(container.id, Limits(hugetlb=(HugetlbLimit("2MB", 8 * MIB),)))
    assert take_huge(engine, container, 3) == b"taken"
    path = f"{engine.paths.cgroup_path(container.id)}/hugetlb.2MB.max"
    assert folders.read(f"{layout.detect().unified}{path}") == str(8 * MIB)
