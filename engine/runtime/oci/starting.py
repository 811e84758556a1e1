"""The second half of a container's birth: its process is executed."""

from __future__ import annotations

from socket import socket

from msgspec import structs

from engine.errors import BoxdeckError, Conflict
from engine.oci.state import StatusWord, encode
from engine.runtime import protocol, unix_socket
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.record import Record, send_kill
from engine.runtime.oci.status import not_running, status_of


def start(root: str, container_id: str) -> None:
    """Execute the process of a created container.

    Raises:
        Conflict: it isn't in the state "created".
        BoxdeckError: the process can't be executed, or a hook fails; it has ended then.
    """
    folder = Folder(root, container_id)
    with folder.locked():
        record = folder.record()
        status = status_of(record)
        if status != "created":
            raise Conflict(f"container {container_id!r} is {status}", "only a created one can be started")
        _execute(folder, record)
        folder.keep(structs.replace(record, started=True))
        if record.has_poststart:
            _run_poststart(folder, record)


def _execute(folder: Folder, record: Record) -> None:
    try:
        with unix_socket.connect(folder.path) as connection:
            protocol.send(connection, protocol.Start())
            if record.has_listener:
                _await_execution(folder, record, connection)
            elif isinstance(failure := protocol.receive(connection), protocol.Failed):  # otherwise execve has closed it
                raise failure.error()
    except (FileNotFoundError, ConnectionError) as error:
        raise not_running(record.container_id) from error


def _await_execution(folder: Folder, record: Record, connection: socket) -> None:
    from engine.runtime.birth import await_execution  # with all that making a container needs

    await_execution(connection, folder.spec(), state_for_hooks(record, "created"))


def _run_poststart(folder: Folder, record: Record) -> None:
    """A failing hook stops the container (runtime.md, "Lifecycle")."""
    from engine.runtime import hooks

    try:
        hooks.run(folder.spec().hooks.poststart, state_for_hooks(record, "running"), "poststart", record.bundle)
    except BoxdeckError:
        send_kill(record)
        raise


def state_for_hooks(record: Record, status: StatusWord) -> bytes:
    """The state that hooks get on their standard input."""
    pid = 0 if status == "stopped" else record.pid
    return encode(record.container_id, status, pid, record.bundle, record.annotations)
