"""The shim: one small process per container that makes it, keeps its streams and tells how it ended.

It outlives launcher and engine. What it knows is in one status file; what it can do is asked for on its
socket. When it ends nothing of the container is left but the status file.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import NoReturn

from engine.cgroups.manager import Cgroup
from engine.errors import BoxdeckError, Conflict, RuntimeFailure
from engine.linux import prctl
from engine.oci.runtime_spec import Linux, Spec, decode
from engine.runtime import protocol
from engine.runtime.birth import Living, give_birth
from engine.runtime.client import Client
from engine.runtime.logs import LogWriter
from engine.runtime.loop import Loop
from engine.runtime.session import ExecSession, exit_status
from engine.runtime.status import Status, boot_id, start_ticks, write
from engine.runtime.stdio import Streams, open_pipes
from engine.runtime.unix_socket import listen

SIGKILL_STATUS = 128 + int(signal.SIGKILL)


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
        self._spec = decode(Path(launch.bundle, "config.json").read_bytes())
        self._status = self._first_status()
        self._streams: Streams
        self._sessions: dict[Client, ExecSession] = {}
        self._waiting: list[Client] = []
        self._starters: list[Client] = []
        self._started = False
        self._exit_status: int | None = None
        self._deadline = 0.0

    def run(self) -> None:
        """Make the container, serve until it has ended, clean up."""
        linux = self._spec.linux or Linux()
        self._write(self._status)
        try:
            self._cgroup = Cgroup.create(linux.cgroups_path, linux.resources)
        except BoxdeckError as error:
            return self._fail(error)
        try:
            self._living = self._make(self._spec)
            self._serve()
        except BoxdeckError as error:
            self._fail(error)
        finally:
            self._cgroup.kill()
            self._cgroup.remove()
        return None

    def _make(self, spec: Spec) -> Living:
        self._log = LogWriter(self._launch.log)
        self._listener = listen(self._runtime)
        self._streams = Streams(self._loop, self._log, self._finish_if_over)
        terminal = spec.process is not None and spec.process.terminal
        pipes = None if terminal else open_pipes(self._launch.interactive)
        stdio = pipes.child if pipes is not None else None
        living = give_birth(spec, self._launch.bundle, self._cgroup, self._launch.network, stdio)
        if pipes is not None:
            self._streams.use_pipes(pipes)
        elif living.master is not None:
            self._streams.use_terminal(living.master)
        return living

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
        self._log.close()
        self._listener.close()

    # The start

    def _start(self) -> None:
        if self._started:
            raise Conflict("the container has been started already", "attach to it or exec in it")
        self._started = True
        protocol.send(self._living.sync, protocol.Start())

    def _hear_init(self) -> None:
        """Init's last word: silence when execve worked, else why not."""
        message = protocol.receive(self._living.sync)
        self._loop.forget(self._living.sync.fileno())
        self._living.sync.close()
        if isinstance(message, protocol.Failed):
            self._update(error=str(message.error()))
            self._answer_starters(message)
        elif self._started:
            self._update(state="running", started_unix_ns=time.time_ns())
            self._answer_starters(protocol.Running(self._living.pid))

    def _answer_starters(self, message: protocol.Message) -> None:
        if self._launch.start:
            protocol.send(self._report, message)
            self._report.close()
        for client in self._starters:
            client.send_message(message)
            client.finish()
        self._starters.clear()

    # Connections

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        Client(self._loop, connection, self._handle, self._gone)

    def _handle(self, client: Client, frame: bytes) -> None:
        message = protocol.decode(frame) if frame[0] == protocol.CONTROL else None
        if client in self._sessions:
            self._sessions[client].handle(message, frame[1:])
        elif message is None:
            self._streams.write(frame[1:])
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
        if not self._started or self._exit_status is not None:
            raise Conflict("the container isn't running", "start it first")
        pid = self._living.pid
        self._sessions[client] = ExecSession(self._loop, client, message, self._spec, pid, self._cgroup)

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

    # The end

    def _reap(self) -> None:
        self._loop.forget(self._living.pidfd)
        _, status = os.waitpid(self._living.pid, 0)
        self._exit_status = exit_status(status)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        """Over is: the first process has ended, and with its pid namespace everybody who could still write."""
        if self._exit_status is None:
            return
        if not self._streams.at_end:
            self._loop.call_later(1.0, self._finish)  # a pid namespace shared with others: they may keep streams open
            return
        self._finish()

    def _finish(self) -> None:
        assert self._exit_status is not None
        if self._status.state == "exited":
            return
        self._streams.drain()
        if not self._started or self._status.error:
            self._end_without_start()
            return
        killed = self._exit_status == SIGKILL_STATUS and self._cgroup.oom_kills() > 0
        self._update(state="exited", finished_unix_ns=time.time_ns(), exit_status=self._exit_status, oom_killed=killed)
        self._tell_everyone(protocol.Exited(self._exit_status))

    def _end_without_start(self) -> None:
        failure = protocol.Failed("RuntimeFailure", self._status.error or "the container was killed before its start")
        self._update(state="failed", finished_unix_ns=time.time_ns(), error=failure.cause)
        self._answer_starters(failure)
        self._tell_everyone(failure)

    def _tell_everyone(self, message: protocol.Message) -> None:
        for client in [*self._streams.viewers, *self._waiting]:
            client.send_message(message)
            client.finish()
        self._loop.call_later(0.0, self._stop_when_told)
        self._deadline = time.monotonic() + 5.0  # a viewer that reads nothing doesn't keep us for ever

    def _stop_when_told(self) -> None:
        clients = [*self._streams.viewers, *self._waiting, *self._sessions]
        if time.monotonic() > self._deadline or all(client.closed for client in clients):
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._stop_when_told)

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

    def _fail(self, error: BoxdeckError) -> None:
        self._update(state="failed", finished_unix_ns=time.time_ns(), error=str(error))
        protocol.send(self._report, protocol.Failed.of(error))
