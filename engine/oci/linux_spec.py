"""``linux`` of a ``config.json`` (config-linux.md). Field names are the specification's."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from engine.oci import seccomp_spec
from engine.oci.resources_spec import LinuxResources
from engine.oci.seccomp_spec import Seccomp

NamespaceType = Literal["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]


class IdMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a uid_map or gid_map."""

    container_id: int = field(name="containerID")
    host_id: int = field(name="hostID")
    size: int


class Namespace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A namespace to be new (no path) or to be joined. One that isn't listed is inherited from the runtime."""

    type: NamespaceType
    path: str = ""


class TimeOffset(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """config-linux.md, "Offset for Time Namespace"."""

    secs: int = 0
    nanosecs: int = 0


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A device node to be made."""

    type: Literal["c", "b", "u", "p"]
    path: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int = 0
    gid: int = 0


class NetDevice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A network device of the host's to be moved in, perhaps under another name."""

    name: str = ""


class Personality(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The execution domain (personality(2))."""

    domain: Literal["LINUX", "LINUX32"]
    flags: tuple[str, ...] = ()


class IntelRdt(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Cache and memory bandwidth classes of Intel processors (resctrl)."""

    clos_id: str = field(default="", name="closID")
    l3_cache_schema: str = field(default="", name="l3CacheSchema")
    mem_bw_schema: str = field(default="", name="memBwSchema")


class MemoryPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """NUMA policy (set_mempolicy(2)), since version 1.3."""

    mode: Literal[
        "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY",
        "MPOL_WEIGHTED_INTERLEAVE",
    ]  # fmt: skip
    nodes: str = ""
    flags: tuple[Literal["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"], ...] = ()


class Linux(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config-linux.md.

    Attributes:
        seccomp_text: the filter of system calls as JSON. Long as it is, a start needs it only as a name for what it
            was compiled to; `seccomp` reads it.
    """

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    time_offsets: dict[Literal["monotonic", "boottime"], TimeOffset] = field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    net_devices: dict[str, NetDevice] = field(default_factory=dict)
    cgroups_path: str = ""
    resources: LinuxResources = LinuxResources()
    seccomp_text: msgspec.Raw = field(default=seccomp_spec.NO_TEXT, name="seccomp")
    rootfs_propagation: Literal["", "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable",
        "runbindable"] = ""  # fmt: skip
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str = ""
    sysctl: dict[str, str] = field(default_factory=dict)
    personality: Personality | None = None
    intel_rdt: IntelRdt | None = None
    memory_policy: MemoryPolicy | None = None

    @property
    def seccomp(self) -> Seccomp | None:
        """The filter of system calls, read anew each time; None for none.

        Raises:
            InvalidRequest: it isn't valid.
        """
        return seccomp_spec.decode(self.seccomp_text)

    def namespace(self, kind: NamespaceType) -> Namespace | None:
        """The entry of a kind; None when it is inherited."""
        return next((namespace for namespace in self.namespaces if namespace.type == kind), None)
