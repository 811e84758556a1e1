"""What a shim does for its container, from what the maker delivers to the last word on how it ended."""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

from engine.cgroups import incident_counts
from engine.errors import BoxdeckError, Conflict, RuntimeFailure
from engine.linux import trace
from engine.oci.runtime_spec import Spec, decode
from engine.oci.state import encode as encode_state
from engine.runtime import delivery, protocol
from engine.runtime.beginning import Beginning
from engine.runtime.belongings import Belongings
from engine.runtime.birth import pass_listener_on
from engine.runtime.client import Client
from engine.runtime.door import Door
from engine.runtime.end_xray import EndXray
from engine.runtime.exec import Enterable, find
from engine.runtime.exec_sessions import ExecSessions, Request
from engine.runtime.first_process import FirstProcess
from engine.runtime.incident_alarms import IncidentAlarms
from engine.runtime.leavers import Leavers
from engine.runtime.loop import Loop
from engine.runtime.recording import Recording
from engine.runtime.restarter import Restarter
from engine.runtime.status_file import StatusFile

if TYPE_CHECKING:
    from engine.runtime.health_care import HealthCare

_LINGER_SECONDS = 1.0


class Keeper:
    """One container's life, from what the maker delivers to the exit status.

    Args:
        report: where the engine waits for the start.
        making: where the maker delivers.
        holds: of the host's ports that are the container's from the start.
    """

    def __init__(
        self,
        launch: protocol.Launch,
        report: socket.socket,
        making: socket.socket,
        maker_pid: int,
        holds: list[socket.socket],
    ) -> None:
        self._launch = launch
        self._report = report
        self._making = making
        self._loop = Loop()
        self._leavers = Leavers(self._loop, maker_pid)
        self._door: Door | None = None
        self._belongings = Belongings(self._loop, launch, holds, self._finish_if_over)
        self._streams = self._belongings.streams
        self._sessions: ExecSessions | None = None
        self._waiting: list[Client] = []
        self._starters: list[Client] = []
        self._xray = EndXray()
        self._recording = Recording(self._loop, launch)
        self._own_restarter: Restarter | None = None
        self._health: HealthCare | None = None

    def run(self) -> None:
        """Have the container made, serve until it has ended and everybody knows."""
        try:
            self._serve(self._receive())
        except BoxdeckError as error:
            self._belongings.give_back()
            self._word.update(state="failed", finished_unix_ns=time.time_ns(), error=str(error))
            protocol.send(self._report, protocol.Failed.of(error))
        finally:
            self._belongings.give_back()
            self._close_door()
            self._recording.end()  # last: nobody waits for that

    def _receive(self) -> delivery.Delivery:
        """What the maker has made; when it comes, it has written the first status.

        Raises:
            BoxdeckError: why there is nothing.
        """
        try:
            return delivery.receive(self._making)
        finally:
            self._word = StatusFile(self._launch)

    def _serve(self, delivered: delivery.Delivery) -> None:
        launch = self._launch
        self._delivered = delivered
        self._process = FirstProcess(delivered.pid)
        self._leavers.add(*delivered.leftovers)
        self._belongings.alarms = alarms = IncidentAlarms(self._loop, delivered.alarms)
        self._loop.watch(self._process.pidfd, self._reap)
        self._beginning = Beginning(self._loop, delivered, self._executed, self._pass_listener_on)
        self._loop.watch(self._making.fileno(), self._hear_maker)
        self._door = Door(self._loop, delivered.listener, launch.runtime_directory, self._let_in)
        alarms.listen(launch.cgroup, lambda incidents: self._word.update(incidents=incidents))
        self._belongings.guard_ports()
        self._answer_asker()
        gc.enable()
        self._loop.run()
        self._process.close()

    def _answer_asker(self) -> None:
        """Who asked for the container sees its streams, hears that it is created, or will hear that it runs."""
        launch = self._launch
        if launch.attach:
            client = self._let_in(self._report)
            self._streams.add_viewer(client, feeds=launch.interactive)
            self._starters.append(client)
        if not launch.start:
            self._word.update(state="created", pid=self._process.pid)
            protocol.send(self._report, protocol.Created(self._process.pid))
            self._report.close()
        elif not self._delivered.has_begun:
            self._beginning.begin()

    def _hear_maker(self) -> None:
        """The maker lets go of its end: it is on its way out, with those that it needed to make the container."""
        self._loop.forget(self._making.fileno())
        self._making.close()
        self._leavers.reap_soon()

    @property
    def _restarter(self) -> Restarter:
        """Made when there is something to it: few containers have a policy that changes."""
        if self._own_restarter is None:
            self._own_restarter = Restarter(self._loop, self._launch.restarting)
        return self._own_restarter

    def _spec(self) -> Spec:
        with open(f"{self._launch.bundle}/config.json", "rb", buffering=0) as file:
            return decode(file.read())

    def _find(self) -> Enterable:
        launch, pidfd, cgroup = self._launch, self._process.pidfd, self._belongings.cgroup
        return find(self._spec(), pidfd, cgroup, launch.container_id, launch.bundle, launch.seccomp_cache)

    # The start

    def _executed(self) -> None:
        """The program runs."""
        self._word.update(state="running", pid=self._process.pid, started_unix_ns=time.time_ns())
        self._answer_starters(protocol.Running(self._process.pid))
        self._belongings.pump(self._delivered)  # only now: nobody gets output of what isn't known to run
        self._recording.begin()
        self._care_for_health()

    def _care_for_health(self) -> None:
        if self._launch.health is None:
            return
        from engine.runtime.health_care import HealthCare  # few containers have checks, and all would have its pages

        self._health = HealthCare(
            self._loop,
            self._launch.health,
            self._execute,
            lambda: self._belongings.cgroup.is_frozen,
            self._process,
            self._word,
            self._restarter,
        )

    def _execute(self, message: protocol.Exec) -> socket.socket:
        """An exec of our own, by the same way as anybody's; the connection that its streams come over."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client = self._let_in(theirs)
        try:
            self._enter(client, message)
        except BaseException:
            client.close()
            ours.close()
            raise
        return ours

    def _pass_listener_on(self, descriptor: int) -> None:
        launch, pid = self._launch, self._process.pid
        try:
            spec = self._spec()
            state = encode_state(launch.container_id, "running", pid, launch.bundle, spec.annotations)
            pass_listener_on(descriptor, spec, state)
        except BoxdeckError as error:  # its process would wait for ever for an answer from nobody
            self._beginning.failure = protocol.Failed.of(error)
            self._process.kill(signal.SIGKILL)

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

    def _let_in(self, connection: socket.socket) -> Client:
        return Client(self._loop, connection, self._handle, self._gone)

    def _handle(self, client: Client, frame: bytes) -> None:
        message = protocol.decode(frame) if frame[0] == protocol.CONTROL else None
        if self._sessions is not None and client in self._sessions:
            self._sessions.handle(client, message, frame[1:])
        elif message is None:
            self._streams.write(client, frame[1:])
        else:
            self._obey(client, message)

    def _obey(self, client: Client, message: protocol.Message) -> None:
        match message:
            case protocol.Start():
                self._beginning.begin()
                self._starters.append(client)
            case protocol.Kill():
                self._restarter.was_stopped |= message.by_hand
                self._xray.begin(message.xray)
                self._process.kill(message.signal)
                client.send_message(protocol.Done())
            case protocol.Wait():
                self._waiting.append(client)
            case protocol.Attach():
                answer = protocol.Resumed(self._streams.past) if message.past else protocol.Running(self._process.pid)
                client.send_message(answer)
                self._streams.add_viewer(client, feeds=message.stdin)
            case protocol.Exec() | protocol.Resume() | protocol.ListSessions():
                self._enter(client, message)
            case protocol.Resize() | protocol.CloseStdin():
                self._streams.obey(message)
            case protocol.Reserve() | protocol.Release():
                self._belongings.change_ports(message, client.take_descriptors())
                client.send_message(protocol.Done())
            case protocol.Restarting():
                self._restarter.obey(message)
                client.send_message(protocol.Done())
            case protocol.Look():
                self._belongings.sound_alarms(message.kind)
            case _:
                raise RuntimeFailure(f"a shim doesn't understand {type(message).__name__}")

    def _enter(self, client: Client, request: Request) -> None:
        if self._word.status.state != "running" and isinstance(request, protocol.Exec):
            raise Conflict("the container isn't running", "start it first")
        if self._sessions is None:
            self._sessions = ExecSessions(self._loop, self._find, self._stop_if_all_know)
        self._sessions.obey(client, request)

    def _gone(self, client: Client) -> None:
        self._streams.remove_viewer(client)
        if self._sessions is not None:
            self._sessions.let_go(client)
        for group in (self._waiting, self._starters):
            if client in group:
                group.remove(client)
        self._stop_if_all_know()

    # The end

    def _reap(self) -> None:
        self._loop.forget(self._process.pidfd)
        self._process.reap()
        self._beginning.hear_out()
        if self._health is not None:
            self._health.end()
        if not self._streams.at_end:  # others may keep its streams open where a pid namespace is shared
            self._loop.call_later(_LINGER_SECONDS, self._finish)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        """Over is: the first process has ended, and with its pid namespace everybody who could still write."""
        if self._process.exit_status is not None and self._streams.at_end:
            self._finish()

    def _finish(self) -> None:
        """Give everything back, then write down the end, then tell of it: whoever hears of it finds nothing left."""
        status = self._process.exit_status
        if self._word.status.is_final or status is None:
            return
        self._streams.drain()
        incidents = incident_counts.count(self._launch.cgroup, self._word.status.incidents)
        killed_for_memory = self._process.was_killed_for_memory(incidents)
        self._belongings.give_back()
        if self._word.status.state != "running":
            self._fail()
            return
        restart = self._restarter.after(self._word.status, status)
        self._word.update(
            state="exited",
            finished_unix_ns=time.time_ns(),
            exit_status=status,
            oom_killed=killed_for_memory,
            incidents=incidents,
            next_restart=restart,
        )
        if restart is not None:
            self._restarter.put_off(restart, self._restarted)
        self._tell_of_the_end(protocol.Exited(status))

    def _tell_of_the_end(self, message: protocol.Exited) -> None:
        self._close_door()
        self._xray.write()
        self._tell_all(message)
        self._let_mounts_go()
        self._xray.write()

    def _fail(self) -> None:
        """There was no program."""
        failure = self._beginning.why_not
        self._word.update(state="failed", finished_unix_ns=time.time_ns(), error=str(failure.error()))
        self._close_door()
        self._answer_starters(failure)
        self._tell_all(failure)

    def _close_door(self) -> None:
        if self._door is not None:
            self._door.close()

    def _restarted(self, pid: int) -> None:
        """Who makes the next start is on its own now; ours is only to see it end, should we live so long."""
        self._leavers.add(pid)
        self._leavers.reap_soon()
        self._stop_if_all_know()

    def _let_mounts_go(self) -> None:
        """Have the kernel unmount everything, which takes a while: those who have just been told go first."""
        os.sched_yield()
        trace.call(os.close, self._delivered.mounts, path="mnt namespace of the container")

    def _tell_all(self, message: protocol.Message) -> None:
        for client in [*self._streams.viewers, *self._waiting]:
            client.send_message(message)
            client.finish(self._stop_if_all_know)
        self._stop_if_all_know()

    def _stop_if_all_know(self) -> None:
        """End once nobody is left to whom anything must be sent; slow viewers get all the time they need."""
        clients = [*self._streams.viewers, *self._waiting, *(self._sessions or ())]
        if not self._word.status.is_final or not all(client.closed for client in clients):
            return
        if self._own_restarter is None or not self._own_restarter.is_waiting:
            self._loop.stop()
