"""Init: the first process of a container, from clone3 to execve. It obeys ``config.json`` and nothing else.

It is born into its new namespaces as a fork of the shim, with everything it needs as descriptors: the root
file system and the sources of bind mounts as detached mounts. It speaks to the shim over one socket, which
closes at execve: silence there means success.
"""

from __future__ import annotations

import array
import codecs
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple, NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import descriptors, keyring, libc, mounts, namespaces, prctl, pty
from engine.oci.runtime_spec import Linux, Process, Spec
from engine.runtime import devices, mounting, process, protocol

_SETUP_FAILED = 125

for _name in ("ascii", "utf-8", "latin-1"):  # codecs are imported at first use, which would be inside the container
    codecs.lookup(_name)


class Birth(NamedTuple):
    """What the shim hands to init by forking.

    Attributes:
        rootfs: descriptor of the detached root file system.
        sources, device_sources: detached sources of bind mounts and devices.
        stdio: descriptors to become 0, 1 and 2; None with a terminal.
        cgroup: the container's, which init joins by itself where clone3 couldn't put it there.
        sync: socket to the shim.
        listener: where to wait for the start when nobody stays at the other end of `sync`.
    """

    spec: Spec
    rootfs: int
    sources: mounting.Sources
    device_sources: mounting.Sources
    stdio: tuple[int, int, int] | None
    cgroup: Cgroup
    sync: socket.socket
    listener: socket.socket | None = None


def main(birth: Birth) -> NoReturn:
    """Never returns: becomes the container's program, or reports to whoever made or starts it why not, and ends."""
    try:
        _reporting(birth.sync, lambda: _set_up(birth))
        starter = _await_start(birth)
        _reporting(starter, lambda: _start(birth))
    finally:
        os._exit(_SETUP_FAILED)


def _reporting(connection: socket.socket, step: Callable[[], None]) -> None:
    try:
        step()
        return
    except BoxdeckError as error:
        failure = protocol.Failed.of(error)
    except OSError as error:
        failure = protocol.Failed.of(RuntimeFailure(f"the container can't be set up ({error})"))
    except BaseException as error:  # whatever it was, a container's first process never shows a traceback
        reason = RuntimeFailure(f"init failed ({type(error).__name__}: {error})", "please report this")
        failure = protocol.Failed.of(reason)
    protocol.send(connection, failure)
    os._exit(_SETUP_FAILED)


def _set_up(birth: Birth) -> None:
    spec, linux = birth.spec, birth.spec.linux or Linux()
    if spec.process is None or not spec.process.args:
        raise RuntimeFailure(
            "config.json has no process to run", 'give it one: "process": {"args": ["sh"], "cwd": "/"}'
        )
    forget_imports()
    os.umask(0)  # modes of devices and folders are meant as they are written
    if birth.cgroup.descriptor is None:  # moving oneself is cheap; being moved waits for a lock of the whole machine
        birth.cgroup.join(0)
    _await(birth.sync, protocol.Network)
    _take_identity(spec, linux)
    slave = _build_root(birth)
    _finish_root(spec, linux)
    take_stdio(spec.process, birth.stdio, slave)
    close_what_leads_out([birth.sync, *([birth.listener] if birth.listener else [])])
    protocol.send(birth.sync, protocol.Created(os.getpid()))


def _await_start(birth: Birth) -> socket.socket:
    """The connection on which the start was asked for; it closes at execve."""
    starter = birth.sync
    if birth.listener is not None:
        birth.sync.close()
        starter, _ = birth.listener.accept()
    _await(starter, protocol.Start)
    return starter


def _start(birth: Birth) -> None:
    assert birth.spec.process is not None
    process.become(birth.spec.process)
    if birth.listener is None:  # nobody would tell of the end of a container that outlived its shim
        prctl.set_parent_death_signal(signal.SIGKILL)
    restore_signals()
    process.execute(birth.spec.process)


def forget_imports() -> None:
    """No import from here on: the container's files would answer it."""
    sys.meta_path.clear()
    sys.path.clear()


