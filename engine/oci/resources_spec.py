"""``linux.resources`` of a ``config.json``: what control groups are to limit (config-linux.md, "Control groups").

Field names are the specification's. Sizes are bytes, times microseconds; -1 is "unlimited" where the kernel knows that.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class LinuxDeviceCgroup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule of the device list; an absent number is any, and so is an absent type. Later rules win."""

    allow: bool
    type: Literal["a", "b", "c", ""] | None = None
    major: int | None = None
    minor: int | None = None
    access: str | None = None


class LinuxMemory(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Memory limits in bytes; -1 is unlimited. `swap` is memory and swap together, as in v1."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel: int | None = None
    kernel_tcp: int | None = field(default=None, name="kernelTCP")
    swappiness: int | None = None
    disable_oom_killer: bool | None = field(default=None, name="disableOOMKiller")
    use_hierarchy: bool | None = None
    check_before_update: bool | None = None


class LinuxCPU(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Processor time in microseconds; processors and memory nodes as lists such as ``0-3,7``."""

    shares: int | None = None
    quota: int | None = None
    burst: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: int | None = None


class LinuxPids(Struct, frozen=True, kw_only=True):
    """Processes and threads; 0 or less is unlimited."""

    limit: int | None = None


class LinuxWeightDevice(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The share of one block device's time."""

    major: int
    minor: int
    weight: int | None = None
    leaf_weight: int | None = None


class LinuxThrottleDevice(Struct, frozen=True, kw_only=True):
    """Bytes or operations per second of one block device."""

    major: int
    minor: int
    rate: int


class LinuxBlockIO(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Block devices: weights of 10 to 1000, and limits per second."""

    weight: int | None = None
    leaf_weight: int | None = None
    weight_device: tuple[LinuxWeightDevice, ...] = ()
    throttle_read_bps_device: tuple[LinuxThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[LinuxThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[LinuxThrottleDevice, ...] = field(default=(), name="throttleReadIOPSDevice")
    throttle_write_iops_device: tuple[LinuxThrottleDevice, ...] = field(default=(), name="throttleWriteIOPSDevice")


class LinuxHugepageLimit(Struct, frozen=True, kw_only=True, rename="camel"):
    """Bytes in huge pages of one size, such as ``2MB``."""

    page_size: str
    limit: int


class LinuxInterfacePriority(Struct, frozen=True, kw_only=True):
    """Priority of the traffic through one interface."""

    name: str
    priority: int


class LinuxNetwork(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Marks on the traffic: net_cls and net_prio, which only v1 has."""

    class_id: int | None = field(default=None, name="classID")
    priorities: tuple[LinuxInterfacePriority, ...] = ()


class LinuxRdma(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Handles and objects of one RDMA device."""

    hca_handles: int | None = None
    hca_objects: int | None = None


class LinuxResources(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """All limits; `unified` is raw v2 files and their values."""

    devices: tuple[LinuxDeviceCgroup, ...] = ()
    memory: LinuxMemory | None = None
    cpu: LinuxCPU | None = None
    pids: LinuxPids | None = None
    block_io: LinuxBlockIO | None = field(default=None, name="blockIO")
    hugepage_limits: tuple[LinuxHugepageLimit, ...] = ()
    network: LinuxNetwork | None = None
    rdma: dict[str, LinuxRdma] = field(default_factory=dict)
    unified: dict[str, str] = field(default_factory=dict)
