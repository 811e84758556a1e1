"""Numbers that move, and all of them: what a made-up engine says that containers and the machine use."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import cache

from msgspec import structs

from engine.model import (
    CgroupNode,
    Container,
    ContainerSample,
    CpuSample,
    DeviceSample,
    HostSample,
    InterfaceSample,
    IoSample,
    Limits,
    MemorySample,
    NetworkSample,
    PidsSample,
    Pressure,
    ProcessInfo,
    Stall,
)
from engine.model.history import History, Series
from engine.model.limits_in_force import LimitsInForce

GIB, MIB = 1 << 30, 1 << 20
PARENT = "/boxdeck-ab12"


def pressure(percent: float, *, full: bool = True) -> Pressure:
    """A stall of so much of the last ten seconds, and less before."""

    def stall(share: float) -> Stall:
        value = percent * share
        return Stall(
            avg10_percent=value, avg60_percent=value / 2, avg300_percent=value / 4, total_usec=int(value * 9_000_000)
        )

    return Pressure(some=stall(1), full=stall(0.4) if full else None)


def host_sample(tick: int) -> HostSample:
    """Two processors, a third of the memory, some traffic."""
    wave = (1 + math.sin(tick / 7)) / 2
    return HostSample(
        cpu_percent=10 + 40 * wave,
        processors=2,
        load_1=0.31,
        load_5=0.42,
        load_15=0.4,
        memory_used_bytes=int((6.1 + wave) * GIB),
        memory_total_bytes=23 * GIB,
        swap_used_bytes=300 * MIB,
        swap_total_bytes=2 * GIB,
        disk_read_bytes_per_second=1_200_000 * wave,
        disk_written_bytes_per_second=4_800_000 * (1 - wave),
        network_received_bytes_per_second=9_600_000 * wave,
        network_sent_bytes_per_second=310_000 * wave,
        cpu_pressure=pressure(14 * wave, full=False),
        memory_pressure=pressure(2 * wave),
        io_pressure=pressure(30 * wave),
    )


def sample(each: Container, number: int, tick: int) -> ContainerSample:
    """One tick of a container; the first one is spiky, and every third has a controller less."""
    wave = (1 + math.sin(tick / (5 + number) + number)) / 2
    spike = 60 if number == 0 and tick % 41 < 6 else 0
    percent = 12 * wave * (1 + number % 3) + spike + tick % 5
    return ContainerSample(
        container_id=each.id,
        cpu=CpuSample(
            usage_usec=tick * 120_000,
            user_usec=tick * 80_000,
            system_usec=tick * 40_000,
            percent=percent,
            user_percent=percent * 0.7,
            system_percent=percent * 0.3,
            limit_percent=200 if number else None,
            periods=tick * 10,
            throttled_periods=tick // 9,
            throttled_usec=tick * 900,
            pressure=pressure(20 * wave, full=False),
        ),
        memory=None if number == 5 else _memory(each, tick, wave),
        io=_io(tick, wave),
        pids=PidsSample(current=3 + number, limit=each.request.limits.pids, limit_hits=number),
        network=_network(each, number, tick, wave),
    )


def _memory(each: Container, tick: int, wave: float) -> MemorySample:
    used = int((40 + 150 * min(1, tick / 200) * wave) * MIB)
    return MemorySample(
        current_bytes=used + 17 * MIB,
        working_set_bytes=used,
        anonymous_bytes=int(used * 0.7),
        file_bytes=17 * MIB,
        kernel_bytes=2 * MIB,
        swap_bytes=5 * MIB,
        peak_bytes=used + 30 * MIB,
        limit_bytes=each.request.limits.memory_bytes,
        faults=tick * 1_234,
        major_faults=tick // 7,
        faults_per_second=1_234 * wave,
        major_faults_per_second=wave,
        limit_hits=tick // 50,
        oom_kills=0,
        pressure=pressure(3 * wave),
    )


def _io(tick: int, wave: float) -> IoSample:
    device = DeviceSample(
        device="8:0", name="sda", read_bytes=tick * 90_000, written_bytes=tick * 410_000, reads=tick * 9,
        writes=tick * 40, read_bytes_per_second=90_000 * wave, written_bytes_per_second=410_000 * wave,
        reads_per_second=9 * wave, writes_per_second=40 * wave,
    )  # fmt: skip
    return IoSample(
        read_bytes=device.read_bytes, written_bytes=device.written_bytes, reads=device.reads, writes=device.writes,
        read_bytes_per_second=device.read_bytes_per_second, written_bytes_per_second=device.written_bytes_per_second,
        reads_per_second=device.reads_per_second, writes_per_second=device.writes_per_second, devices=(device,),
        pressure=pressure(25 * wave),
    )  # fmt: skip


def _network(each: Container, number: int, tick: int, wave: float) -> NetworkSample | None:
    if each.endpoint is None:
        return None
    received = 9_600_000 * wave if number != 1 else 0.0
    interface = InterfaceSample(
        name="eth0", host_interface=each.endpoint.host_interface, received_bytes=tick * 1_000_000,
        received_packets=tick * 900, received_dropped=3, sent_bytes=tick * 31_000, sent_packets=tick * 300,
        received_bytes_per_second=received, sent_bytes_per_second=310_000 * wave,
        received_packets_per_second=900 * wave, sent_packets_per_second=300 * wave,
    )  # fmt: skip
    return NetworkSample(
        received_bytes=interface.received_bytes, sent_bytes=interface.sent_bytes,
        received_bytes_per_second=received, sent_bytes_per_second=310_000 * wave, interfaces=(interface,),
    )  # fmt: skip


def history(container_id: str) -> History:
    """An hour that grew slowly, and a day with a gap in its middle."""
    now = int(time.time())
    hour, day = (structs.replace(each, until_unix_seconds=now) for each in _hour_and_day())
    return History(container_id=container_id, hour=hour, day=day)


@cache
def _hour_and_day() -> tuple[Series, Series]:
    hour = tuple(10 + 40 * n / 3_600 for n in range(3_600))
    day = tuple(None if 600 < n < 900 else 20 + 15 * math.sin(n / 60) for n in range(1_440))
    return _series(1, hour), _series(60, day)


def _series(step: int, percent: tuple[float | None, ...]) -> Series:
    def times(factor: float) -> tuple[float | None, ...]:
        return tuple(None if value is None else value * factor for value in percent)

    return Series(
        step_seconds=step, until_unix_seconds=0, cpu_percent=percent, system_percent=times(0.3),
        memory_working_set_bytes=times(2 * MIB), anonymous_bytes=times(1.4 * MIB), file_bytes=times(0.6 * MIB),
        kernel_bytes=times(0.1 * MIB), swap_bytes=times(0.05 * MIB),
        read_bytes_per_second=times(1_000), written_bytes_per_second=times(9_000),
        received_bytes_per_second=times(90_000), sent_bytes_per_second=times(4_000), pids=times(0.2),
        cpu_stalled_percent=times(0.5), memory_stalled_percent=times(0.1), io_stalled_percent=times(0.8),
    )  # fmt: skip


def limits_in_force(each: Container) -> LimitsInForce:
    """Its own memory and processes, but the parent's processors."""
    asked = each.request.limits
    own = f"{PARENT}/{each.id}"
    return LimitsInForce(
        memory_bytes=asked.memory_bytes or 23 * GIB, memory_from=own if asked.memory_bytes else "machine",
        cpus=2, cpus_from=PARENT, pids=asked.pids or 2_048, pids_from=own, own=asked,
    )  # fmt: skip


