"""The maker: makes a container for its shim, and ends when init is ready to execute.

What it takes to make one touches most of the interpreter's memory, which a fork shares until it is written to. A
maker takes that away with it; the shim, which stays as long as the container does, remains small. Once it has handed
over it takes its time: giving back its memory, and what the launcher does when it hears of that, would take processor
time from the program that has just begun.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, NoReturn

from engine.cgroups import trouble
from engine.cgroups.alarms import Alarm
from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import clone, descriptors, memory, prctl
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Spec, decode
from engine.runtime import dev_folder, mounting, news, overlay, protocol, stdio, stock, unix_socket, userns
from engine.runtime.birth import Birth, Living, namespace_flags
from engine.runtime.circumstances import Circumstances
from engine.runtime.news import Experience, Forecast
from engine.runtime.status import at_start, write
from engine.runtime.stdio import Pipes
from engine.xray import parts

_LEISURE_SECONDS = 0.01  # what short programs take


def main(
    requests: socket.socket,
    pipe: int,
    shim: socket.socket,
    forecast: Forecast | None,
    in_advance: bool,
    launcher: int,
    parent: int,
) -> NoReturn:
    """Never returns. Called in a fork of the shim that this maker makes a container for.

    Args:
        requests: where `Launch` requests come from, each with a socket to report the start on, and the hold on its
            ports where it has any.
        pipe: what the launcher is told over (`engine.runtime.news`).
        shim: what is made is handed over on it.
        forecast: what the start will probably be like; None as long as the launcher hasn't rehearsed.
        in_advance: whether there is time to prepare for that.
        launcher: its pid.
        parent: the shim's.
    """
    try:
        before = parts.Before.take(launcher)
        prctl.set_parent_death_signal(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # the shim was killed before that; who has adopted us, as init does, must not be taken for it
        prctl.set_name("boxdeck-maker")
        stocked = None
        if forecast is not None and in_advance:
            stocked = stock.prepare(forecast)
            memory.take_copies(forecast.maker_pages or b"")
            if forecast.dev is not None:
                dev_folder.prepare(forecast.dev)
            stdio.prepare()
        frame, rights = protocol.receive_frame(requests, 2)
        requests.close()  # what is sent from now on is for those who still take it
        if frame and rights:
            news.tell_taken(pipe)
            _serve(frame, rights, pipe, shim, forecast, stocked, before)
    finally:
        os._exit(0)


def _serve(
    frame: memoryview,
    rights: list[int],
    pipe: int,
    shim: socket.socket,
    forecast: Forecast | None,
    stocked: stock.Stocked | None,
    before: parts.Before,
) -> None:
    room = stocked.room if stocked is not None else parts.Room()
    request = _Request(bytes(frame), rights, shim)
    xray = ""
    try:
        launch = protocol.decode(frame)
        if isinstance(launch, protocol.Launch):
            xray = launch.xray
            made = _make(launch, request, forecast, stocked, room)
            _take_time(pipe)
            news.tell_experience(pipe, _experience(launch, made, forecast))
            _write_xray(xray, before, lambda: room.await_content(made.pid))
            overlay.sweep()
    except BoxdeckError as error:
        _write_xray(xray, before, room.content)
        request.fail(error)
    except BaseException as error:
        request.fail(RuntimeFailure(f"making it failed ({type(error).__name__}: {error})", "please report this"))


class _Made(NamedTuple):
    """A container that stands, its pid, and which pages maker and init have written to, if that was to be learnt."""

    pid: int
    spec: Spec
    pages: tuple[memory.Ranges, memory.Ranges] | None


class _Request:
    """What the engine has asked for, which the shim is to have as well.

    Args:
        rights: the socket to report on, and the hold on ports if there is one.
    """

    def __init__(self, frame: bytes, rights: list[int], shim: socket.socket) -> None:
        self._frame = frame
        self._rights = rights
        self.shim = shim

    def pass_on(self) -> None:
        """Give it to the shim, once: it has nothing to do before init is at work, and processors are few."""
        if not self._rights:
            return
        socket.send_fds(self.shim, [self._frame], self._rights)
        while self._rights:
            os.close(self._rights.pop())

    def require_asker(self) -> None:
        """See that whoever asked for the container lives, and with him the lock.

        Who comes after a killed one finds the status, and ends us; who came before it was written has found nothing,
        and may have started or removed the container.

        Raises:
            RuntimeFailure: he has gone.
        """
        poll = select.poll()
        poll.register(self._rights[0], 0)  # which leaves POLLHUP
        if poll.poll(0):
            raise RuntimeFailure("whoever asked for the container has gone", "start it again")

    def fail(self, error: BoxdeckError) -> None:
        """Have the shim tell why the container couldn't be made."""
        self.pass_on()
        protocol.send(self.shim, protocol.Failed.of(error))


def _write_xray(path: str, before: parts.Before, inits: Callable[[], bytes]) -> None:
    """Write down what everybody has asked of the kernel: those before us, we, and init."""
    if path:
        parts.append(path, before.encoded() + parts.take_part("maker") + inits())


