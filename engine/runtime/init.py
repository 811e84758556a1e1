"""Init: the first process of a container, from clone3 to execve. It obeys ``config.json`` and nothing else.

It is born into its namespaces as a fork of the maker. Both work at the same time: while init reads its config the
maker makes the cgroup, and while init joins that and mounts what needs nothing of the root, the maker makes the root
file system and the sources of bind mounts as detached mounts, and sends their descriptors over a socket. That closes
at execve: silence there means success.
"""

from __future__ import annotations

import codecs
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, InvalidRequest, RuntimeFailure
from engine.linux import descriptors, keyring, libc, memory, mounts, namespaces, prctl, pty, trace
from engine.network import loopback
from engine.oci.linux_spec import Linux
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Spec, decode
from engine.runtime import (
    dev_folder,
    devices,
    entering,
    file_system_mount,
    home,
    hooks,
    letting_go,
    masking,
    mounting,
    process,
    process_stdio,
    protocol,
    reaper,
    rootfs,
    seccomp,
    sysctls,
)
from engine.runtime.circumstances import Circumstances
from engine.runtime.file_system_mount import FileSystem

REAPER_ANNOTATION = "io.boxdeck.init"  # "true": pid 1 is ours, and the program its child

_SETUP_FAILED = 125
_MOST_DESCRIPTORS = 253  # SCM_MAX_FD

for _name in ("ascii", "utf-8", "latin-1"):  # codecs are imported at first use, which would be inside the container
    codecs.lookup(_name)


class Inheritance(NamedTuple):
    """What init gets by being forked.

    Attributes:
        sync: socket to the shim.
        programs: the compiled seccomp filter, if there is to be one.
        awaits_program: whether that is still to come, by `engine.runtime.protocol.Filtered`.
        has_loopback: whether that of its network namespace is up already.
    """

    spec: Spec
    around: Circumstances
    sync: socket.socket
    programs: list[seccomp.Filter]
    awaits_program: bool = False
    has_loopback: bool = False


class Provisions(NamedTuple):
    """What the shim provides once init's ids are mapped: descriptors of detached mounts.

    Attributes:
        rootfs: of the root file system.
        binds, devices: of the sources of bind mounts and devices.
    """

    rootfs: int
    binds: mounting.Sources
    devices: mounting.Sources


class Ahead(NamedTuple):
    """What init has made before there is a root.

    Attributes:
        file_systems: those of the spec's mounts that need nothing of the root.
        covers: of masked paths.
    """

    file_systems: mounting.Sources
    covers: masking.Covers | None


def main(inherited: Inheritance) -> NoReturn:
    """Never returns: becomes the container's program, or reports to whoever made or starts it why not, and ends."""
    try:
        _reporting(inherited.sync, lambda: _set_up(inherited))
        starter = _await_start(inherited)
        _reporting(starter, lambda: _start(inherited, starter))
    finally:
        os._exit(_SETUP_FAILED)


def await_order(
    sync: socket.socket, flags: int, pages: memory.Ranges, file_systems: tuple[FileSystem, ...]
) -> NoReturn:
    """Never returns: as `main`, for an init in stock, which hears what it is for when somebody needs it.

    Args:
        flags: the CLONE_NEW flags that it was cloned with.
        pages: what it will probably write to.
        file_systems: what it will probably mount.
    """
    try:
        descriptors.close_all_but({0, 1, 2, sync.fileno()})  # above all the socket of requests, which we don't take
        memory.take_copies(pages)
        has_loopback = bool(flags & namespaces.CLONE_NEWNET)
        if has_loopback:
            loopback.bring_up()
        pty.begin_session()
        file_system_mount.prepare(file_systems)
        config, _ = protocol.receive_frame(sync)
        if config:
            _reporting(sync, lambda: _obey(config, sync, has_loopback))
    finally:
        os._exit(_SETUP_FAILED)


def _obey(config: memoryview, sync: socket.socket, has_loopback: bool) -> NoReturn:
    """Read what a container is to be like while the maker does so, too, and hear then whether we are to be that.

    Until then nothing is done about it: our namespaces may be others than it wants, and so the host's.
    """
    spec = decode(config)
    frame, stdio = protocol.receive_frame(sync, 3)
    order = protocol.decode(frame) if frame else None
    if not isinstance(order, protocol.Order):
        os._exit(_SETUP_FAILED)  # it is for somebody else, or the maker has gone
    around = Circumstances(
        container_id=order.container_id,
        bundle=order.bundle,
        cgroup=Cgroup.expected(order.cgroup, order.below_limits),
        stdio=(stdio[0], stdio[1], stdio[2]) if stdio else None,
    )
    main(Inheritance(spec, around, sync, [], awaits_program=True, has_loopback=has_loopback))


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
    trace.hand_over()
    protocol.send(connection, failure)
    os._exit(_SETUP_FAILED)


