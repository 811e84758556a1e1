"""How a container comes to be, seen from the shim: everything prepared, init cloned, joined, connected."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

from engine.cgroups.manager import Cgroup
from engine.errors import RuntimeFailure, Unsupported
from engine.linux import clone, namespaces
from engine.network import transport
from engine.network.plan import NETNS_DESCRIPTOR, NetworkPlan
from engine.oci.runtime_spec import Linux, Spec
from engine.runtime import devices, init, mounting, protocol, rootfs, userns

_ENTRY_BY_TYPE = {"mount": "mnt", "network": "net"}
_BY_UNSHARE = namespaces.CLONE_NEWCGROUP | namespaces.CLONE_NEWTIME  # what clone3 gives too early


class Living(NamedTuple):
    """A container whose init waits to execute its process.

    Attributes:
        pidfd: of init.
        sync: socket to init, closed by execve.
        master: of its terminal, if it has one.
    """

    pid: int
    pidfd: int
    sync: socket.socket
    master: int | None


def give_birth(
    spec: Spec,
    bundle: str,
    cgroup: Cgroup,
    network: NetworkPlan | None,
    stdio: tuple[int, int, int] | None,
    listener: socket.socket | None = None,
) -> Living:
    """Make a container up to the moment before execve (OCI runtime spec, "create").

    Args:
        stdio: what becomes its 0, 1 and 2; None when the spec wants a terminal.
        listener: where init waits for `Start`, when the caller ends before the container does. Without one
            `Start` comes over `Living.sync`, and init dies with the caller.

    Raises:
        BoxdeckError: with the step that failed; init is gone then, the cgroup is the caller's.
    """
    linux = spec.linux or Linux()
    flags = _clone_flags(linux)
    mapping = userns.open_mapping(linux) if flags & namespaces.CLONE_NEWUSER else None
    root = rootfs.prepare(spec, bundle, mapping)
    sources = mounting.open_sources(spec)
    device_sources = devices.open_sources(spec) if mapping is not None else {}
    _prepare_time(linux)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = _clone(flags & ~_BY_UNSHARE, cgroup)
    if child.pid == 0:
        init.main(init.Birth(spec, root, sources, device_sources, stdio, cgroup, theirs, listener))
    theirs.close()
    _close_all([root, *sources.values(), *device_sources.values()])
    if mapping is not None:
        os.close(mapping)
    try:
        _settle(child, linux, network)
        master = _await_created(ours)
    except BaseException:
        os.kill(child.pid, 9)
        os.waitpid(child.pid, 0)
        raise
    return Living(child.pid, child.pidfd, ours, master)


def _clone_flags(linux: Linux) -> int:
    flags = 0
    for namespace in linux.namespaces:
        if namespace.path:
            raise Unsupported(f"joining a {namespace.type} namespace by path isn't possible yet", "leave its path out")
        flags |= namespaces.FLAG_BY_ENTRY[_ENTRY_BY_TYPE.get(namespace.type, namespace.type)]
    return flags


def _prepare_time(linux: Linux) -> None:
    """Offsets must be written before anybody is in the namespace (time_namespaces(7)), so the shim unshares it."""
    if not any(namespace.type == "time" for namespace in linux.namespaces):
        return
    try:
        namespaces.unshare(namespaces.CLONE_NEWTIME)
        lines = (f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in linux.time_offsets.items())
        Path("/proc/self/timens_offsets").write_text("".join(lines))
    except OSError as error:
        raise Unsupported(f"a time namespace can't be made ({error.strerror})", "run without it") from error


def _clone(flags: int, cgroup: Cgroup) -> clone.Child:
    try:
        return clone.clone(flags, cgroup.descriptor)
    except OSError as error:
        raise RuntimeFailure(
            f"the container's namespaces can't be made ({error.strerror})",
            "root is needed, and room below the limits in /proc/sys/user",
        ) from error


def _settle(child: clone.Child, linux: Linux, network: NetworkPlan | None) -> None:
    """Give init what it waits for: its ids and its network."""
    if any(namespace.type == "user" for namespace in linux.namespaces):
        userns.write_maps(child.pid, linux)
    if network is not None:
        connect(child.pid, network)


def connect(pid: int, network: NetworkPlan) -> None:
    """Send the prepared netlink messages, first in the host's network namespace, then in that of a process.

    Raises:
        RuntimeFailure: with the kernel's reason.
    """
    home = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.dup2(home, NETNS_DESCRIPTOR, inheritable=False)
        with transport.open_socket() as here:
            transport.attach(here, network)
        with namespaces.entered(home, "net"):
            there = transport.open_socket()
        with there:
            transport.configure(there, network)
    except OSError as error:
        raise RuntimeFailure(f"the container's network can't be made ({error})", "try --network none") from error
    finally:
        _close_all([home, NETNS_DESCRIPTOR])


def _await_created(sync: socket.socket) -> int | None:
    """Let init go on until it is ready to execute; the master of its terminal arrives on the way."""
    protocol.send(sync, protocol.Network())
    master = None
    while True:
        message, descriptor = receive_with_descriptor(sync)
        master = descriptor if descriptor is not None else master
        if isinstance(message, protocol.Created):
            return master
        if isinstance(message, protocol.Failed):
            raise message.error()
        if message is None:
            raise RuntimeFailure("init died before the container stood", "look at dmesg: it may have run out of memory")


def receive_with_descriptor(sync: socket.socket) -> tuple[protocol.Message | None, int | None]:
    """The next message and the descriptor that came with it, if any."""
    try:
        frame, descriptors, _, _ = socket.recv_fds(sync, protocol.FRAME_SIZE, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None, None
    return (protocol.decode(frame) if frame else None), (descriptors[0] if descriptors else None)


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError:
            continue