def _make(
    launch: protocol.Launch,
    request: _Request,
    forecast: Forecast | None,
    stocked: stock.Stocked | None,
    room: parts.Room,
) -> _Made:
    """Make the container and hand it over."""
    config = _read(f"{launch.bundle}/config.json")
    if stocked is not None:
        stocked = stock.show(stocked, config)
    spec = decode(config)
    linux = spec.linux or Linux()
    learns = forecast is not None and forecast.maker_pages is None
    with ExitStack() as undo:
        pipes = _open_streams(spec, launch)
        around = Circumstances(
            container_id=launch.container_id,
            bundle=launch.bundle,
            cgroup=Cgroup.expected(launch.cgroup, _has_host_root(linux)),
            network=launch.network,
            stdio=pipes.child if pipes is not None else None,
            seccomp_cache=launch.seccomp_cache,
            for_parent=True,
            room=room,
        )
        birth = Birth.order(spec, around, stocked) if stocked is not None else None
        _make_folder(launch.runtime_directory)
        # Before anything of the container is on the machine: who finds it knows whose it is.
        write(f"{launch.runtime_directory}/status.json", at_start(launch, os.getppid()))
        request.require_asker()
        undo.callback(unix_socket.remove, launch.runtime_directory)
        cgroup = Cgroup.create(launch.cgroup, linux.resources, around.cgroup.is_below_limits)
        undo.callback(cgroup.discard)
        if birth is None:
            birth = Birth.begin(spec, around._replace(cgroup=cgroup))
        birth.provide()
        mounts = birth.open_mounts()
        if starts := launch.start and birth.can_start_early and not learns:
            birth.start()
        request.pass_on()  # from here on while init is at work
        listener = unix_socket.listen(launch.runtime_directory)
        alarms = trouble.find(launch.cgroup).alarms()
        living = birth.leave() if starts and pipes is not None else birth.finish()
        init_pages = _learn_pages(living.pid) if learns else b""
        _hand_over(request.shim, living, listener, mounts, pipes, starts, alarms)
        undo.pop_all()
    return _Made(living.pid, spec, (_learn_pages(os.getpid()), init_pages) if learns else None)


def _experience(launch: protocol.Launch, made: _Made, forecast: Forecast | None) -> Experience:
    """What the start was like."""
    dev, file_systems = dev_folder.latest(), mounting.early(made.spec)
    return Experience(
        flags=namespace_flags(made.spec.linux or Linux()),
        pages=made.pages,
        dev=None if forecast is not None and dev == forecast.dev else dev,
        file_systems=None if forecast is not None and file_systems == forecast.file_systems else file_systems,
        bundle=launch.bundle if forecast is None else "",
    )


def _take_time(pipe: int) -> None:
    """Hold up nobody meanwhile: the ends of streams that the container has are closed, and what the shim waits for."""
    prctl.set_parent_death_signal(0)
    descriptors.close_all_but({pipe, *overlay.kept})
    time.sleep(_LEISURE_SECONDS)


def _learn_pages(pid: int) -> memory.Ranges:
    """What a process has written to since it was our shim's memory; nothing where that can't be seen."""
    try:
        return memory.copied_pages(pid, os.getppid())
    except OSError:  # later starts are slower then, but this one is made
        return b""


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(path, 0o700, exist_ok=True)


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _open_streams(spec: Spec, launch: protocol.Launch) -> Pipes | None:
    """Pipes for a process without a terminal."""
    if spec.process is not None and spec.process.terminal:
        return None
    return stdio.open_pipes(launch.interactive, userns.owner(spec, spec.process))


def _has_host_root(linux: Linux) -> bool:
    """Whether somebody in the container is root outside, and so the owner of files with limits that he may find."""
    return not linux.uid_mappings or any(mapping.host_id == 0 for mapping in linux.uid_mappings)


def _hand_over(
    shim: socket.socket,
    living: Living,
    listener: socket.socket,
    mounts: int,
    pipes: Pipes | None,
    started: bool,
    alarms: list[Alarm],
) -> None:
    """Give the shim what it needs to keep the container: the sockets to init and for clients, streams and alarms."""
    streams = [] if pipes is None else [pipes.stdin, pipes.stdout, pipes.stderr]
    if living.master is not None:
        streams = [living.master]
    message = protocol.Delivered(
        pid=living.pid,
        started=started,
        terminal=living.master is not None,
        ready=living.is_ready,
        leftovers=tuple(clone.left_to_parent),
        alarms=tuple(alarm.kind for alarm in alarms),
        urgent=tuple(alarm.urgent for alarm in alarms),
    )
    rights = [living.sync.fileno(), listener.fileno(), mounts, *(stream for stream in streams if stream >= 0)]
    rights += [alarm.descriptor for alarm in alarms]
    socket.send_fds(shim, [protocol.encode(message)], rights)
    listener.close()  # otherwise Python describes it in a warning, while others need the processor
