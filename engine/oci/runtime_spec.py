"""``config.json`` of the OCI runtime specification, as types: the part that Boxdeck compiles and obeys.

Field names are the specification's (config.md, config-linux.md). Unknown fields are ignored, as the
specification asks; a value of the wrong type is an error.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from engine.errors import InvalidRequest

OCI_VERSION = "1.2.0"


class User(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "POSIX-platform User"."""

    uid: int
    gid: int
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()


class ConsoleSize(Struct, frozen=True, kw_only=True):
    """Rows and columns of the terminal at the start."""

    height: int
    width: int


class Capabilities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The five sets, as names with their CAP_ prefix."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


class Rlimit(Struct, frozen=True, kw_only=True):
    """One resource limit: type such as RLIMIT_NOFILE."""

    type: str
    hard: int
    soft: int


class Process(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config.md, "Process"; also what `exec` runs."""

    cwd: str
    args: tuple[str, ...] = ()
    user: User = User(uid=0, gid=0)
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: ConsoleSize | None = None
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    oom_score_adj: int | None = None


class Root(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The root file system: a path absolute or relative to the bundle."""

    path: str
    readonly: bool = False


class Mount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """config.md, "Mounts". A mount whose destination is "/" is the root file system itself, made on `Root.path`."""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()


class IdMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a uid_map or gid_map."""

    container_id: int = field(name="containerID")
    host_id: int = field(name="hostID")
    size: int


class Namespace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A namespace to be new (no path) or to be joined."""

    type: Literal["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]
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


class LinuxMemory(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Memory limits in bytes; -1 is unlimited."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None


class LinuxCPU(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Processor time: quota and period in microseconds."""

    shares: int | None = None
    quota: int | None = None
    period: int | None = None


class LinuxPids(Struct, frozen=True, kw_only=True):
    """Processes and threads; 0 or less is unlimited."""

    limit: int


class LinuxResources(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """config-linux.md, "Control groups"."""

    memory: LinuxMemory | None = None
    cpu: LinuxCPU | None = None
    pids: LinuxPids | None = None


class Linux(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """config-linux.md."""

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    time_offsets: dict[str, TimeOffset] = field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    cgroups_path: str = ""
    resources: LinuxResources = LinuxResources()
    rootfs_propagation: str = ""
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    sysctl: dict[str, str] = field(default_factory=dict)


class Spec(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A whole ``config.json``."""

    oci_version: str
    root: Root | None = None
    process: Process | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    linux: Linux | None = None


def decode(text: bytes) -> Spec:
    """Read a ``config.json``.

    Raises:
        InvalidRequest: it is no JSON, or a value has the wrong type; the sentence says where.
    """
    try:
        return msgspec.json.decode(text, type=Spec)
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"config.json is not valid ({error})", "correct it and try again") from error


def encode(spec: Spec) -> bytes:
    """A ``config.json``, indented for people."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2)
