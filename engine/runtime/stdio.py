"""A process's standard streams, seen from the shim: a terminal or pipes, to the log and to those who watch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from engine.linux import pty
from engine.runtime import protocol
from engine.runtime.client import Client
from engine.runtime.kept import Past
from engine.runtime.log import Log
from engine.runtime.loop import Loop

_STDIN_PENDING = 256 * 1024  # more than this unread by the process, and its writer has to wait
_OTHER_SIZE_SECONDS = 0.05  # a program that looks later finds its size unchanged, and perhaps nothing to paint
_DRAIN_READS = 32  # of DATA_SIZE: more than a pipe or terminal can hold (pipe(7): 1 MiB at most without privilege)


class Pipes(NamedTuple):
    """Both ends of a process's streams; `stdin` is -1 when the process reads from /dev/null."""

    child: tuple[int, int, int]
    stdin: int
    stdout: int
    stderr: int

    def give(self, owner: int) -> None:
        """Let a user, as the host knows it, open them again by name."""
        for descriptor in (self.stdin, self.stdout, self.stderr):
            if descriptor >= 0:
                os.fchown(descriptor, owner, -1)

    def close_child_ends(self) -> None:
        """Close what the process has as its streams by now."""
        for descriptor in self.child:
            os.close(descriptor)

    def close_own_ends(self) -> None:
        """Close the ends that its streams would be pumped with."""
        for descriptor in (self.stdin, self.stdout, self.stderr):
            if descriptor >= 0:
                os.close(descriptor)

    def close(self) -> None:
        """Close both ends of all."""
        self.close_child_ends()
        self.close_own_ends()


prepared: list[Pipes] = []
"""Those that were opened before anybody asked: for a process that reads from /dev/null, as most do."""


def prepare() -> None:
    """Open some that will probably be wanted, while nobody waits."""
    with suppress(OSError):  # whoever wants them will hear why
        prepared.append(_open_pipes(interactive=False))


def open_pipes(interactive: bool, owner: int = 0) -> Pipes:
    """Pipes for a process without a terminal.

    Args:
        owner: the process's user as the host knows it, who may then open /dev/stdout again; only who makes a pipe
            can give it to an id that the container's user namespace has.

    Raises:
        OSError: EMFILE; none is left open then.
    """
    pipes = prepared.pop() if prepared and not interactive else _open_pipes(interactive)
    if owner:
        pipes.give(owner)
    return pipes


def _open_pipes(interactive: bool) -> Pipes:
    ends: list[int] = []
    try:
        ends += os.pipe2(os.O_CLOEXEC) if interactive else (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), -1)
        ends += os.pipe2(os.O_CLOEXEC)
        ends += os.pipe2(os.O_CLOEXEC)
    except OSError:
        for descriptor in ends:
            if descriptor >= 0:
                os.close(descriptor)
        raise
    child_in, stdin, stdout, child_out, stderr, child_err = ends
    return Pipes((child_in, child_out, child_err), stdin, stdout, stderr)