def cgroup_tree(containers: Sequence[Container], tick: int) -> CgroupNode:
    """The parent, and a group for each container that runs; one has a group of its own below."""
    children = tuple(_group(each, number, tick) for number, each in enumerate(containers) if each.is_running)
    return CgroupNode(
        path=PARENT, controllers=("cpu", "memory", "pids"), limits=Limits(memory_bytes=2 * GIB),
        memory=MemorySample(current_bytes=GIB, working_set_bytes=GIB, limit_bytes=2 * GIB), children=children,
    )  # fmt: skip


def _group(each: Container, number: int, tick: int) -> CgroupNode:
    path = f"{PARENT}/{each.id}"
    now = sample(each, number, tick)
    below = (CgroupNode(path=f"{path}/nested", processes=1),) if number == 0 else ()
    return CgroupNode(
        path=path, container_id=each.id, container_name=each.name, processes=3 + number, limits=each.request.limits,
        cpu=now.cpu, memory=now.memory, io=now.io, pids=now.pids, children=below,
    )  # fmt: skip


def processes(each: Container) -> tuple[ProcessInfo, ...]:
    """A first process with a few workers."""
    pid = each.pid or 1
    common = {"user": "root", "state": "sleeping"}
    return (
        ProcessInfo(pid=pid, parent_pid=1, pid_inside=1, command=" ".join(each.argv), memory_bytes=3 * MIB,
                    cpu_usec=1_200_000, cpu_percent=0.3, **common),  # type: ignore[arg-type]
        ProcessInfo(pid=pid + 4, parent_pid=pid, pid_inside=7, command="worker --busy", threads=4,
                    memory_bytes=9 * MIB, cpu_usec=95_000_000, cpu_percent=12.5, user="www-data", state="running"),
        ProcessInfo(pid=pid + 5, parent_pid=pid, pid_inside=8, command="worker", memory_bytes=9 * MIB, **common),  # type: ignore[arg-type]
        ProcessInfo(pid=pid + 9, parent_pid=pid + 5, pid_inside=12, command="sleep 1", memory_bytes=1 * MIB, **common),  # type: ignore[arg-type]
    )  # fmt: skip
