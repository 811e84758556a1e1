"""What ``events --stats`` prints of a container: every figure of its cgroup, under the names of runc's types/events.go.

Callers such as containerd and podman read these names. Times are nanoseconds, sizes bytes. A limit that isn't there
is the highest number, as with runc.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
from msgspec import Struct

from engine.cgroups import folders, layout
from engine.cgroups.layout import Layout
from engine.cgroups.manager import Cgroup

UNLIMITED = (1 << 64) - 1

_PER_USEC = 1000
_HUGE_PAGES = "/sys/kernel/mm/hugepages"
_OPERATIONS = (("Read", "rbytes", "rios"), ("Write", "wbytes", "wios"), ("Discard", "dbytes", "dios"))

Read = Callable[[str, str], str]  # from a controller and the name of its file to the content; empty if it isn't there


class CpuUsage(Struct, frozen=True, omit_defaults=True):
    """Time on processors; `percpu` and its parts are v1's."""

    kernel: int
    user: int
    total: int = 0
    percpu: tuple[int, ...] = ()
    percpu_kernel: tuple[int, ...] = ()
    percpu_user: tuple[int, ...] = ()


class Throttling(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """How often and how long a quota stopped it."""

    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


class Cpu(Struct, frozen=True):
    """Time used and time withheld."""

    usage: CpuUsage
    throttling: Throttling


class MemoryEntry(Struct, frozen=True, omit_defaults=True):
    """One kind of memory; `failcnt` is how often the limit was met."""

    limit: int
    failcnt: int
    usage: int = 0
    max: int = 0


class Memory(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`swap` counts memory and swap together; `raw` is memory.stat."""

    usage: MemoryEntry
    swap: MemoryEntry
    kernel: MemoryEntry
    kernel_tcp: MemoryEntry = msgspec.field(name="kernelTCP")
    raw: dict[str, int]
    cache: int = 0


class Pids(Struct, frozen=True, omit_defaults=True):
    """Processes and threads; no limit is 0."""

    current: int = 0
    limit: int = 0


class BlkioEntry(Struct, frozen=True, omit_defaults=True):
    """One figure of one block device."""

    major: int = 0
    minor: int = 0
    op: str = ""
    value: int = 0


class Blkio(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Bytes and operations of block devices."""

    io_service_bytes_recursive: tuple[BlkioEntry, ...] = ()
    io_serviced_recursive: tuple[BlkioEntry, ...] = ()


class Hugetlb(Struct, frozen=True, omit_defaults=True):
    """Huge pages of one size."""

    failcnt: int
    usage: int = 0
    max: int = 0


class Stats(Struct, frozen=True):
    """Everything."""

    cpu: Cpu
    memory: Memory
    pids: Pids
    blkio: Blkio
    hugetlb: dict[str, Hugetlb]


class Event(Struct, frozen=True, omit_defaults=True):
    """One line of ``events``: type is ``stats`` or ``oom``."""

    type: str
    id: str
    data: Stats | None = None


def runc_stats(cgroup: Cgroup, container_id: str) -> bytes:
    """The figures of this moment as one line of JSON, without its end."""
    return msgspec.json.encode(Event("stats", container_id, stats(cgroup)))


def runc_oom(container_id: str) -> bytes:
    """The line that says that memory has run out, without its end."""
    return msgspec.json.encode(Event("oom", container_id))


def stats(cgroup: Cgroup) -> Stats:
    """The figures of this moment; those of a controller that isn't there are 0."""
    machine = layout.detect()
    return (stats_v2 if machine.version == "v2" else stats_v1)(_reader(machine, cgroup.path), huge_page_sizes())


def stats_v1(read: Read, page_sizes: tuple[str, ...]) -> Stats:
    """From v1's files (cgroup-v1/*.rst)."""
    return Stats(
        cpu=Cpu(
            CpuUsage(
                kernel=_number(read("cpuacct", "cpuacct.usage_sys")),
                user=_number(read("cpuacct", "cpuacct.usage_user")),
                total=_number(read("cpuacct", "cpuacct.usage")),
                percpu=_row(read("cpuacct", "cpuacct.usage_percpu")),
                percpu_kernel=_row(read("cpuacct", "cpuacct.usage_percpu_sys")),
                percpu_user=_row(read("cpuacct", "cpuacct.usage_percpu_user")),
            ),
            _throttling(read("cpu", "cpu.stat"), "throttled_time", 1),
        ),
        memory=_memory_v1(read),
        pids=_pids(read),
        blkio=Blkio(
            _entries(read("blkio", "blkio.throttle.io_service_bytes_recursive")),
            _entries(read("blkio", "blkio.throttle.io_serviced_recursive")),
        ),
        hugetlb={
            size: Hugetlb(
                failcnt=_number(read("hugetlb", f"hugetlb.{size}.failcnt")),
                usage=_number(read("hugetlb", f"hugetlb.{size}.usage_in_bytes")),
                max=_number(read("hugetlb", f"hugetlb.{size}.max_usage_in_bytes")),
            )
            for size in page_sizes
            if read("hugetlb", f"hugetlb.{size}.usage_in_bytes")
        },
    )


def stats_v2(read: Read, page_sizes: tuple[str, ...]) -> Stats:
    """From v2's files (cgroup-v2.rst)."""
    cpu = _table(read("cpu", "cpu.stat"))
    return Stats(
        cpu=Cpu(
            CpuUsage(
                kernel=cpu.get("system_usec", 0) * _PER_USEC,
                user=cpu.get("user_usec", 0) * _PER_USEC,
                total=cpu.get("usage_usec", 0) * _PER_USEC,
            ),
            _throttling(read("cpu", "cpu.stat"), "throttled_usec", _PER_USEC),
        ),
        memory=_memory_v2(read),
        pids=_pids(read),
        blkio=_blkio_v2(read("io", "io.stat")),
        hugetlb={
            size: Hugetlb(
                failcnt=_table(read("hugetlb", f"hugetlb.{size}.events")).get("max", 0),
                usage=_number(read("hugetlb", f"hugetlb.{size}.current")),
            )
            for size in page_sizes
            if read("hugetlb", f"hugetlb.{size}.current")
        },
    )


def huge_page_sizes() -> tuple[str, ...]:
    """The sizes of huge pages that this machine has, as control groups write them: ``2MB``, ``1GB``."""
    kilobytes = [int(name[len("hugepages-") : -len("kB")]) for name in folders.children(_HUGE_PAGES)]
    return tuple(_size(number) for number in sorted(kilobytes))


def _size(kilobytes: int) -> str:
    for unit, factor in (("GB", 1 << 20), ("MB", 1 << 10)):
        if kilobytes >= factor:
            return f"{kilobytes // factor}{unit}"
    return f"{kilobytes}KB"


def _reader(machine: Layout, path: str) -> Read:
    hierarchies = (*machine.hierarchies, *machine.spare)
    tops = {controller: hierarchy.point for hierarchy in hierarchies for controller in hierarchy.controllers}
    return lambda controller, file: folders.read(
        os.path.join(tops.get(controller) or machine.unified or "", f"{path[1:]}/{file}")
    )


def _memory_v1(read: Read) -> Memory:
    raw = _table(read("memory", "memory.stat"))
    return Memory(
        usage=_memory_entry_v1(read, "memory"),
        swap=_memory_entry_v1(read, "memory.memsw"),
        kernel=_memory_entry_v1(read, "memory.kmem"),
        kernel_tcp=_memory_entry_v1(read, "memory.kmem.tcp"),
        raw=raw,
        cache=raw.get("total_cache", 0),
    )


def _memory_entry_v1(read: Read, kind: str) -> MemoryEntry:
    return MemoryEntry(
        limit=_number(read("memory", f"{kind}.limit_in_bytes")),
        failcnt=_number(read("memory", f"{kind}.failcnt")),
        usage=_number(read("memory", f"{kind}.usage_in_bytes")),
        max=_number(read("memory", f"{kind}.max_usage_in_bytes")),
    )


def _memory_v2(read: Read) -> Memory:
    raw = _table(read("memory", "memory.stat"))
    met = _table(read("memory", "memory.events")).get("max", 0)
    usage, limit = _number(read("memory", "memory.current")), _limit(read("memory", "memory.max"))
    swap_usage, swap_limit = _number(read("memory", "memory.swap.current")), _limit(read("memory", "memory.swap.max"))
    return Memory(
        usage=MemoryEntry(limit=limit, failcnt=met, usage=usage, max=_number(read("memory", "memory.peak"))),
        swap=MemoryEntry(limit=min(limit + swap_limit, UNLIMITED), failcnt=0, usage=usage + swap_usage),
        kernel=MemoryEntry(limit=UNLIMITED, failcnt=0, usage=raw.get("kernel", 0)),
        kernel_tcp=MemoryEntry(limit=UNLIMITED, failcnt=0, usage=raw.get("sock", 0)),
        raw=raw,
        cache=raw.get("file", 0),
    )


def _throttling(text: str, time_key: str, factor: int) -> Throttling:
    found = _table(text)
    return Throttling(found.get("nr_periods", 0), found.get("nr_throttled", 0), found.get(time_key, 0) * factor)


def _pids(read: Read) -> Pids:
    limit = read("pids", "pids.max")
    return Pids(current=_number(read("pids", "pids.current")), limit=int(limit) if limit.isdecimal() else 0)


def _entries(text: str) -> tuple[BlkioEntry, ...]:
    """Lines such as ``8:0 Read 4096``; the sum at the end, which has no device, is left out."""
    rows = [line.split() for line in text.splitlines() if ":" in line]
    return tuple(_entry(device, operation, int(value)) for device, operation, value in rows)


def _blkio_v2(text: str) -> Blkio:
    """Lines such as ``8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0``."""
    sizes: list[BlkioEntry] = []
    counts: list[BlkioEntry] = []
    for line in text.splitlines():
        device, *pairs = line.split()
        values = dict(pair.split("=") for pair in pairs)
        for operation, size, count in _OPERATIONS:
            sizes.append(_entry(device, operation, int(values.get(size, 0))))
            counts.append(_entry(device, operation, int(values.get(count, 0))))
    return Blkio(tuple(sizes), tuple(counts))


def _entry(device: str, operation: str, value: int) -> BlkioEntry:
    major, _, minor = device.partition(":")
    return BlkioEntry(int(major), int(minor), operation, value)


def _table(text: str) -> dict[str, int]:
    """Lines of ``key number``."""
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}


def _row(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def _limit(text: str) -> int:
    return int(text) if text.isdecimal() else UNLIMITED


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
