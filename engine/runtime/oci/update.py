"""``update``: change the limits of a container."""

from __future__ import annotations

import sys

from msgspec import Struct

from engine.errors import InvalidRequest, NotFound, Unsupported
from engine.oci.resources_spec import LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxPids, LinuxResources
from engine.oci.runtime_spec import decode_part
from engine.runtime.oci.changing import update
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.verb import Call, Verb

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}

FLAGS = (
    Flag("resources", "text", "read the limits, as in config.json, from this file, or with - from standard input", "r"),
    Flag("blkio-weight", "text", "share of the time of block devices, 10 to 1000"),
    Flag("cpu-period", "text", "microseconds that the quota is for"),
    Flag("cpu-quota", "text", "microseconds of processor time in a period"),
    Flag("cpu-burst", "text", "microseconds that may be saved up"),
    Flag("cpu-share", "text", "share of processor time, 2 to 262144"),
    Flag("cpu-rt-period", "text", "microseconds that the realtime runtime is for"),
    Flag("cpu-rt-runtime", "text", "microseconds of realtime in a period"),
    Flag("cpu-idle", "text", "1 for processor time that nobody else wants, 0 for an ordinary share"),
    Flag("cpuset-cpus", "text", "processors, such as 0-3,7"),
    Flag("cpuset-mems", "text", "memory nodes"),
    Flag("memory", "text", "bytes of memory; k, m or g may follow, and -1 is unlimited"),
    Flag("memory-reservation", "text", "bytes that it is pushed back to when memory is short"),
    Flag("memory-swap", "text", "bytes of memory and swap together"),
    Flag("kernel-memory", "text"),
    Flag("kernel-memory-tcp", "text", "bytes in buffers of sockets, on v1"),
    Flag("pids-limit", "text", "processes and threads"),
    Flag("l3-cache-schema", "text"),
    Flag("mem-bw-schema", "text"),
)


class Options(Struct, frozen=True, kw_only=True):
    """The flags of `FLAGS`; sizes are texts, in which a unit may follow the number."""

    resources: str = ""
    blkio_weight: int | None = None
    cpu_period: int | None = None
    cpu_quota: int | None = None
    cpu_burst: int | None = None
    cpu_share: int | None = None
    cpu_rt_period: int | None = None
    cpu_rt_runtime: int | None = None
    cpu_idle: int | None = None
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    memory: str = ""
    memory_reservation: str = ""
    memory_swap: str = ""
    kernel_memory: str = ""
    kernel_memory_tcp: str = ""
    pids_limit: int | None = None
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""


def action(call: Call) -> int:
    """Change them."""
    options: Options = call.options
    if options.l3_cache_schema or options.mem_bw_schema:
        flag = "--l3-cache-schema" if options.l3_cache_schema else "--mem-bw-schema"
        raise Unsupported(f"{flag}: resource control (Intel RDT) isn't supported", "leave it out")
    resources = _read(options.resources) if options.resources else from_flags(options)
    update(call.settings.state_root, call.container_id, resources)
    return 0


def _read(path: str) -> LinuxResources:
    try:
        if path == "-":
            text = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                text = file.read()
    except OSError as error:
        raise NotFound(f"{path} can't be read ({error.strerror})", "name a file with --resources") from error
    return decode_part(text, LinuxResources, "the resources' JSON")


def from_flags(options: Options) -> LinuxResources:
    """The limits that flags name.

    Raises:
        InvalidRequest: a size isn't one.
    """
    memory = LinuxMemory(
        limit=size(options.memory),
        reservation=size(options.memory_reservation),
        swap=size(options.memory_swap),
        kernel=size(options.kernel_memory),
        kernel_tcp=size(options.kernel_memory_tcp),
    )
    cpu = LinuxCPU(
        shares=options.cpu_share,
        quota=options.cpu_quota,
        burst=options.cpu_burst,
        period=options.cpu_period,
        realtime_runtime=options.cpu_rt_runtime,
        realtime_period=options.cpu_rt_period,
        cpus=options.cpuset_cpus,
        mems=options.cpuset_mems,
        idle=options.cpu_idle,
    )
    return LinuxResources(
        memory=memory if memory != LinuxMemory() else None,
        cpu=cpu if cpu != LinuxCPU() else None,
        pids=LinuxPids(limit=options.pids_limit) if options.pids_limit is not None else None,
        block_io=LinuxBlockIO(weight=options.blkio_weight) if options.blkio_weight is not None else None,
    )


def size(text: str) -> int | None:
    """Bytes; None for an empty text.

    Raises:
        InvalidRequest: it is no number, or has an unknown unit.
    """
    if not text:
        return None
    if text == "-1":
        return -1
    number = text.rstrip("bBkKmMgGtTpPiI")
    unit = text[len(number) :].lower().replace("ib", "").removesuffix("b")
    if not number.isdecimal() or unit not in _UNITS:
        raise InvalidRequest(f"{text!r} is no size", "write bytes, or a number with k, m or g")
    return int(number) * _UNITS[unit]


VERB = Verb("change the limits of a container", "ID", 1, 1, FLAGS, Options, action)
