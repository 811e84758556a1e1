"""Unpacking layers in processes of their own: side by side on all processors, and none waits for this interpreter."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

import msgspec

from engine import errors
from engine.errors import StoreError
from engine.images.unpack_messages import MESSAGE_BYTES, Done, Failed, decode
from engine.import_folders import import_folders
from engine.linux import trace
from engine.store.blobs import write_all
from engine.xray.actions import add_part
from engine.xray.parts import Part

if TYPE_CHECKING:
    from types import TracebackType

    from engine.images.limits import Limits
    from engine.images.monitor import Advance
    from engine.oci.digest import Readable

_BOOTSTRAP: Final = (
    "import sys; sys.path[:0] = sys.argv[2:]; from engine.images.unpack_program import main; main(sys.argv[1:2])"
)
_CHUNK_BYTES: Final = 1 << 18
_PIPE_BYTES: Final = 1 << 20  # as much as anybody may ask for, and enough to go on with
_PATIENCE_SECONDS: Final = 0.1


class Unpacker:
    """A process that forks for each layer. Threads may share it. To be used in a ``with`` statement.

    It gets ready while others find out what there is to unpack, and is killed at the end.

    Raises:
        StoreError: it can't be started.
    """

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(theirs.fileno()), *import_folders()]
        with theirs:
            begun = trace.now()
            try:
                self._process = subprocess.Popen(
                    command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/", start_new_session=True
                )
            except OSError as error:
                self._orders.close()
                raise StoreError(f"layers can't be unpacked ({error.strerror})", "end some processes") from error
        trace.note(begun, "vfork", (), self._process.pid, path="unpacker")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._orders.close()
        self._process.kill()
        self._process.wait()

    def unpack(self, archive: Readable, folder: int, lock: int, advance: Advance, limits: Limits) -> Done:
        """Unpack a layer, compressed or not, as `engine.images.unpack.unpack` does.

        Args:
            archive: read by this thread.
            folder: descriptor of an empty folder (O_RDONLY).
            lock: a descriptor that holds the content lock; the process has it as long as it lives.
            advance: called with the archive's bytes that are done since the last call, 0 too; may raise to stop.

        Raises:
            ImageError, StoreError: as there; or the process was killed.
            Exception: what reading the archive, or `advance`, raises; nobody writes to the folder any more.
        """
        with self._fork(folder, lock, limits) as (fork, sink):
            with suppress(BrokenPipeError), os.fdopen(sink, "wb", buffering=0) as pipe:  # it ended early, and says why
                while data := archive.read(_CHUNK_BYTES):
                    write_all(pipe.fileno(), data)
                    advance(len(data))
            while (done := fork.answer(_PATIENCE_SECONDS)) is None:
                advance(0)
        return done

    @contextmanager
    def _fork(self, folder: int, lock: int, limits: Limits) -> Iterator[tuple[_Fork, int]]:
        """A fork that reads from a pipe, and the pipe's other end, which is the caller's."""
        answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source, sink = os.pipe()
        with answers:
            try:
                with suppress(OSError):  # where somebody has too much in pipes already, a small one does
                    fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                with suppress(OSError):  # it has been killed, as will be found out at once
                    socket.send_fds(
                        self._orders, [msgspec.json.encode(limits)], [source, folder, theirs.fileno(), lock]
                    )
            finally:
                theirs.close()
                os.close(source)
            try:
                fork = _Fork(answers)
            except BaseException:
                os.close(sink)
                raise
            with fork:
                yield fork, sink


class _Fork:
    """One layer's process, which is killed when nobody waits for it any more."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        first, rights, _, _ = socket.recv_fds(answers, MESSAGE_BYTES, 1)
        if not first:
            raise _killed()
        self._pidfd = rights[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        _is_readable(self._pidfd, None)  # when it has ended (pidfd_open(2))
        os.close(self._pidfd)

    def answer(self, seconds: float) -> Done | None:
        """How it ended; None when it hasn't within a time.

        Raises:
            BoxdeckError: it failed.
        """
        if not _is_readable(self._answers.fileno(), seconds):
            return None
        data = self._answers.recv(MESSAGE_BYTES)
        if not data:
            raise _killed()
        message = decode(data)
        add_part(Part("unpacker", message.pid, message.calls))
        if isinstance(message, Failed):
            raise getattr(errors, message.kind)(message.cause, message.remedy)
        return message


def _killed() -> StoreError:
    return StoreError("the process that unpacks a layer was killed", "look at dmesg: perhaps memory ran out")


def _is_readable(descriptor: int, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
