"""Namespaces that are joined by path, and how a container is born into them.

Whoever enters a user or pid namespace can't come back with what it had, so a short-lived *stepping stone*
enters them all and clones init as its own sibling (CLONE_PARENT): init is the shim's child then, as ever.
"""

from __future__ import annotations

import os
import socket

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, RuntimeFailure, Unsupported
from engine.linux import clone, namespaces, trace
from engine.oci.linux_spec import Linux, Namespace
from engine.runtime import protocol
from engine.xray.parts import Room

_ENTRY_BY_TYPE = {"mount": "mnt", "network": "net"}


def flag_of(namespace: Namespace) -> int:
    """The CLONE_NEW flag of a namespace's type."""
    return namespaces.FLAG_BY_ENTRY[_ENTRY_BY_TYPE.get(namespace.type, namespace.type)]


def new_flags(linux: Linux) -> int:
    """The namespaces that are to be new, as flags of clone(2)."""
    return sum(flag_of(namespace) for namespace in linux.namespaces if not namespace.path)


def needs_stepping_stone(linux: Linux) -> bool:
    """Whether somebody has to go first: a namespace is joined, or there are clocks to be set before init is born."""
    return any(namespace.path or namespace.type == "time" for namespace in linux.namespaces)


def clone_through_stepping_stone(
    linux: Linux, flags: int, cgroup: Cgroup, beside: int = 0, room: Room | None = None
) -> clone.Child:
    """Clone init from a process that has entered the namespaces joined by path.

    Args:
        flags: of what clone3 itself makes new.
        beside: CLONE_PARENT for an init that is to be the caller's sibling, too.
        cgroup: joined by the stepping stone, which may still do so; init is born into it.
        room: where the stepping stone leaves what it has asked of the kernel.

    Returns:
        As `clone.clone`: the pid is 0 in init itself.

    Raises:
        BoxdeckError: a namespace can't be entered or made.
    """
    joined = _open_all(linux)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stone = clone.clone(beside)
    if stone.pid == 0:
        ours.close()
        if room is not None:
            room.begin("stepping stone")
        if _step(linux, flags, cgroup, joined, theirs):
            theirs.close()
            return clone.Child(0, -1)
        os._exit(0)
    theirs.close()
    for _, descriptor in joined:
        os.close(descriptor)
    with ours:
        message = protocol.receive(ours)
    clone.bury(stone)
    if isinstance(message, protocol.Failed):
        raise message.error()
    if not isinstance(message, protocol.Born):
        raise RuntimeFailure("the container's namespaces can't be entered", "look at dmesg and try again")
    return clone.Child(message.pid, os.pidfd_open(message.pid))


def _open_all(linux: Linux) -> list[tuple[Namespace, int]]:
    """Descriptors of the namespaces to join, the user namespace last: with it goes the right to enter the others."""
    joined = sorted((n for n in linux.namespaces if n.path), key=lambda namespace: namespace.type == "user")
    return [(namespace, _open(namespace)) for namespace in joined]


def _open(namespace: Namespace) -> int:
    try:
        return os.open(namespace.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise RuntimeFailure(
            f"the {namespace.type} namespace {namespace.path} can't be opened ({error.strerror})",
            "see whether the process that it belongs to still runs",
        ) from error


def _step(linux: Linux, flags: int, cgroup: Cgroup, joined: list[tuple[Namespace, int]], sync: socket.socket) -> bool:
    """In the stepping stone: go everywhere, clone, tell. True in the clone."""
    try:
        cgroup.join(0)
        for namespace, descriptor in joined:
            _enter(namespace, descriptor)
        _make_time_namespace(linux)
        child = clone.clone(flags | clone.CLONE_PARENT)
        if child.pid == 0:
            return True
        trace.hand_over()
        protocol.send(sync, protocol.Born(child.pid))
    except BoxdeckError as error:
        protocol.send(sync, protocol.Failed.of(error))
    except OSError as error:
        failure = RuntimeFailure(f"the container's namespaces can't be made ({error.strerror})")
        protocol.send(sync, protocol.Failed.of(failure))
    return False


def _enter(namespace: Namespace, descriptor: int) -> None:
    try:
        namespaces.setns(descriptor, flag_of(namespace))
    except OSError as error:
        if namespace.type == "user" and _is_ours(descriptor):  # setns(2) refuses the one that one is in
            return
        raise RuntimeFailure(
            f"the {namespace.type} namespace {namespace.path} can't be entered ({error.strerror})",
            "see whether it is one of that type",
        ) from error


def _is_ours(descriptor: int) -> bool:
    return os.fstat(descriptor).st_ino == namespaces.inode("self", "user")


def _make_time_namespace(linux: Linux) -> None:
    """Offsets must be written before anybody is in the namespace (time_namespaces(7))."""
    wanted = linux.namespace("time")
    if wanted is None or wanted.path:
        return
    try:
        namespaces.unshare(namespaces.CLONE_NEWTIME)
        lines = (f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in linux.time_offsets.items())
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
            file.write("".join(lines))
    except OSError as error:
        raise Unsupported(f"a time namespace can't be made ({error.strerror})", "run without it") from error