def _set_up(inherited: Inheritance) -> None:
    spec, linux = inherited.spec, inherited.spec.linux or Linux()
    if spec.process is None or not spec.process.args:
        raise RuntimeFailure(
            "config.json has no process to run", 'give it one: "process": {"args": ["sh"], "cwd": "/"}'
        )
    letting_go.forget_imports()
    os.umask(0)  # modes of devices and folders are meant as they are written
    around, sync = inherited.around, inherited.sync
    _work_alone(spec, spec.process, linux, inherited.has_loopback)
    _await(sync, protocol.Proceed)
    if around.cgroup.descriptor is None and not entering.needs_stepping_stone(linux):
        around.cgroup.join(0)  # moving oneself is cheap; being moved waits for a lock of the whole machine
    _take_identity(linux, around)
    ahead = Ahead(mounting.make_ahead(spec), masking.make_covers(linux))
    provided = _receive_provisions(sync)
    slave = _build_root(inherited, provided, ahead)
    process_stdio.take_stdio(spec.process, around.stdio, slave)
    letting_go.close_what_leads_out([sync, *([around.listener] if around.listener else [])], around.preserved)
    _make_working_directory(spec.process.cwd)
    rootfs.settle(spec)
    if around.listener is not None:
        process.require_command(spec.process)
    if not _minds_the_network(spec):
        _await_runtime(inherited)
    protocol.send(sync, protocol.Created(os.getpid()))


def _make_working_directory(cwd: str) -> None:
    """Make it where there is none, as docker and runc do; what keeps it from that is told when it is entered.

    No descriptor that leads out is open any more, so that no link can.
    """
    if os.path.exists(cwd):
        return
    names = cwd.strip("/").split("/")
    with suppress(OSError):
        for depth in range(1, len(names) + 1):
            with suppress(FileExistsError):
                trace.call(os.mkdir, "/" + "/".join(names[:depth]), 0o755)


def _work_alone(spec: Spec, wanted: Process, linux: Linux, has_loopback: bool) -> None:
    """Do what needs neither ids nor cgroup while the maker is at work on those."""
    if _is_bounded_early(spec):
        process.limit_bounding_set(wanted)
    mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
    network = linux.namespace("network")
    if network is not None and not network.path and not has_loopback:
        loopback.bring_up()
    if (spec.hostname or spec.domainname) and linux.namespace("uts") is None:
        raise InvalidRequest("a host name without a UTS namespace would be the host's", "take it out of config.json")
    if spec.hostname:
        _set_name("sethostname", spec.hostname)
    if spec.domainname:
        _set_name("setdomainname", spec.domainname)


def _receive_provisions(sync: socket.socket) -> Provisions:
    rootfs, binds, nodes = -1, mounting.Sources(), mounting.Sources()
    while True:
        begun = trace.now()
        frame, numbers = protocol.receive_frame(sync, _MOST_DESCRIPTORS)
        trace.note(begun, "recvmsg", tuple(numbers), path="SCM_RIGHTS")
        message = protocol.decode(frame) if frame else None
        if not isinstance(message, protocol.Sources):
            os._exit(_SETUP_FAILED)  # the shim has given up, or gone
        if message.rootfs:
            rootfs = numbers.pop(0)
        binds.update(zip(message.binds, numbers, strict=False))
        nodes.update(zip(message.devices, numbers[len(message.binds) :], strict=False))
        if not message.more:
            return Provisions(rootfs, binds, nodes)


def _receive_program(inherited: Inheritance) -> None:
    message = protocol.receive(inherited.sync)
    if not isinstance(message, protocol.Filtered):
        os._exit(_SETUP_FAILED)  # as above
    if message.program is not None:
        inherited.programs.append(seccomp.Filter(message.program, message.flags, message.notifies))


def _await_start(inherited: Inheritance) -> socket.socket:
    """The connection on which the start was asked for; it closes at execve."""
    starter = inherited.sync
    if inherited.around.listener is not None:
        inherited.sync.close()
        starter, _ = inherited.around.listener.accept()
    _await(starter, protocol.Start)
    return starter


