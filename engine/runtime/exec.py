"""Exec: a further process in a running container's namespaces and cgroups, with the container's own limits."""

from __future__ import annotations

import errno
import functools
import os
import socket
from typing import NamedTuple, NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import clone, keyring, namespaces, trace
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Spec
from engine.oci.state import encode as encode_state
from engine.runtime import attributes, home, letting_go, process_stdio, protocol, seccomp
from engine.runtime.process import become, execute

_SETUP_FAILED = 125


class Enterable(NamedTuple):
    """What there is to enter.

    Attributes:
        flags: the namespaces, as flags of setns(2): all that the container doesn't share with the host.
        pidfd: of the container's first process.
        cgroup: the container's, which a process joins by itself where clone3 couldn't put it there.
        program: the compiled seccomp filter, if there is to be one.
    """

    spec: Spec
    flags: int
    pidfd: int
    cgroup: Cgroup
    program: seccomp.Filter | None
    container_id: str
    bundle: str


def find(
    spec: Spec, pidfd: int, cgroup: Cgroup, container_id: str, bundle: str, seccomp_cache: str | None = None
) -> Enterable:
    """What there is to enter in a container, with the filter of its spec compiled.

    Raises:
        BoxdeckError: the filter can't be had.
    """
    program = seccomp.prepare_text(spec.linux.seccomp_text, seccomp_cache) if spec.linux is not None else None
    return Enterable(spec, _namespace_flags(spec), pidfd, cgroup, program, container_id, bundle)


class Entry(NamedTuple):
    """What the new process gets by being forked.

    Attributes:
        stdio: descriptors to become 0, 1 and 2; None with a terminal.
        sync: socket to whoever forked it, closed by execve.
        preserved: how many descriptors from 3 on it inherits.
    """

    process: Process
    container: Enterable
    stdio: tuple[int, int, int] | None
    sync: socket.socket
    preserved: int = 0


def _namespace_flags(spec: Spec) -> int:
    kinds = {"mount": "mnt", "network": "net"}
    flags = 0
    for namespace in spec.linux.namespaces if spec.linux else ():
        flags |= namespaces.FLAG_BY_ENTRY[kinds.get(namespace.type, namespace.type)]
    return flags


def main(entry: Entry) -> NoReturn:
    """Never returns: becomes the program, or reports to the shim why not and ends."""
    try:
        run(entry)
    except BoxdeckError as error:
        trace.hand_over()
        protocol.send(entry.sync, protocol.Failed.of(error))
    except BaseException as error:
        trace.hand_over()
        protocol.send(entry.sync, protocol.Failed.of(RuntimeFailure(f"the container can't be entered ({error})")))
    finally:
        os._exit(_SETUP_FAILED)


def run(entry: Entry) -> NoReturn:
    """Enter, and become the program.

    Raises:
        BoxdeckError, OSError: with what can't be done.
    """
    letting_go.forget_imports()
    container, process, sync = entry.container, entry.process, entry.sync
    _join_cgroup(entry)
    if attributes.needs_grant(process):
        attributes.grant(process)  # while we still have privileges over the host
    keyring.join_new_session()  # not that of who started the shim; as root of the host, whose quota nobody inside fills
    _enter_namespaces(container)
    slave = None
    if process.terminal:
        devpts = os.open("/dev/pts", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        slave = process_stdio.open_terminal(devpts, process, sync)
    process_stdio.take_stdio(process, entry.stdio, slave)
    letting_go.close_what_leads_out([sync], entry.preserved)
    process = home.with_home(process)
    become(
        process,
        container.program,
        lambda descriptor: letting_go.send_listener(sync, descriptor),
        linux=container.spec.linux,
        last=letting_go.restore_signals,
    )
    execute(process, entry.preserved)


def _join_cgroup(entry: Entry) -> None:
    """Where clone3 couldn't put us there; on the processors that are wanted before and after that."""
    cgroup, first = entry.container.cgroup, entry.container.spec.process
    affinity = entry.process.exec_cpu_affinity or (first.exec_cpu_affinity if first is not None else None)
    if cgroup.descriptor is None:
        if affinity is not None and affinity.initial:
            attributes.pin(affinity.initial)
        cgroup.join(0)
    if affinity is not None and affinity.final:
        attributes.pin(affinity.final)


def _enter_namespaces(container: Enterable) -> None:
    """All but that of processes, which one is forked into."""
    flags = container.flags & ~namespaces.CLONE_NEWPID
    try:
        namespaces.setns(container.pidfd, flags)
    except OSError as error:  # EINVAL: setns(2) doesn't enter the user namespace that we are in, if it is shared
        if error.errno != errno.EINVAL or not flags & namespaces.CLONE_NEWUSER:
            raise
        flags &= ~namespaces.CLONE_NEWUSER
        namespaces.setns(container.pidfd, flags)
    if flags & namespaces.CLONE_NEWUSER:
        trace.call(os.setresgid, 0, 0, 0)
        trace.call(os.setresuid, 0, 0, 0)


def pass_listener_on(descriptor: int, container: Enterable, pid: int) -> None:
    """Give the listener of a process's seccomp filter to whoever the container's spec names.

    Raises:
        BoxdeckError: it can't be reached.
    """
    spec = container.spec
    state = encode_state(container.container_id, "running", pid, container.bundle, spec.annotations)
    try:
        if spec.linux is not None and (wanted := spec.linux.seccomp) is not None:
            seccomp.send_listener(descriptor, wanted, state)
    finally:
        os.close(descriptor)


def clone_into(container: Enterable) -> clone.Child:
    """A child in the container's pid namespace (and cgroup on v2); it enters everything else itself."""
    try:
        container.cgroup.open_ways_in()
        if container.flags & namespaces.CLONE_NEWPID:
            return _clone_inside(container)
        return clone.clone(0, container.cgroup.descriptor)
    except OSError as error:
        raise RuntimeFailure(
            f"the container can't be entered ({error.strerror})", "see whether it still runs"
        ) from error


def _clone_inside(container: Enterable) -> clone.Child:
    """Clone while our children are born in the container's pid namespace; the child must not come back from there."""
    home = _home()
    child = None
    try:
        namespaces.setns(container.pidfd, namespaces.CLONE_NEWPID)
        child = clone.clone(0, container.cgroup.descriptor)
        return child
    finally:
        if child is None or child.pid != 0:
            namespaces.setns(home, namespaces.CLONE_NEWPID)


@functools.cache
def _home() -> int:
    """The pid namespace that our children are born in as a rule; kept open for further execs."""
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
