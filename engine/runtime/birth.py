"""How a container comes to be, seen from outside: init cloned, its ids mapped, root and network provided."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import clone, namespaces, trace
from engine.network import wiring
from engine.network.plan import NetworkPlan
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Spec
from engine.runtime import (
    attributes,
    dev_folder,
    devices,
    entering,
    hooks,
    init,
    mounting,
    protocol,
    refusals,
    rootfs,
    seccomp,
    stock,
    userns,
)
from engine.runtime.circumstances import Circumstances

_BY_UNSHARE = namespaces.CLONE_NEWCGROUP | namespaces.CLONE_NEWTIME  # what clone3 gives too early
_DESCRIPTORS_A_MESSAGE = 200  # SCM_MAX_FD is 253


class Living(NamedTuple):
    """A container whose init waits to execute its process.

    Attributes:
        pidfd: of init.
        sync: socket to init, closed by execve.
        master: of its terminal, if it has one.
        is_ready: whether init has said that it stands at the moment before execve.
    """

    pid: int
    pidfd: int
    sync: socket.socket
    master: int | None
    is_ready: bool = True


class Birth:
    """A container on its way: init works on its own, from `begin` or `order` until `finish` hears that it is ready."""

    def __init__(
        self, spec: Spec, around: Circumstances, child: clone.Child, sync: socket.socket, has_filter: bool = True
    ) -> None:
        self._spec = spec
        self._around = around
        self._child = child
        self._sync = sync
        self._has_filter = has_filter

    @classmethod
    def begin(cls, spec: Spec, around: Circumstances) -> Birth:
        """Clone an init into a cgroup that is there.

        Raises:
            BoxdeckError: with the step that failed; the cgroup is the caller's.
        """
        refusals.refuse(spec)
        child, sync = _clone_init(spec, around, _filter(spec, around))
        return cls(spec, around, child, sync)

    @classmethod
    def order(cls, spec: Spec, around: Circumstances, stocked: stock.Stocked) -> Birth | None:
        """Take an init from stock that has been shown the spec; its cgroup need not be there before `provide`.

        Args:
            stocked: it is gone if it doesn't fit.

        Returns:
            None when it isn't of the kind that is wanted, or has died.
        """
        linux = spec.linux or Linux()
        refusals.refuse(spec)
        alike = stocked.flags == namespace_flags(linux) and not entering.needs_stepping_stone(linux)
        if alike and stock.order(stocked, around):
            return cls(spec, around, stocked.child, stocked.sync, has_filter=False)
        stock.discard(stocked)
        return None

    def provide(self) -> None:
        """Give init all that it waits for, now that its cgroup is there.

        Raises:
            BoxdeckError: with the step that failed; init is gone then, the cgroup is the caller's.
        """
        with self._or_death():
            _provide(self._child.pid, self._sync, self._spec, self._around)
            if not self._has_filter:  # which is the last thing that init takes
                _send_filter(self._sync, _filter(self._spec, self._around))
            protocol.send(self._sync, protocol.Proceed())

    def open_mounts(self) -> int:
        """A descriptor of the container's mount namespace.

        Raises:
            BoxdeckError: why init has ended already.
        """
        with self._or_death():
            return os.open(f"/proc/{self._child.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def can_start_early(self) -> bool:
        """Whether nothing is to be done from outside between `provide` and the start."""
        process = self._spec.process
        has_hooks = self._spec.hooks.prestart or self._spec.hooks.create_runtime
        return not has_hooks and (process is None or not attributes.needs_grant(process))

    def start(self) -> None:
        """Let init execute as soon as it is ready; before `finish` only if it `can_start_early`."""
        protocol.send(self._sync, protocol.Start())

    def leave(self) -> Living:
        """Leave it to somebody else to hear how init gets on, which was told to `start` early and makes no terminal."""
        if self._around.network is not None:
            with self._or_death():
                wiring.describe(self._around.network)  # while init is at work
        return Living(self._child.pid, self._child.pidfd, self._sync, None, is_ready=False)

    def finish(self) -> Living:
        """Wait until init stands at the moment before execve, and run the hooks that come before that.

        Raises:
            BoxdeckError: as `provide`.
        """
        process = self._spec.process
        with self._or_death():
            if self._around.network is not None:
                wiring.describe(self._around.network)  # while init is at work
            master = self._await_created()
            if process is not None and attributes.needs_grant(process):
                attributes.grant(process, self._child.pid)
        return Living(self._child.pid, self._child.pidfd, self._sync, master)

    @contextmanager
    def _or_death(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of what fails once init has gone, its own words tell more
            clone.end(self._child)
            self._sync.setblocking(False)
            reason = _said(self._sync)
            if reason is None:
                raise
            raise reason from error
        except BaseException:
            clone.end(self._child)
            raise

    def _await_created(self) -> int | None:
        """Let init go on until it is ready to execute; the master of its terminal arrives on the way."""
        master = None
        while True:
            message, descriptor = receive_with_descriptor(self._sync)
            master = descriptor if descriptor is not None else master
            match message:
                case protocol.Created():
                    return master
                case protocol.Mounted():
                    self._run_hooks()
                    protocol.send(self._sync, protocol.Proceed())
                case protocol.Failed():
                    raise message.error()
                case None:
                    raise killed()

    def _run_hooks(self) -> None:
        """The hooks that run in the runtime's namespaces before the root is changed (config.md, "Prestart")."""
        state = self._around.state("creating", self._child.pid, self._spec)
        bundle = self._around.bundle
        hooks.run(self._spec.hooks.prestart, state, "prestart", bundle)
        hooks.run(self._spec.hooks.create_runtime, state, "createRuntime", bundle)


