"""The shim: one small process per container that keeps its streams and tells how it ended.

It outlives launcher and engine. Its maker (`engine.runtime.maker`), a child that lives for a moment, makes the
container. What the shim knows is in one status file; what it can do is asked for on its socket. When it ends nothing
of the container is left but the status file.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from engine.cgroups import incident_counts
from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, Conflict, NotFound, RuntimeFailure
from engine.health import Health
from engine.incidents import Incidents
from engine.linux import clone, memory, prctl, signals, trace
from engine.oci.runtime_spec import Spec, decode
from engine.oci.state import encode as encode_state
from engine.runtime import maker, protocol, unix_socket
from engine.runtime.birth import killed, pass_listener_on, receive_with_descriptor
from engine.runtime.client import Client
from engine.runtime.exec import Enterable, find
from engine.runtime.exec_sessions import ExecSessions, Request
from engine.runtime.incident_alarms import IncidentAlarms
from engine.runtime.log import Log, open_log
from engine.runtime.loop import Loop
from engine.runtime.news import Forecast
from engine.runtime.port_keeper import PortKeeper
from engine.runtime.recording import Recording
from engine.runtime.restarter import Restarter
from engine.runtime.session import exit_status
from engine.runtime.status import Status, at_start, read, ring, write
from engine.runtime.stdio import Pipes, Streams
from engine.xray import parts

if TYPE_CHECKING:
    from engine.runtime.health import HealthWatch

SIGKILL_STATUS = 128 + int(signal.SIGKILL)
_SIGCHLD = int(signal.SIGCHLD)
_LINGER_SECONDS = 1.0
_LEAVING_SECONDS = 0.2  # for a maker that has closed its descriptors and has its memory still to give back
_ACCEPT_PAUSE_SECONDS = 0.1
_DYING_NS = 10 * 10**9  # from being killed for memory to having ended: giving much back takes time
_MOST_RIGHTS = 10  # that a maker delivers: two sockets, a namespace, three streams, four alarms


def main(requests: socket.socket, pipe: int, forecast: Forecast | None, in_advance: bool) -> NoReturn:
    """Never returns. Called in a fresh fork of the launcher: a spare, until its maker has a request.

    Args:
        requests: where `Launch` requests come from, each with a socket to report the start on.
        pipe: what the launcher is told over (`engine.runtime.news`).
        forecast: what the start will probably be like; None before the first one.
        in_advance: whether there is time to prepare for that, since no request waits.
    """
    try:
        launcher = os.getppid()
        _detach()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        making = clone.clone(0)
        if making.pid == 0:
            ours.close()
            maker.main(requests, pipe, theirs, forecast, in_advance, launcher)
        trace.calls.set(None)  # what the shim does later is no part of the start
        os.close(making.pidfd)
        theirs.close()
        requests.close()
        os.close(pipe)
        if forecast is not None and in_advance:
            memory.take_copies(forecast.shim_pages)
        frame, descriptors = protocol.receive_frame(ours, 2)
        if frame and descriptors:
            report, *holds = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            _serve(frame, report, ours, making.pid, PortKeeper(holds))
    finally:
        os._exit(0)


def _serve(frame: memoryview, report: socket.socket, making: socket.socket, maker_pid: int, ports: PortKeeper) -> None:
    try:
        launch = protocol.decode(frame)
        if isinstance(launch, protocol.Launch):
            Shim(launch, report, making, maker_pid, ports).run()
    except BoxdeckError as error:
        protocol.send(report, protocol.Failed.of(error))
    except BaseException as error:
        failure = RuntimeFailure(f"the shim failed ({type(error).__name__}: {error})", "please report this")
        protocol.send(report, protocol.Failed.of(failure))


def _detach() -> None:
    os.setsid()
    prctl.set_name("boxdeck-shim")
    prctl.set_child_subreaper()
    signals.restore(_SIGCHLD)


class Shim:
    """One container's life, from what the maker delivers to the exit status.

    Args:
        report: where the engine waits for the start.
        making: where the maker delivers.
        ports: the host's ports that are the container's from the start.
    """

    def __init__(
        self,
        launch: protocol.Launch,
        report: socket.socket,
        making: socket.socket,
        maker_pid: int,
        ports: PortKeeper,
    ) -> None:
        self._launch = launch
        self._ports = ports
        self._leaving = [maker_pid]  # children on their way out that nobody else waits for
        self._report = report
        self._making = making
        self._loop = Loop()
        self._log: Log | None = None
        self._listens = False
        self._sessions = ExecSessions(self._loop, lambda: self._enterable, self._stop_if_all_know)
        self._waiting: list[Client] = []
        self._starters: list[Client] = []
        self._started = self._ready = False
        self._start_failure: protocol.Failed | None = None
        self._exit_status: int | None = None
        self._alarms = IncidentAlarms(self._loop, ())
        self._was_killed = False  # by us, for somebody
        self._xray = ""
        self._recording = Recording(self._loop, launch)
        self._restarter = Restarter(self._loop, launch.restarting)
        self._health: HealthWatch | None = None

    def run(self) -> None:
        """Have the container made, serve until it has ended and everybody knows."""
        try:
            self._get_ready()
            self._receive()
            self._serve()
        except BoxdeckError as error:
            self._give_back()
            self._update(state="failed", finished_unix_ns=time.time_ns(), error=str(error))
            protocol.send(self._report, protocol.Failed.of(error))
        finally:
            self._give_back()
            self._close_door()
            self._recording.end()  # last: nobody waits for that

    def _get_ready(self) -> None:
        """Log, socket and streams, while the maker is at work."""
        launch = self._launch
        self._log = open_log(self._loop, launch)
        self._streams = Streams(self._loop, self._log, self._finish_if_over)

    def _receive(self) -> None:
        """Take over what the maker has made.

        Raises:
            BoxdeckError: why it couldn't.
        """
        frame, rights = protocol.receive_frame(self._making, _MOST_RIGHTS)
        message = protocol.decode(frame) if frame else None
        self._status = read(f"{self._launch.runtime_directory}/status.json") or at_start(self._launch, os.getpid())
        if isinstance(message, protocol.Failed):
            raise message.error()
        if not isinstance(message, protocol.Delivered):
            raise RuntimeFailure("the container's maker was killed", "look at dmesg: perhaps memory ran out")
        self._pid, self._pidfd = message.pid, os.pidfd_open(message.pid)
        self._sync, self._listener = socket.socket(fileno=rights[0]), socket.socket(fileno=rights[1])
        self._listens = True
        self._started, self._ready = message.started, message.ready
        self._leaving += message.leftovers
        first = len(rights) - len(message.alarms)
        self._mounts = rights[2]
        self._use_streams = partial(self._use, message.terminal, rights[3:first])
        alarms = zip(message.alarms, message.urgent, rights[first:], strict=True)
        self._alarms = IncidentAlarms(self._loop, tuple(alarms))

    def _use(self, terminal: bool, streams: list[int]) -> None:
        if terminal:
            self._streams.use_terminal(streams[0], remembers=True)
        else:
            stdin = streams[0] if self._launch.interactive else -1
            self._streams.use_pipes(Pipes((-1, -1, -1), stdin, streams[-2], streams[-1]))

    @cached_property
    def _spec(self) -> Spec:
        with open(f"{self._launch.bundle}/config.json", "rb", buffering=0) as file:
            return decode(file.read())

    @cached_property
    def _cgroup(self) -> Cgroup:
        return Cgroup.open(self._launch.cgroup)

    @cached_property
    def _enterable(self) -> Enterable:
        launch = self._launch
        return find(self._spec, self._pidfd, self._cgroup, launch.container_id, launch.bundle, launch.seccomp_cache)

    def _remove_cgroup(self) -> None:
        try:
            cgroup = self._cgroup
        except NotFound:
            return
        cgroup.discard()

    def _give_back(self) -> None:
        """What the container has on this machine; once."""
        if self._log is not None:
            self._streams.close()
            self._log.close()
            self._log = None
            self._alarms.close()
            self._remove_cgroup()
            self._ports.give_back(self._launch.runtime_directory)

    def _close_door(self) -> None:
        """Whoever finds the socket closed finds the last word written."""
        if not self._listens:
            return
        self._listens = False
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        unix_socket.remove(self._launch.runtime_directory)

    def _serve(self) -> None:
        self._loop.watch(self._pidfd, self._reap)
        self._loop.watch(self._sync.fileno(), self._hear_init)
        self._loop.watch(self._making.fileno(), self._hear_maker)
        self._loop.watch(self._listener.fileno(), self._accept)
        self._alarms.listen(self._launch.cgroup, self._tell_of_incidents)
        self._ports.guard(self._loop, self._launch.runtime_directory)
        if self._launch.attach:
            client = Client(self._loop, self._report, self._handle, self._gone)
            self._streams.add_viewer(client, feeds=self._launch.interactive)
            self._starters.append(client)
        if not self._launch.start:
            self._update(state="created", pid=self._pid)
            protocol.send(self._report, protocol.Created(self._pid))
            self._report.close()
        elif not self._started:
            self._start()
        gc.enable()
        self._loop.run()

    def _hear_maker(self) -> None:
        """The maker lets go of its end: it is on its way out, with those that it needed to make the container."""
        self._loop.forget(self._making.fileno())
        self._making.close()
        self._loop.call_later(_LEAVING_SECONDS, self._reap_others)

    def _reap_others(self) -> None:
        """Only those: an exec's process is its session's to wait for."""
        self._leaving = [pid for pid in self._leaving if not _has_ended(pid)]
        if self._leaving:
            self._loop.call_later(_LEAVING_SECONDS, self._reap_others)

    # The start

    def _start(self) -> None:
        if self._started:
            raise Conflict("the container has been started already", "attach to it or exec in it")
        self._started = True
        protocol.send(self._sync, protocol.Start())

    def _hear_init(self) -> None:
        """Init's last word: silence when execve worked, else why not; then it ends, and `_reap` hears of it."""
        message, descriptor = receive_with_descriptor(self._sync)
        if isinstance(message, protocol.Listener) and descriptor is not None:
            return self._pass_listener_on(descriptor)
        if isinstance(message, protocol.Created):
            self._ready = True
            return None
        self._loop.forget(self._sync.fileno())
        self._sync.close()
        if isinstance(message, protocol.Failed):
            self._start_failure = message
        elif not self._ready:
            self._start_failure = protocol.Failed.of(killed())
        elif self._started:
            self._update(state="running", pid=self._pid, started_unix_ns=time.time_ns())
            self._answer_starters(protocol.Running(self._pid))
            self._use_streams()  # only now: nobody gets output of what isn't known to run
            self._recording.begin()
            self._watch_health()
        return None

    def _watch_health(self) -> None:
        if self._launch.health is None:
            return
        from engine.runtime.health import HealthWatch  # few containers have checks, and all would have its pages

        self._health = HealthWatch(
            self._loop, self._launch.health, self._execute, lambda: self._cgroup.is_frozen, self._tell_of_health
        )
        self._health.begin()

    def _execute(self, message: protocol.Exec) -> socket.socket:
        """An exec of our own, by the same way as anybody's; the connection that its streams come over."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client = Client(self._loop, theirs, self._handle, self._gone)
        try:
            self._enter(client, message)
        except BaseException:
            client.close()
            ours.close()
            raise
        return ours

    def _tell_of_health(self, health: Health) -> None:
        before = self._status.health
        self._update(health=health)
        if health.state == "unhealthy" and before is not None and before.state != "unhealthy":
            self._react()

    def _react(self) -> None:
        order = self._launch.health
        if order is None or order.on_unhealthy == "none":
            return
        if order.on_unhealthy == "kill":
            self._kill(signal.SIGKILL)
            return
        self._restarter.is_wanted = order.on_unhealthy == "restart"
        if order.on_unhealthy == "stop":
            self._restarter.was_stopped = True
            self._update(was_stopped=True)
        self._kill(order.stop_signal)
        if order.stop_seconds is not None:
            self._loop.call_later(order.stop_seconds, lambda: self._kill(signal.SIGKILL))

    def _tell_of_incidents(self, incidents: Incidents) -> None:
        self._update(incidents=incidents)

    def _pass_listener_on(self, descriptor: int) -> None:
        try:
            state = encode_state(
                self._launch.container_id, "running", self._pid, self._launch.bundle, self._spec.annotations
            )
            pass_listener_on(descriptor, self._spec, state)
        except BoxdeckError as error:  # its process would wait for ever for an answer from nobody
            self._start_failure = protocol.Failed.of(error)
            self._kill(signal.SIGKILL)

    def _answer_starters(self, message: protocol.Message) -> None:
        if self._launch.start and not self._launch.attach:
            protocol.send(self._report, message)
            self._report.close()
        for client in self._starters:
            client.send_message(message)
            if client not in self._streams.viewers:
                client.finish(self._stop_if_all_know)
        self._starters.clear()

    # Connections

    def _accept(self) -> None:
        try:
            connection = unix_socket.accept(self._listener)
        except OSError:  # EMFILE: too many connections; they wait until some have gone
            self._loop.forget(self._listener.fileno())
            self._loop.call_later(_ACCEPT_PAUSE_SECONDS, self._listen_again)
            return
        if connection is not None:
            Client(self._loop, connection, self._handle, self._gone)

    def _listen_again(self) -> None:
        if self._listens:
            self._loop.watch(self._listener.fileno(), self._accept)

    def _handle(self, client: Client, frame: bytes) -> None:
        message = protocol.decode(frame) if frame[0] == protocol.CONTROL else None
        if client in self._sessions:
            self._sessions.handle(client, message, frame[1:])
        elif message is None:
            self._streams.write(client, frame[1:])
        else:
            self._obey(client, message)

    def _obey(self, client: Client, message: protocol.Message) -> None:
        match message:
            case protocol.Start():
                self._start()
                self._starters.append(client)
            case protocol.Kill():
                self._restarter.was_stopped |= message.by_hand
                self._begin_xray(message.xray)
                self._kill(message.signal)
                client.send_message(protocol.Done())
            case protocol.Wait():
                self._waiting.append(client)
            case protocol.Attach():
                answer = protocol.Resumed(self._streams.past) if message.past else protocol.Running(self._pid)
                client.send_message(answer)
                self._streams.add_viewer(client, feeds=message.stdin)
            case protocol.Exec() | protocol.Resume() | protocol.ListSessions():
                self._enter(client, message)
            case protocol.Resize() | protocol.CloseStdin():
                self._handle_input(message)
            case protocol.Reserve() | protocol.Release():
                self._ports.obey(message, client.take_descriptors())
                self._ports.guard(self._loop, self._launch.runtime_directory)
                client.send_message(protocol.Done())
            case protocol.Restarting():
                self._restarter.obey(message)
                client.send_message(protocol.Done())
            case protocol.Look():
                self._alarms.sound(message.kind)
            case _:
                raise RuntimeFailure(f"a shim doesn't understand {type(message).__name__}")

    def _handle_input(self, message: protocol.Resize | protocol.CloseStdin) -> None:
        if isinstance(message, protocol.Resize):
            self._streams.resize(message.rows, message.columns)
        else:
            self._streams.close_input()

    def _enter(self, client: Client, request: Request) -> None:
        if self._status.state != "running" and isinstance(request, protocol.Exec):
            raise Conflict("the container isn't running", "start it first")
        self._sessions.obey(client, request)

    def _begin_xray(self, path: str) -> None:
        if path and not self._xray:
            self._xray = path
            trace.calls.set([])

    def _write_xray(self) -> None:
        if self._xray:
            parts.append(self._xray, parts.take_part("shim"))

    def _kill(self, number: int) -> None:
        self._was_killed |= number == signal.SIGKILL
        try:
            trace.call(signal.pidfd_send_signal, self._pidfd, number)
        except ProcessLookupError:
            return

    def _gone(self, client: Client) -> None:
        self._streams.remove_viewer(client)
        self._sessions.let_go(client)
        for group in (self._waiting, self._starters):
            if client in group:
                group.remove(client)
        self._stop_if_all_know()

    # The end

    def _reap(self) -> None:
        self._loop.forget(self._pidfd)
        _, status = trace.call(os.waitpid, self._pid, 0)
        while self._sync.fileno() >= 0:  # what it said before it ended, or its silence, is still to be heard
            self._hear_init()
        self._exit_status = exit_status(status)
        if self._health is not None:
            self._health.end()
        if not self._streams.at_end:  # others may keep its streams open where a pid namespace is shared
            self._loop.call_later(_LINGER_SECONDS, self._finish)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        """Over is: the first process has ended, and with its pid namespace everybody who could still write."""
        if self._exit_status is not None and self._streams.at_end:
            self._finish()

    def _finish(self) -> None:
        """Give everything back, then write down the end, then tell of it: whoever hears of it finds nothing left."""
        if self._status.state in ("exited", "failed") or self._exit_status is None:
            return
        self._streams.drain()
        incidents = incident_counts.count(self._launch.cgroup, self._status.incidents)
        killed_for_memory = self._was_killed_for_memory(incidents)
        self._give_back()
        if self._status.state == "running":
            restart = self._restarter.after(self._status, self._exit_status)
            self._update(
                state="exited",
                finished_unix_ns=time.time_ns(),
                exit_status=self._exit_status,
                oom_killed=killed_for_memory,
                incidents=incidents,
                next_restart=restart,
            )
            if restart is not None:
                self._restarter.put_off(restart, self._restarted)
            self._close_door()
            self._write_xray()
            self._tell_everyone(protocol.Exited(self._exit_status))
            self._let_mounts_go()
            self._write_xray()
        else:
            failure = self._start_failure or _killed_too_early()
            self._update(state="failed", finished_unix_ns=time.time_ns(), error=str(failure.error()))
            self._close_door()
            self._answer_starters(failure)
            self._tell_everyone(failure)

    def _restarted(self, pid: int) -> None:
        """Who makes the next start is on its own now; ours is only to see it end, should we live so long."""
        self._leaving.append(pid)
        self._reap_others()
        self._stop_if_all_know()

    def _was_killed_for_memory(self, incidents: Incidents) -> bool:
        """Whether the first process was among the victims; the one killed last, since with it all others ended."""
        if self._exit_status != SIGKILL_STATUS or self._was_killed:
            return False
        return time.time_ns() - incidents.oom_kills.last_unix_ns < _DYING_NS

    def _tell_everyone(self, message: protocol.Message) -> None:
        for client in [*self._streams.viewers, *self._waiting]:
            client.send_message(message)
            client.finish(self._stop_if_all_know)
        self._stop_if_all_know()

    def _let_mounts_go(self) -> None:
        """Have the kernel unmount everything, which takes a while: those who have just been told go first."""
        os.sched_yield()
        trace.call(os.close, self._mounts, path="mnt namespace of the container")

    def _stop_if_all_know(self) -> None:
        """End the shim once nobody is left to whom anything must be sent; slow viewers get all the time they need."""
        if self._restarter.is_waiting:
            return
        clients = [*self._streams.viewers, *self._waiting, *self._sessions]
        if self._status.state in ("exited", "failed") and all(client.closed for client in clients):
            self._loop.stop()

    # Status

    def _update(self, **changes: object) -> None:
        self._write(replace(self._status, **changes))

    def _write(self, status: Status) -> None:
        self._status = status
        write(f"{self._launch.runtime_directory}/status.json", status)
        ring(self._launch.runtime_directory)


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True


def _killed_too_early() -> protocol.Failed:
    return protocol.Failed("RuntimeFailure", "the container was killed before its start", "start it again")