class Streams:
    """Pumps between one process and its viewers.

    Output is read only while no viewer is congested: a slow viewer slows the process, as a slow terminal
    would, and nothing is lost. Without viewers it goes to the log alone.
    """

    def __init__(self, loop: Loop, log: Log | Past | None, ended: Callable[[], None]) -> None:
        self._loop = loop
        self._log = log
        self._ended = ended
        self._outputs: dict[int, int] = {}  # descriptor: frame kind
        self._input = -1
        self._terminal = -1
        self._size = (0, 0)
        self._pending: deque[bytes] = deque()
        self._pending_size = 0
        self._close_input_when_written = False
        self._paused = False
        self._past: Past | None = None
        self._held_back: list[Client] = []  # who wrote more than the process has read
        self.viewers: list[Client] = []
        self.feeder: Client | None = None

    def use_terminal(self, master: int, *, remembers: bool = False) -> None:
        """The process has a terminal with this master.

        Args:
            remembers: whether who comes later wants to know what it wrote last (`past`).
        """
        self._terminal = self._input = master
        self._past = Past() if remembers else None
        self._begin({master: protocol.STDOUT})

    def use_pipes(self, pipes: Pipes) -> None:
        """The process has these pipes; its own ends are closed here."""
        self._input = pipes.stdin
        if self._input >= 0:
            os.set_blocking(self._input, False)
        self._begin({pipes.stdout: protocol.STDOUT, pipes.stderr: protocol.STDERR})

    def _begin(self, outputs: dict[int, int]) -> None:
        self._outputs = outputs
        for descriptor in outputs:
            os.set_blocking(descriptor, False)
        self._watch_outputs()

    @property
    def at_end(self) -> bool:
        """Whether the process, and all who inherited its streams, have closed their output."""
        return not self._outputs

    # Output

    @property
    def past(self) -> bytes:
        """What was written last to a terminal that remembers it."""
        return self._past.data if self._past is not None else b""

    def add_viewer(self, client: Client, feeds: bool) -> None:
        """Send output to a client from now on; one that `feeds` writes the input and closes it when it goes."""
        self.viewers.append(client)
        client.drained = self._resume
        if feeds:
            self.feeder = client

    def remove_viewer(self, client: Client) -> None:
        """The client has gone; the input of pipes ends with the one that fed it, as with docker run -i."""
        if client in self.viewers:
            self.viewers.remove(client)
        if client is self.feeder:
            self.feeder = None
            if self._terminal < 0:
                self.close_input()
        self._resume()

    def _resume(self) -> None:
        if self._paused and not any(viewer.congested for viewer in self.viewers):
            self._paused = False
            self._watch_outputs()

    def _watch_outputs(self) -> None:
        for descriptor, kind in self._outputs.items():
            self._watch(descriptor, kind)

    def _watch(self, descriptor: int, kind: int) -> None:
        readable = None if self._paused else lambda: self._pump(descriptor, kind)
        writable = self._write_input if descriptor == self._input and self._pending else None
        self._loop.watch(descriptor, readable, writable)

    def _pump(self, descriptor: int, kind: int) -> None:
        if descriptor == self._input and self._pending:
            self._write_input()
        self._read_once(descriptor, kind)

    def _read_once(self, descriptor: int, kind: int) -> bool:
        """Move one buffer; False when there is nothing more for now, or for ever."""
        try:
            data = os.read(descriptor, protocol.DATA_SIZE)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the last slave of the terminal has been closed
            data = b""
        if not data:
            self._end_output(descriptor)
            return False
        self._deliver(kind, data)
        return True

    def _deliver(self, kind: int, data: bytes) -> None:
        if self._log is not None:
            self._log.write(b"stdout" if kind == protocol.STDOUT else b"stderr", data)
        if self._past is not None:
            self._past.write(b"stdout", data)
        frame = bytes((kind,)) + data
        for viewer in list(self.viewers):
            viewer.send(frame)
        if any(viewer.congested for viewer in self.viewers) and not self._paused:
            self._paused = True
            self._watch_outputs()

    def _end_output(self, descriptor: int) -> None:
        self._loop.forget(descriptor)
        del self._outputs[descriptor]
        if descriptor == self._input:
            self._input = self._terminal = -1
        os.close(descriptor)
        if not self._outputs:
            self._ended()

    def drain(self) -> None:
        """Take what has been written until now; for a process that has ended while others hold its streams."""
        for descriptor, kind in list(self._outputs.items()):
            for _ in range(_DRAIN_READS):  # writers that never rest don't keep us here
                if not self._read_once(descriptor, kind):
                    break

    # Input

    def write(self, client: Client, data: bytes) -> None:
        """Give a client's bytes to the process, now or when it has room."""
        if self._input < 0:
            return
        self._pending.append(data)
        self._pending_size += len(data)
        self._write_input()
        if self._pending_size > _STDIN_PENDING and client not in self._held_back:
            self._held_back.append(client)
            client.pause(True)

    def obey(self, message: protocol.Resize | protocol.CloseStdin) -> None:
        """Do what a client wants with the input or the terminal."""
        if isinstance(message, protocol.Resize):
            self.resize(message.rows, message.columns)
        else:
            self.close_input()

    def close_input(self) -> None:
        """The process's standard input ends after what is pending; a terminal has no such end."""
        self._close_input_when_written = True
        self._write_input()

    def _write_input(self) -> None:
        while self._pending and self._input >= 0:
            try:
                written = os.write(self._input, self._pending[0])
            except BlockingIOError:
                break
            except OSError:  # EPIPE: the process reads no more
                return self._drop_input()
            self._take_pending(written)
        if self._pending_size <= _STDIN_PENDING:
            self._let_writers_go_on()
        self._watch_input()
        return None

    def _let_writers_go_on(self) -> None:
        held_back, self._held_back = self._held_back, []
        for client in held_back:
            client.pause(False)

    def _take_pending(self, written: int) -> None:
        head = self._pending.popleft()
        self._pending_size -= written
        if written < len(head):
            self._pending.appendleft(head[written:])

    def _watch_input(self) -> None:
        if self._input < 0:
            return
        if self._input in self._outputs:
            self._watch(self._input, self._outputs[self._input])
        elif not self._pending and self._close_input_when_written:
            self._drop_input()
        else:
            self._loop.watch(self._input, None, self._write_input if self._pending else None)

    def _drop_input(self) -> None:
        self._pending.clear()
        self._pending_size = 0
        self._let_writers_go_on()
        if self._input >= 0 and self._input not in self._outputs:
            self._loop.forget(self._input)
            os.close(self._input)
            self._input = -1

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal, if it is one, its size; the one that it has already, and its program paints itself anew.

        For the kernel sends SIGWINCH only when the size has changed, and a new viewer has an empty screen before it.
        """
        if self._terminal < 0:
            return
        if self._size == (rows, columns):
            pty.set_size(self._terminal, rows, columns ^ 1)
            self._loop.call_later(_OTHER_SIZE_SECONDS, self._set_size)
        else:
            self._size = rows, columns
            self._set_size()

    def _set_size(self) -> None:
        if self._terminal >= 0:
            pty.set_size(self._terminal, *self._size)

    def close(self) -> None:
        """Let go of everything; a terminal's session is hung up."""
        self._drop_input()
        for descriptor in self._outputs:
            self._loop.forget(descriptor)
            os.close(descriptor)
        self._outputs.clear()
        self._input = self._terminal = -1
