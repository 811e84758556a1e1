"""Descriptors of containers' root directories: of one that runs through its first process, of others through a mount.

A mount is made in a mount namespace of the calling thread's own, where nobody else sees it, with the container's bind
mounts in place as they are when it runs. Where it will have file systems in memory or of the kernel's, there is nothing
now, and nothing can be put there: it would be hidden later.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from msgspec.structs import replace

from engine.errors import Conflict
from engine.linux import mounts, namespaces
from engine.linux.credentials import making_files_as
from engine.linux.paths import normal
from engine.model import Container
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Mount, Spec
from engine.runtime import mount_options, mount_targets, mounting, overlay, rootfs
from engine.runtime.userns import host_id, open_mapping

_KERNELS_OWN = ("/proc", "/sys", "/dev")
_one_overlay_at_a_time = threading.Lock()  # `overlay` has a list of layers for the process as a whole


class Entrance(NamedTuple):
    """What it takes to get at a container's files.

    Attributes:
        bundle: its folder.
        process: a pidfd of its first process, and a descriptor of that one's root directory; None unless it runs.
    """

    container: Container
    spec: Spec
    bundle: str
    process: tuple[int, int] | None

    @property
    def linux(self) -> Linux:
        """The part of its spec that has its ids."""
        return self.spec.linux or Linux()

    @property
    def owner(self) -> tuple[int, int]:
        """Its root's ids on the host."""
        return host_id(self.linux.uid_mappings, 0) or 0, host_id(self.linux.gid_mappings, 0) or 0

    def check(self) -> None:
        """See that it still runs, if it ran: without it, its mounts fall apart.

        Raises:
            Conflict: it has ended.
        """
        if self.process is None:
            return
        try:
            signal.pidfd_send_signal(self.process[0], 0)
        except ProcessLookupError as error:
            raise Conflict(f"{self.container.name} has ended meanwhile", "copy again") from error


def enter(pid: int) -> tuple[int, int] | None:
    """A pidfd and a descriptor of the root directory of a process; None when it has gone.

    The pid may be somebody else's by now: look again whether it is the container's, afterwards.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        return pidfd, os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        os.close(pidfd)
        return None


def open_roots(entrances: Sequence[Entrance], stack: ExitStack) -> dict[str, int]:
    """Descriptors of root directories by the containers' ids, good until the stack is closed.

    Only for a thread that does nothing else in its life.

    Raises:
        BoxdeckError: one can't be mounted, and why.
    """
    roots = {entrance.container.id: entrance.process[1] for entrance in entrances if entrance.process}
    asleep = [entrance for entrance in entrances if entrance.process is None]
    made = {entrance.container.id: _made(entrance, stack) for entrance in asleep}
    if asleep:  # all of them are made by now: before Linux 6.15 that takes the thread to a namespace and back
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    for entrance in asleep:
        _attach(entrance, made[entrance.container.id], stack)
    return roots | made


def _made(entrance: Entrance, stack: ExitStack) -> int:
    mapping = _mapping(entrance, stack)
    with _one_overlay_at_a_time:
        try:
            root = rootfs.prepare(entrance.spec, entrance.bundle, mapping)
        finally:
            overlay.let_go()
    stack.callback(os.close, root)
    return root


def _mapping(entrance: Entrance, stack: ExitStack) -> int | None:
    if not entrance.linux.uid_mappings:
        return None
    mapping = open_mapping(entrance.linux)
    stack.callback(os.close, mapping)
    return mapping


def _attach(entrance: Entrance, root: int, stack: ExitStack) -> None:
    place = f"{entrance.bundle}/rootfs"
    with _opened(place) as target:
        mounts.attach(root, target)
    stack.callback(mounts.unmount, place)
    wanted = replace(entrance.spec, mounts=tuple(m for m in entrance.spec.mounts if _is_wanted(m)))
    sources = mounting.open_sources(wanted, entrance.bundle, _mapping(entrance, stack))
    for source in sources.values():
        stack.callback(os.close, source)
    with making_files_as(*entrance.owner, effective=-1):
        for number, mount in enumerate(wanted.mounts):
            _place(root, normal(mount.destination), sources.get(number))
    if entrance.spec.root is not None and entrance.spec.root.readonly:
        mounts.set_attributes(root, mounts.MOUNT_ATTR_RDONLY)


def _is_wanted(mount: Mount) -> bool:
    """Whether a mount shows files of the host's that are there, or takes a place at which people look for files."""
    if mounting.is_root(mount) or mount_options.parse(mount.options).remount:
        return False
    if not mounting.is_bind(mount):
        return True
    is_there = os.path.isabs(mount.source) and os.path.exists(mount.source)
    return is_there and "/" + normal(mount.destination).split("/", 2)[1] not in _KERNELS_OWN


def _place(root: int, destination: str, source: int | None) -> None:
    """Put a mount in place, or in the place of one that shows no files of the disk's an empty one for reading."""
    with ExitStack() as stack:
        target = mount_targets.existing(root, destination)
        if target is None and source is None:
            return
        if source is None:
            source = mounts.new_filesystem("tmpfs", "tmpfs", ("mode=755",), mounts.MOUNT_ATTR_RDONLY)
            stack.callback(os.close, source)
        if target is None:
            is_folder = os.path.isdir(f"/proc/self/fd/{source}")
            target = (mount_targets.folder if is_folder else mount_targets.file)(root, destination)
        stack.callback(os.close, target)
        mounts.attach(source, target)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
