"""Containers without a shim, for callers that watch over the process themselves (podman's conmon, containerd's shim).

Between `create` and `start` init waits on a socket in the state folder; nothing else of ours stays alive.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.cgroups.manager import Cgroup
from engine.errors import Conflict, InvalidRequest, NotFound, RuntimeFailure
from engine.linux import prctl
from engine.network import loopback
from engine.oci.runtime_spec import OCI_VERSION, Linux, Spec, decode
from engine.runtime import protocol, unix_socket
from engine.runtime.birth import give_birth
from engine.runtime.session import exit_status
from engine.runtime.status import start_ticks

_DELETE_PATIENCE_SECONDS = 5.0


class CreateRequest(Struct, frozen=True, kw_only=True):
    """The arguments of ``create`` and ``run``; `detach`: the process outlives us."""

    container_id: str
    bundle: str
    pid_file: str | None = None
    console_socket: str | None = None
    detach: bool = True


class Record(Struct, frozen=True, kw_only=True):
    """What is kept of a container between two commands; the pid counts only with its start time."""

    container_id: str
    bundle: str
    pid: int
    pid_start_ticks: int
    cgroups_path: str
    annotations: dict[str, str]


class State(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """runtime.md, "State"."""

    oci_version: str
    id: str
    status: str
    pid: int = 0
    bundle: str
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Containers:
    """The containers of one state folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, request: CreateRequest) -> State:
        """Make a container up to the moment before its process is executed.

        Raises:
            Conflict: the id is in use.
            BoxdeckError: with the step that failed; nothing is left then.
        """
        spec = _read_spec(request.bundle)
        folder = self._make_folder(request.container_id)
        linux = spec.linux or Linux()
        path = linux.cgroups_path or f"/{request.container_id}"
        try:
            cgroup = Cgroup.create(path, linux.resources)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            record = self._give_birth(request, spec, cgroup, path, folder)
        except BaseException:
            cgroup.kill()
            cgroup.remove()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self._state_of(record)

    def _make_folder(self, container_id: str) -> Path:
        if not container_id or "/" in container_id or container_id in (".", ".."):
            raise InvalidRequest(f"{container_id!r} can't be a container's id", "use letters, digits and _ . + -")
        folder = self._root / container_id
        try:
            folder.mkdir(parents=True, mode=0o711)
        except FileExistsError as error:
            raise Conflict(
                f"a container {container_id!r} exists already", f"delete it with: boxdeck-oci delete {container_id}"
            ) from error
        return folder

    def _give_birth(self, request: CreateRequest, spec: Spec, cgroup: Cgroup, path: str, folder: Path) -> Record:
        prctl.set_dumpable(False)
        terminal = spec.process is not None and spec.process.terminal
        if terminal and request.console_socket is None:
            raise InvalidRequest(
                "the process wants a terminal, but there is nobody to give it to", "add --console-socket"
            )
        listener = unix_socket.listen(folder)
        living = give_birth(spec, request.bundle, cgroup, None, None if terminal else (0, 1, 2), listener)
        loopback.bring_up(living.pid)
        if living.master is not None and request.console_socket is not None:
            _send_master(living.master, request.console_socket)
        record = Record(
            container_id=request.container_id,
            bundle=request.bundle,
            pid=living.pid,
            pid_start_ticks=start_ticks(living.pid) or 0,
            cgroups_path=path,
            annotations=spec.annotations,
        )
        (folder / "state.json").write_bytes(msgspec.json.encode(record))
        if request.pid_file is not None:
            Path(request.pid_file).write_text(str(living.pid), encoding="ascii")
        return record

    def start(self, container_id: str) -> None:
        """Execute the process of a created container.

        Raises:
            Conflict: it isn't in the state "created".
            BoxdeckError: the process can't be executed.
        """
        state = self.state(container_id)
        if state.status != "created":
            raise Conflict(f"the container {container_id!r} is {state.status}", "only a created one can be started")
        with unix_socket.connect(self._root / container_id) as connection:
            (self._root / container_id / unix_socket.NAME).unlink(missing_ok=True)
            protocol.send(connection, protocol.Start())
            message = protocol.receive(connection)  # silence: execve has closed it
        if isinstance(message, protocol.Failed):
            raise message.error()

    def state(self, container_id: str) -> State:
        """The state of a container.

        Raises:
            NotFound: there is none of that id.
        """
        return self._state_of(self._record(container_id))

    def kill(self, container_id: str, number: int) -> None:
        """Send the process a signal.

        Raises:
            Conflict: it has stopped.
        """
        record = self._record(container_id)
        if not _is_alive(record):
            raise Conflict(f"the container {container_id!r} has stopped", "delete it")
        os.kill(record.pid, number)

    def delete(self, container_id: str, force: bool) -> None:
        """Remove what is left of a container.

        Raises:
            Conflict: it hasn't stopped, and `force` isn't given.
        """
        record = self._record(container_id)
        if _is_alive(record):
            if not force:
                raise Conflict(f"the container {container_id!r} has not stopped", "kill it first, or add --force")
            os.kill(record.pid, signal.SIGKILL)
            _await_end(record)
        _remove_cgroup(record.cgroups_path)
        shutil.rmtree(self._root / container_id, ignore_errors=True)

    def _record(self, container_id: str) -> Record:
        try:
            return msgspec.json.decode((self._root / container_id / "state.json").read_bytes(), type=Record)
        except OSError as error:
            raise NotFound(f"there is no container {container_id!r}", f"its state would be in {self._root}") from error

    def _state_of(self, record: Record) -> State:
        alive = _is_alive(record)
        created = (self._root / record.container_id / unix_socket.NAME).exists()
        status = ("created" if created else "running") if alive else "stopped"
        return State(
            oci_version=OCI_VERSION,
            id=record.container_id,
            status=status,
            pid=record.pid if alive else 0,
            bundle=record.bundle,
            annotations=record.annotations,
        )


def wait(state: State) -> int:
    """Wait for a process that is our own child; returns its exit status as shells show it."""
    return exit_status(os.waitpid(state.pid, 0)[1])


def _read_spec(bundle: str) -> Spec:
    path = Path(bundle, "config.json")
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise NotFound(f"{path} can't be read ({error.strerror})", "name the bundle with --bundle") from error


def _is_alive(record: Record) -> bool:
    if start_ticks(record.pid) != record.pid_start_ticks:
        return False
    text = Path(f"/proc/{record.pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")


def _await_end(record: Record) -> None:
    deadline = time.monotonic() + _DELETE_PATIENCE_SECONDS
    while _is_alive(record) and time.monotonic() < deadline:
        time.sleep(0.005)


def _remove_cgroup(path: str) -> None:
    try:
        cgroup = Cgroup.open(path)
    except NotFound:
        return
    cgroup.kill()
    cgroup.remove()


def _send_master(master: int, path: str) -> None:
    """Hand the terminal to the caller (runc, docs/terminals.md, "Detached")."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as console:
            console.connect(path)
            socket.send_fds(console, [b"/dev/ptmx"], [master])
    except OSError as error:
        raise RuntimeFailure(
            f"the terminal can't be sent to {path} ({error.strerror})", "see who listens there"
        ) from error
    finally:
        os.close(master)
