"""What a request may say beyond image and command: mounts, devices, limits of a process, what it may do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Propagation = Literal["private", "rprivate", "slave", "rslave", "shared", "rshared"]


class BindMount(Struct, frozen=True, kw_only=True):
    """A file or folder of the host's, shown in the container.

    Attributes:
        source: an absolute path on the host; the file or folder must exist.
        destination: an absolute path in the container; made where there is none.
        recursive: whether mounts below the source are shown, too.
        writable_below: whether mounts below it are as they are on the host although it is read-only.
        flags: further mount options: ``nosuid``, ``nodev``, ``noexec`` and the like.
    """

    source: str
    destination: str
    read_only: bool = False
    recursive: bool = True
    writable_below: bool = False
    propagation: Propagation = "rprivate"
    flags: tuple[str, ...] = ()


class VolumeMount(Struct, frozen=True, kw_only=True):
    """A volume, shown in the container.

    Attributes:
        name: of one that is there or shall be; empty for one of the container's own.
        subpath: a folder in the volume that is shown instead of all of it.
        copies: whether a volume that is still empty gets what the image has in its place.
    """

    name: str
    destination: str
    read_only: bool = False
    subpath: str = ""
    copies: bool = True


class TmpfsMount(Struct, frozen=True, kw_only=True):
    """An empty folder in memory, gone when the container stops.

    Attributes:
        options: of mount(8), such as ``size=64m``, ``mode=1777``, ``exec``; they win over ``nosuid,noexec,nodev``.
    """

    destination: str
    options: tuple[str, ...] = ()


class DeviceAccess(Struct, frozen=True, kw_only=True):
    """A device of the host's, or all those in a folder, to be used in the container.

    Attributes:
        source: path on the host.
        destination: path in the container.
        access: any of ``r`` read, ``w`` write, ``m`` make nodes of.
    """

    source: str
    destination: str
    access: str = "rwm"


class Ulimit(Struct, frozen=True, kw_only=True):
    """A resource limit of the process and its children (getrlimit(2)); -1 is no limit.

    Attributes:
        name: without RLIMIT_ and in small letters, such as ``nofile``.
    """

    name: str
    soft: int
    hard: int


class Security(Struct, frozen=True, kw_only=True):
    """What a container may do.

    Attributes:
        privileged: everything: all capabilities and devices, nothing hidden, no filter of system calls.
        cap_add, cap_drop: capabilities with or without CAP_, or ALL; a name that is in both is had.
        no_new_privileges: set-user-id programs and file capabilities give nothing.
        seccomp: None for the default filter of system calls, ``unconfined`` for none, or a filter as JSON.
        apparmor: name of a profile that is loaded; ``unconfined`` for none.
        unmasked: nothing of /proc and /sys is hidden or read-only (docker's ``systempaths=unconfined``).
    """

    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    no_new_privileges: bool = False
    seccomp: str | None = None
    apparmor: str = ""
    unmasked: bool = False
