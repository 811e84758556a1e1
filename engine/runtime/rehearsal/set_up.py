"""What an init mounts and masks: on a root that is mounted nowhere, with file systems that show this machine."""

from __future__ import annotations

import os

from msgspec.structs import replace

from engine.errors import Unsupported
from engine.linux import machine, mounts
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Mount, Spec, decode
from engine.runtime import masking, mount_options, mounting
from engine.runtime.mounting import Sources

IS_POSSIBLE = machine.KERNEL_VERSION >= (6, 15)  # fs/namespace.c: before, nothing could be mounted below such a root

_TYPES = ("proc", "sysfs", "tmpfs", "mqueue", "devpts")  # whose mounts are made as such, and put in place later


def set_up(config: bytes) -> None:
    """Do what this ``config.json`` asks for, as far as it can be done without a namespace.

    Raises:
        Unsupported: the kernel is older than that.
        OSError, BoxdeckError: we may not do what it takes; file systems stay open then.
    """
    if not IS_POSSIBLE:
        raise Unsupported("nothing can be mounted below a root that is mounted nowhere", "rehearse without it")
    spec = decode(config)
    linux = spec.linux or Linux()
    sample = replace(spec, mounts=tuple(mount for mount in spec.mounts if _is_harmless(mount)))
    ahead, covers = mounting.make_ahead(sample), masking.make_covers(linux)
    root = mounts.new_filesystem("tmpfs", "tmpfs")
    try:
        mounting.place_all(sample, root, {**ahead, **_files(sample, root)})
        masking.seal(root, linux, covers)
    finally:
        os.close(root)


def _is_harmless(mount: Mount) -> bool:
    """Whether it makes something new; to remount a sysfs or mqueue would change the machine's own."""
    if mounting.is_root(mount) or mount_options.parse(mount.options).remount:
        return False
    return mounting.is_bind(mount) or mount.type in _TYPES


def _files(spec: Spec, root: int) -> Sources:
    """An empty file for each bind mount, whatever that is of."""
    os.close(os.open("source", os.O_CREAT | os.O_CLOEXEC, 0o644, dir_fd=root))
    place = f"/proc/self/fd/{root}/source"
    return Sources(
        {number: mounts.open_tree(place) for number, mount in enumerate(spec.mounts) if mounting.is_bind(mount)}
    )
