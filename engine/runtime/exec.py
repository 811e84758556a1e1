"""Exec: a further process in a running container's namespaces and cgroups, with the container's own limits."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple, NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import namespaces
from engine.oci.runtime_spec import Process, Spec
from engine.runtime import init, protocol
from engine.runtime.process import become, execute

_SETUP_FAILED = 125


class Entry(NamedTuple):
    """What the shim hands to the new process by forking.

    Attributes:
        container: pidfd of the container's first process.
        cgroup: the container's, which the process joins by itself where clone3 couldn't put it there.
        stdio: descriptors to become 0, 1 and 2; None with a terminal.
        sync: socket to the shim, closed by execve.
    """

    process: Process
    container: int
    cgroup: Cgroup
    flags: int
    stdio: tuple[int, int, int] | None
    sync: socket.socket


def namespace_flags(spec: Spec) -> int:
    """The namespaces to enter, as flags of setns(2): all that the container doesn't share with the host."""
    kinds = {"mount": "mnt", "network": "net"}
    flags = 0
    for namespace in spec.linux.namespaces if spec.linux else ():
        flags |= namespaces.FLAG_BY_ENTRY[kinds.get(namespace.type, namespace.type)]
    return flags


def main(entry: Entry) -> NoReturn:
    """Never returns: becomes the program, or reports to the shim why not and ends."""
    try:
        _run(entry)
    except BoxdeckError as error:
        protocol.send(entry.sync, protocol.Failed.of(error))
    except BaseException as error:
        protocol.send(entry.sync, protocol.Failed.of(RuntimeFailure(f"the container can't be entered ({error})")))
    finally:
        os._exit(_SETUP_FAILED)


def _run(entry: Entry) -> NoReturn:
    init.forget_imports()
    if entry.cgroup.descriptor is None:
        entry.cgroup.join(0)
    namespaces.setns(entry.container, entry.flags & ~namespaces.CLONE_NEWPID)  # the pid one by being forked into it
    if entry.flags & namespaces.CLONE_NEWUSER:
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    slave = None
    if entry.process.terminal:
        devpts = os.open("/dev/pts", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        slave = init.open_terminal(devpts, entry.process, entry.sync)
    init.take_stdio(entry.process, entry.stdio, slave)
    init.close_what_leads_out([entry.sync])
    become(entry.process)
    init.restore_signals()
    execute(entry.process)