def _start(inherited: Inheritance, starter: socket.socket) -> None:
    spec, around = inherited.spec, inherited.around
    assert spec.process is not None
    wanted = home.with_home(spec.process)
    if spec.hooks.start_container:
        state = around.state("created", os.getpid(), spec)
        hooks.run(spec.hooks.start_container, state, "startContainer", before=lambda: _confine(inherited, wanted))
    process.become(
        wanted,
        next(iter(inherited.programs), None),
        lambda descriptor: letting_go.send_listener(starter, descriptor),
        linux=spec.linux,
        is_bounded=_is_bounded_early(spec),
        last=_die_with_the_shim if around.listener is None else None,
    )
    letting_go.restore_signals()
    if spec.annotations.get(REAPER_ANNOTATION) == "true":
        reaper.run(lambda: _execute(wanted, starter, around))
    process.execute(wanted, around.preserved)


def _confine(inherited: Inheritance, wanted: Process) -> None:
    """Make a hook whose program is a file of the container's no more than the container's own process will be."""
    spec = inherited.spec
    program = next((each for each in inherited.programs if not each.notifies), None)  # an agent isn't asked for hooks
    process.become(wanted, program, linux=spec.linux, is_bounded=_is_bounded_early(spec))


def _is_bounded_early(spec: Spec) -> bool:
    """Whether the bounding set is limited at the beginning: it holds for the hooks that we run before the end, too."""
    return not spec.hooks.create_container


def _execute(wanted: Process, starter: socket.socket, around: Circumstances) -> NoReturn:
    """In the child of a first process that only looks after others."""
    try:
        _reporting(starter, lambda: process.execute(wanted, around.preserved))
    finally:
        os._exit(_SETUP_FAILED)


def _die_with_the_shim() -> None:
    """Nobody would tell of the end of a container that outlived its shim."""
    prctl.set_parent_death_signal(signal.SIGKILL)


def _await(sync: socket.socket, expected: type) -> None:
    if not isinstance(protocol.receive(sync), expected):
        os._exit(_SETUP_FAILED)  # the shim has gone: nobody to report to


def _take_identity(linux: Linux, around: Circumstances) -> None:
    control = linux.namespace("cgroup")
    if linux.namespace("user") is not None:
        trace.call(os.setresgid, 0, 0, 0)
        trace.call(os.setresuid, 0, 0, 0)
    if control is not None and not control.path:  # only now that we are where we belong: its root is where we are
        namespaces.unshare(namespaces.CLONE_NEWCGROUP)
    if around.new_keyring:
        keyring.join_new_session()


def _set_name(call: str, name: str) -> None:
    encoded = name.encode()
    libc.syscall(call, encoded, len(encoded))


def _build_root(inherited: Inheritance, provided: Provisions, ahead: Ahead) -> int | None:
    """Mount everything, let hooks see it, change the root; the slave of the terminal, if the process gets one."""
    spec, root = inherited.spec, provided.rootfs
    top = trace.call(os.open, "/", os.O_PATH | os.O_CLOEXEC)
    # On top of "/", where no folder needs to exist nor be passable for this user; pivot_root turns them round.
    mounts.attach(root, top)
    os.close(top)
    mounting.place_all(spec, root, {**ahead.file_systems, **provided.binds})
    devices.make_all(spec, root, provided.devices, dev_folder.is_made(spec, provided.binds))
    slave = _open_terminal(spec, root, inherited.sync)
    if _minds_the_network(spec):
        _await_runtime(inherited)
    if spec.hooks.create_container:
        around = inherited.around
        state = around.state("creating", os.getpid(), spec)
        hooks.run(spec.hooks.create_container, state, "createContainer", around.bundle)
    linux = spec.linux or Linux()
    sysctls.write_all(root, linux.sysctl)
    masking.seal(root, linux, ahead.covers)
    rootfs.enter(root, inherited.around.pivot)
    os.close(root)
    return slave


def _minds_the_network(spec: Spec) -> bool:
    """Whether it has to stand before the root is changed; else it is made meanwhile."""
    hooks_before = spec.hooks.prestart or spec.hooks.create_runtime or spec.hooks.create_container
    return bool(hooks_before) or bool(spec.linux and spec.linux.sysctl)  # which may name a device


def _await_runtime(inherited: Inheritance) -> None:
    """Wait until the network stands, and the hooks have run for which this is the time."""
    trace.hand_over()  # now rather than when everybody waits for the program
    if inherited.awaits_program:
        _receive_program(inherited)
    _await(inherited.sync, protocol.Proceed)
    if inherited.spec.hooks.prestart or inherited.spec.hooks.create_runtime:
        protocol.send(inherited.sync, protocol.Mounted())
        _await(inherited.sync, protocol.Proceed)


def _open_terminal(spec: Spec, root: int, sync: socket.socket) -> int | None:
    if spec.process is None or not spec.process.terminal:
        return None
    slave = process_stdio.open_terminal(devices.open_pts(root), spec.process, sync)
    devices.bind_console(root, slave)
    return slave