def close_what_leads_out(keep: Collection[socket.socket]) -> None:
    """Let go of all descriptors but the standard streams and sockets of ours.

    Closing them at execve is too late: the working directory, PATH and the program are names that the image may
    choose, and /proc/self/fd/N of an inherited folder is a way to the host (CVE-2024-21626).
    """
    descriptors.close_all_but({0, 1, 2, *(connection.fileno() for connection in keep)})


def restore_signals() -> None:
    """Undo what Python did to signals: dispositions survive execve where they are "ignore"."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _await(sync: socket.socket, expected: type) -> None:
    if not isinstance(protocol.receive(sync), expected):
        os._exit(_SETUP_FAILED)  # the shim has gone: nobody to report to


def _take_identity(spec: Spec, linux: Linux) -> None:
    new = {namespace.type for namespace in linux.namespaces if not namespace.path}
    if "user" in new:
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    if "cgroup" in new:  # only now, after the shim has put us where we belong: its root is where we are
        namespaces.unshare(namespaces.CLONE_NEWCGROUP)
    keyring.join_new_session()
    if spec.hostname:
        _set_name("sethostname", spec.hostname)
    if spec.domainname:
        _set_name("setdomainname", spec.domainname)


def _set_name(call: str, name: str) -> None:
    encoded = name.encode()
    libc.syscall(call, encoded, len(encoded))


def _build_root(birth: Birth) -> int | None:
    """Mount everything, pivot into it; returns the slave of the terminal, if the process gets one."""
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    top = os.open("/", os.O_PATH | os.O_CLOEXEC)
    # On top of "/", where no folder needs to exist nor be passable for this user; pivot_root turns them round.
    mounts.attach(birth.rootfs, top)
    os.close(top)
    mounting.place_all(birth.spec, birth.rootfs, birth.sources)
    devices.make_all(birth.spec, birth.rootfs, birth.device_sources)
    slave = _open_terminal(birth)
    os.fchdir(birth.rootfs)
    mounts.pivot_root(".", ".")
    mounts.unmount(".")
    os.chdir("/")
    os.close(birth.rootfs)
    return slave


def _open_terminal(birth: Birth) -> int | None:
    wanted = birth.spec.process
    if wanted is None or not wanted.terminal:
        return None
    slave = open_terminal(devices.open_pts(birth.rootfs), wanted, birth.sync)
    devices.bind_console(birth.rootfs, slave)
    return slave


def open_terminal(devpts: int, wanted: Process, sync: socket.socket) -> int:
    """Make a terminal in the container's own devpts, send its master to the shim, return its slave."""
    master = pty.open_master(devpts)
    slave = pty.open_slave(master)
    if wanted.console_size is not None:
        pty.set_size(slave, wanted.console_size.height, wanted.console_size.width)
    os.fchown(slave, wanted.user.uid, -1)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))]
    sync.sendmsg([protocol.encode(protocol.Done())], rights)
    os.close(master)
    os.close(devpts)
    return slave


def _finish_root(spec: Spec, linux: Linux) -> None:
    for key, value in linux.sysctl.items():
        Path("/proc/sys", key.replace(".", "/")).write_text(value)
    for path in linux.masked_paths:
        mounting.mask(path)
    for path in linux.readonly_paths:
        mounting.make_readonly(path)
    if spec.root is not None and spec.root.readonly:
        top = os.open("/", os.O_PATH | os.O_CLOEXEC)
        mounts.set_attributes(top, mounts.MOUNT_ATTR_RDONLY)
        os.close(top)


def take_stdio(wanted: Process, stdio: tuple[int, int, int] | None, slave: int | None) -> None:
    """Put the terminal, or the given descriptors, on 0, 1 and 2, in a session of its own."""
    if slave is not None:
        pty.make_controlling(slave)
        stdio = (slave, slave, slave)
    else:
        os.setsid()
    assert stdio is not None
    uid = wanted.user.uid
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)
        if uid and stat.S_ISFIFO(os.fstat(number).st_mode):
            os.fchown(number, uid, -1)  # so that the user can open /dev/stdout again, as with runc