def give_birth(spec: Spec, around: Circumstances) -> Living:
    """Make a container up to the moment before execve (OCI runtime spec, "create").

    Raises:
        BoxdeckError: with the step that failed; init is gone then, the cgroup is the caller's.
    """
    birth = Birth.begin(spec, around)
    birth.provide()
    return birth.finish()


def namespace_flags(linux: Linux) -> int:
    """What clone3 is to make new."""
    return entering.new_flags(linux) & ~_BY_UNSHARE


def _filter(spec: Spec, around: Circumstances) -> seccomp.Filter | None:
    return seccomp.prepare_text((spec.linux or Linux()).seccomp_text, around.seccomp_cache)


def _clone_init(spec: Spec, around: Circumstances, program: seccomp.Filter | None) -> tuple[clone.Child, socket.socket]:
    """A new init, and the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = _clone(spec.linux or Linux(), around)
    if child.pid == 0:
        ours.close()
        if around.room is not None:
            around.room.begin("init")
        init.main(init.Inheritance(spec, around, theirs, [] if program is None else [program]))
    theirs.close()
    return child, ours


def _clone(linux: Linux, around: Circumstances) -> clone.Child:
    flags = namespace_flags(linux)
    beside = clone.CLONE_PARENT if around.for_parent else 0
    if entering.needs_stepping_stone(linux):
        return entering.clone_through_stepping_stone(linux, flags, around.cgroup, beside, around.room)
    try:
        return clone.clone(flags | beside, around.cgroup.descriptor)
    except OSError as error:
        raise RuntimeFailure(
            f"the container's namespaces can't be made ({error.strerror})",
            "root is needed, and room below the limits in /proc/sys/user",
        ) from error


def _provide(pid: int, sync: socket.socket, spec: Spec, around: Circumstances) -> None:
    """Give init what it waits for: its ids, its root file system and all that is mounted there, its network."""
    linux = spec.linux or Linux()
    user = linux.namespace("user")
    if user is not None and not user.path:
        userns.write_maps(pid, linux)
    protocol.send(sync, protocol.Proceed())
    mapping = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC) if user is not None else None
    root = rootfs.prepare(spec, around.bundle, mapping)
    binds = mounting.open_sources(spec, around.bundle, mapping)
    made = dev_folder.make(spec, mapping) if mapping is not None else {}
    binds.update(made)
    nodes = devices.open_sources(spec, bool(made)) if mapping is not None else {}
    _hand_over(sync, root, binds, nodes)
    if mapping is not None:
        os.close(mapping)
    if around.network is not None:
        connect(pid, around.network)
    if linux.net_devices:
        _move_devices(pid, linux)


def _send_filter(sync: socket.socket, program: seccomp.Filter | None) -> None:
    message = protocol.Filtered(program=None)
    if program is not None:
        message = protocol.Filtered(program=program.program, flags=program.flags, notifies=program.notifies)
    protocol.send(sync, message)


def _move_devices(pid: int, linux: Linux) -> None:
    """Take devices of the host's into the container's network namespace (config-linux.md, "netDevices")."""
    from engine.network import moved_devices  # seldom needed, and every shim would pay for it

    home = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        moved_devices.move_all({name: device.name for name, device in linux.net_devices.items()}, home)
    finally:
        os.close(home)


def _hand_over(sync: socket.socket, root: int, binds: mounting.Sources, nodes: mounting.Sources) -> None:
    """Send descriptors to init, and let go of them."""
    labelled = [("bind", key, number) for key, number in binds.items()]
    labelled += [("device", key, number) for key, number in nodes.items()]
    first, rest = labelled[:_DESCRIPTORS_A_MESSAGE], labelled[_DESCRIPTORS_A_MESSAGE:]
    _send_sources(sync, [root], first, more=bool(rest))
    while rest:
        first, rest = rest[:_DESCRIPTORS_A_MESSAGE], rest[_DESCRIPTORS_A_MESSAGE:]
        _send_sources(sync, [], first, more=bool(rest))


def _send_sources(sync: socket.socket, root: list[int], labelled: list[tuple[str, int, int]], more: bool) -> None:
    message = protocol.Sources(
        rootfs=bool(root),
        binds=tuple(key for kind, key, _ in labelled if kind == "bind"),
        devices=tuple(key for kind, key, _ in labelled if kind == "device"),
        more=more,
    )
    numbers = [*root, *(number for _, _, number in labelled)]
    begun = trace.now()
    try:
        socket.send_fds(sync, [protocol.encode(message)], numbers, socket.MSG_NOSIGNAL)
        trace.note(begun, "sendmsg", tuple(numbers), path="SCM_RIGHTS")
    except OSError as error:
        raise _last_word(sync) from error
    finally:
        _close_all(numbers)


def _last_word(sync: socket.socket) -> BoxdeckError:
    """Why init has ended, if it said so."""
    return _said(sync) or killed()


def _said(sync: socket.socket) -> BoxdeckError | None:
    while (message := receive_with_descriptor(sync)[0]) is not None:
        if isinstance(message, protocol.Failed):
            return message.error()
    return None


def killed() -> RuntimeFailure:
    """Init has ended without a word."""
    return RuntimeFailure("init died before the container stood", "look at dmesg: perhaps memory ran out")


def connect(pid: int, network: NetworkPlan) -> None:
    """Send the prepared netlink messages, first in the host's network namespace, then in that of a process.

    Raises:
        RuntimeFailure: with the kernel's reason.
    """
    home = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        wiring.connect(home, network)
    except OSError as error:
        remedy = error.remedy if isinstance(error, wiring.NameTaken) else "try --network none"
        raise RuntimeFailure(f"the container's network can't be made ({error.strerror})", remedy) from error
    finally:
        os.close(home)


def receive_with_descriptor(sync: socket.socket) -> tuple[protocol.Message | None, int | None]:
    """The next message and the descriptor that came with it, if any."""
    try:
        frame, descriptors = protocol.receive_frame(sync, 1)
    except ConnectionResetError:  # told once, and before its last words, when it went with messages of ours unread
        frame, descriptors = protocol.receive_frame(sync, 1)
    except (ConnectionError, BlockingIOError):
        return None, None
    return (protocol.decode(frame) if frame else None), (descriptors[0] if descriptors else None)


def await_execution(sync: socket.socket, spec: Spec, state: bytes) -> None:
    """After `Start`: wait for execve, which closes the socket, passing on the listener of a seccomp filter.

    Raises:
        BoxdeckError: why the process can't be executed.
    """
    while True:
        message, descriptor = receive_with_descriptor(sync)
        if isinstance(message, protocol.Failed):
            raise message.error()
        if message is None:
            return
        if isinstance(message, protocol.Listener) and descriptor is not None:
            pass_listener_on(descriptor, spec, state)


def pass_listener_on(descriptor: int, spec: Spec, state: bytes) -> None:
    """Give the listener of a seccomp filter to whoever the spec names (config-linux.md, "listenerPath")."""
    linux = spec.linux
    try:
        if linux is not None and (wanted := linux.seccomp) is not None:
            seccomp.send_listener(descriptor, wanted, state)
    finally:
        os.close(descriptor)


def _close_all(numbers: list[int]) -> None:
    for number in numbers:
        try:
            os.close(number)
        except OSError:
            continue
