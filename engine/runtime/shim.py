"""The shim: one small process per container that makes it, keeps its streams and tells how it ended.

It outlives launcher and engine. What it knows is in one status file; what it can do is asked for on its
socket. When it ends nothing of the container is left but the status file.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, Conflict, RuntimeFailure
from engine.linux import prctl
from engine.oci.runtime_spec import Linux, decode
from engine.runtime import protocol
from engine.runtime.birth import give_birth
from engine.runtime.client import Client
from engine.runtime.logs import LogWriter
from engine.runtime.loop import Loop
from engine.runtime.session import Enterable, ExecSession, exit_status
from engine.runtime.status import Status, boot_id, start_ticks, write
from engine.runtime.stdio import Streams, open_pipes
from engine.runtime.unix_socket import NAME as SOCKET_NAME
from engine.runtime.unix_socket import listen

SIGKILL_STATUS = 128 + int(signal.SIGKILL)
_LINGER_SECONDS = 1.0
_ACCEPT_PAUSE_SECONDS = 0.1


def main(launch: protocol.Launch, report: socket.socket) -> NoReturn:
    """Never returns. Called in a fresh fork of the launcher, with the socket to report the start on."""
    try:
        _detach()
        Shim(launch, report).run()
    except BoxdeckError as error:
        protocol.send(report, protocol.Failed.of(error))
    except BaseException as error:
        failure = RuntimeFailure(f"the shim failed ({type(error).__name__}: {error})", "please report this")
        protocol.send(report, protocol.Failed.of(failure))
    finally:
        os._exit(0)


def _detach() -> None:
    os.setsid()
    os.chdir("/")
    prctl.set_name("boxdeck-shim")
    prctl.set_child_subreaper()
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


class Shim:
    """One container's life, from `give_birth` to its exit status."""

    def __init__(self, launch: protocol.Launch, report: socket.socket) -> None:
        self._launch = launch
        self._report = report
        self._loop = Loop()
        self._runtime = Path(launch.runtime_directory)
        self._runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._status = self._first_status()
        self._held = ExitStack()  # what the container has on this machine; closing it gives everything back
        self._door = ExitStack()  # its socket: whoever finds it closed finds the last word written
        self._sessions: dict[Client, ExecSession] = {}
        self._waiting: list[Client] = []
        self._starters: list[Client] = []
        self._started = False
        self._start_failure: protocol.Failed | None = None
        self._exit_status: int | None = None

    def run(self) -> None:
        """Make the container, serve until it has ended and everybody knows."""
        self._write(self._status)
        with self._door:
            try:
                with self._held:
                    self._make()
                    self._serve()
            except BoxdeckError as error:
                self._update(state="failed", finished_unix_ns=time.time_ns(), error=str(error))
                protocol.send(self._report, protocol.Failed.of(error))

    def _make(self) -> None:
        spec = self._spec = decode(Path(self._launch.bundle, "config.json").read_bytes())
        linux = spec.linux or Linux()
        self._cgroup = Cgroup.create(linux.cgroups_path, linux.resources, below_limits=True)
        self._held.callback(self._remove_cgroup)
        log = LogWriter(self._launch.log)
        self._held.callback(log.close)
        self._listener = listen(self._runtime)
        self._door.callback(self._stop_listening)
        self._streams = Streams(self._loop, log, self._finish_if_over)
        self._held.callback(self._streams.close)
        terminal = spec.process is not None and spec.process.terminal
        pipes = None if terminal else open_pipes(self._launch.interactive)
        stdio = pipes.child if pipes is not None else None
        self._living = give_birth(spec, self._launch.bundle, self._cgroup, self._launch.network, stdio)
        if pipes is not None:
            pipes.close_child_ends()
            self._streams.use_pipes(pipes)
        elif self._living.master is not None:
            self._streams.use_terminal(self._living.master)

    def _remove_cgroup(self) -> None:
        self._cgroup.kill()
        self._cgroup.remove()

    def _stop_listening(self) -> None:
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        (self._runtime / SOCKET_NAME).unlink(missing_ok=True)

    def _serve(self) -> None:
        self._update(state="created", pid=self._living.pid)
        self._loop.watch(self._living.pidfd, self._reap)
        self._loop.watch(self._living.sync.fileno(), self._hear_init)
        self._loop.watch(self._listener.fileno(), self._accept)
        protocol.send(self._report, protocol.Created(self._living.pid))
        if self._launch.start:
            self._start()
        else:
            self._report.close()
        self._loop.run()

    # The start

    def _start(self) -> None:
        if self._started:
            raise Conflict("the container has been started already", "attach to it or exec in it")
        self._started = True
        protocol.send(self._living.sync, protocol.Start())

    def _hear_init(self) -> None:
        """Init's last word: silence when execve worked, else why not; then it ends, and `_reap` hears of it."""
        message = protocol.receive(self._living.sync)
        self._loop.forget(self._living.sync.fileno())
        self._living.sync.close()
        if isinstance(message, protocol.Failed):
            self._start_failure = message
        elif self._started:
            self._update(state="running", started_unix_ns=time.time_ns())
            self._answer_starters(protocol.Running(self._living.pid))

    def _answer_starters(self, message: protocol.Message) -> None:
        if self._launch.start:
            protocol.send(self._report, message)
            self._report.close()
        for client in self._starters:
            client.send_message(message)
            client.finish(self._stop_if_all_know)
        self._starters.clear()

    # Connections

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # EMFILE: too many connections; they wait until some have gone
            self._loop.forget(self._listener.fileno())
            self._loop.call_later(_ACCEPT_PAUSE_SECONDS, self._listen_again)
            return
        Client(self._loop, connection, self._handle, self._gone)

    def _listen_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.watch(self._listener.fileno(), self._accept)

    def _handle(self, client: Client, frame: bytes) -> None:
        message = protocol.decode(frame) if frame[0] == protocol.CONTROL else None
        if client in self._sessions:
            self._sessions[client].handle(message, frame[1:])
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
                self._kill(message.signal)
                client.send_message(protocol.Done())
            case protocol.Wait():
                self._waiting.append(client)
            case protocol.Attach():
                client.send_message(protocol.Running(self._living.pid))
                self._streams.add_viewer(client, feeds=message.stdin)
            case protocol.Exec():
                self._exec(client, message)
            case protocol.Resize():
                self._streams.resize(message.rows, message.columns)
            case protocol.CloseStdin():
                self._streams.close_input()
            case _:
                raise RuntimeFailure(f"a shim doesn't understand {type(message).__name__}")

    def _exec(self, client: Client, message: protocol.Exec) -> None:
        if self._status.state != "running":
            raise Conflict("the container isn't running", "start it first")
        container = Enterable(self._spec, self._living.pidfd, self._cgroup)
        self._sessions[client] = ExecSession(self._loop, client, message, container, self._session_ended)

    def _session_ended(self, client: Client) -> None:
        self._sessions.pop(client, None)
        self._stop_if_all_know()

    def _kill(self, number: int) -> None:
        try:
            signal.pidfd_send_signal(self._living.pidfd, number)
        except ProcessLookupError:
            return

    def _gone(self, client: Client) -> None:
        self._streams.remove_viewer(client)
        session = self._sessions.pop(client, None)
        if session is not None:
            session.hang_up()
        for group in (self._waiting, self._starters):
            if client in group:
                group.remove(client)
        self._stop_if_all_know()

    # The end

    def _reap(self) -> None:
        self._loop.forget(self._living.pidfd)
        _, status = os.waitpid(self._living.pid, 0)
        self._exit_status = exit_status(status)
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
        killed_for_memory = self._exit_status == SIGKILL_STATUS and self._cgroup.oom_kills() > 0
        self._held.close()
        if self._status.state == "running":
            self._update(
                state="exited",
                finished_unix_ns=time.time_ns(),
                exit_status=self._exit_status,
                oom_killed=killed_for_memory,
            )
            self._door.close()
            self._tell_everyone(protocol.Exited(self._exit_status))
        else:
            failure = self._start_failure or _killed_too_early()
            self._update(state="failed", finished_unix_ns=time.time_ns(), error=str(failure.error()))
            self._door.close()
            self._answer_starters(failure)
            self._tell_everyone(failure)

    def _tell_everyone(self, message: protocol.Message) -> None:
        for client in [*self._streams.viewers, *self._waiting]:
            client.send_message(message)
            client.finish(self._stop_if_all_know)
        self._stop_if_all_know()

    def _stop_if_all_know(self) -> None:
        """End the shim once nobody is left to whom anything must be sent; slow viewers get all the time they need."""
        clients = [*self._streams.viewers, *self._waiting, *self._sessions]
        if self._status.state in ("exited", "failed") and all(client.closed for client in clients):
            self._loop.stop()

    # Status

    def _first_status(self) -> Status:
        return Status(
            container_id=self._launch.container_id,
            generation=self._launch.generation,
            boot_id=boot_id(),
            shim_pid=os.getpid(),
            shim_start_ticks=start_ticks(os.getpid()) or 0,
            state="creating",
        )

    def _update(self, **changes: object) -> None:
        fields = {name: getattr(self._status, name) for name in Status.__struct_fields__}
        self._write(Status(**{**fields, **changes}))

    def _write(self, status: Status) -> None:
        self._status = status
        write(self._runtime / "status.json", status)


def _killed_too_early() -> protocol.Failed:
    return protocol.Failed("RuntimeFailure", "the container was killed before its start", "start it again")
