"""A process's terminal joined with ours: keys, output and size go through, and ours is raw meanwhile."""

from __future__ import annotations

import os
import select
import termios
import tty
from types import TracebackType
from typing import Self

from engine.linux import pty

_CHUNK_BYTES = 16 * 1024


class Relay:
    """From when it is entered until it is left.

    Args:
        master: of the process's terminal.
    """

    def __init__(self, master: int) -> None:
        self._master = master
        self._typed = b""  # read from our standard input, but not yet taken by the process's terminal
        self._at_end = {0: False, master: False}
        self._attributes: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        os.set_blocking(self._master, False)
        if os.isatty(0):
            self._attributes = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSADRAIN)
            self.copy_size()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        while self._copy_output():  # what the process wrote last
            pass
        if self._attributes is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self._attributes)

    def copy_size(self) -> None:
        """Give the process's terminal the size of ours."""
        if self._attributes is not None:
            size = os.get_terminal_size(0)
            pty.set_size(self._master, size.lines, size.columns)

    def interests(self) -> list[tuple[int, int]]:
        """Descriptors and the events of poll(2) to wait for now."""
        found = []
        if not self._at_end[self._master]:
            found.append((self._master, select.POLLIN | (select.POLLOUT if self._typed else 0)))
        if not self._at_end[0] and not self._typed:
            found.append((0, select.POLLIN))
        return found

    def serve(self, descriptor: int, events: int) -> None:
        """Move what can be moved."""
        if descriptor == 0:
            self._typed = os.read(0, _CHUNK_BYTES)
            self._at_end[0] = not self._typed
        elif events & select.POLLOUT:
            self._pass_input()
        if descriptor == self._master and events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            self._copy_output()

    def _pass_input(self) -> None:
        try:
            self._typed = self._typed[os.write(self._master, self._typed) :]
        except BlockingIOError:
            return
        except OSError:  # nobody has it open any more
            self._typed = b""

    def _copy_output(self) -> bool:
        """Move what there is; whether there was something."""
        try:
            data = os.read(self._master, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the last who had it open has gone
            data = b""
        if not data:
            self._at_end[self._master] = True
        while data:
            data = data[os.write(1, data) :]
        return not self._at_end[self._master]
