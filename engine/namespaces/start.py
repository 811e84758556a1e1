"""Starting the program that makes or enters namespaces: in our place, or as a child on our own streams."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import msgspec
from msgspec import Struct

from engine.errors import BoxdeckError, CommandNotExecutable, CommandNotFound
from engine.import_folders import import_folders
from engine.namespaces.order import Order

_BOOTSTRAP = (
    "import sys; n = 2 + int(sys.argv[1]); sys.path[:0] = sys.argv[2:n];"
    " from engine.namespaces.program import main; main(sys.argv[n:])"
)
_FAILURES: dict[int, type[BoxdeckError]] = {126: CommandNotExecutable, 127: CommandNotFound}
_ON_STANDARD_ERROR = -1


class Program(Struct, frozen=True):
    """An order and who carries it out.

    Attributes:
        executable: the interpreter, or a sealed copy of it.
        words: the command and its arguments.
        descriptors: are ours to close, and inherited.
    """

    order: Order
    words: tuple[str, ...] = ()
    executable: str = sys.executable
    descriptors: tuple[int, ...] = ()

    def replace_us(self) -> NoReturn:
        """Become it, with our streams, terminal and pid; failures are told on standard error."""
        for descriptor in self.descriptors:
            os.set_inheritable(descriptor, True)
        os.execve(self.executable, self._argv(_ON_STANDARD_ERROR), os.environ)

    def run(self) -> int:
        """Run it on our own streams and terminal, doing nothing else until it ends.

        Returns:
            The exit status, 128 + n after signal n.

        Raises:
            BoxdeckError: why the command never began.
        """
        import subprocess  # who becomes the program, as the command line does, needs neither this nor asyncio

        with self._answer() as (answer, report), _keys_are_the_childs():
            with subprocess.Popen(
                self._argv(report), executable=self.executable, pass_fds=(*self.descriptors, report)
            ) as process:
                os.close(report)
                status = process.wait()
            return _outcome(status, answer)

    async def follow(self) -> int:
        """The same, without keeping others waiting; cancelling kills it."""
        import asyncio

        with self._answer() as (answer, report):
            process = await asyncio.create_subprocess_exec(
                *self._argv(report), executable=self.executable, pass_fds=(*self.descriptors, report)
            )
            os.close(report)
            try:
                return _outcome(await process.wait(), answer)
            except asyncio.CancelledError:
                process.kill()
                raise

    def close(self) -> None:
        """Let go of the descriptors."""
        for descriptor in self.descriptors:
            os.close(descriptor)

    @contextmanager
    def _answer(self) -> Iterator[tuple[int, int]]:
        """Both ends of a pipe for a failure's sentence; who starts the program closes the second."""
        answer, report = os.pipe()
        try:
            yield answer, report
        finally:
            os.close(answer)
            self.close()

    def _argv(self, report: int) -> tuple[str, ...]:
        folders = import_folders()
        text = msgspec.json.encode(self.order).decode()
        bootstrap = (sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(len(folders)), *folders)
        return (*bootstrap, str(report), text, *self.words)


@contextmanager
def _keys_are_the_childs() -> Iterator[None]:
    """What ctrl-c sends to all in the foreground is meant for the child (system(3))."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outcome(status: int, answer: int) -> int:
    os.set_blocking(answer, False)  # who is left of the command might have the other end
    try:
        sentence = os.read(answer, 4096).decode(errors="replace").strip()
    except BlockingIOError:
        sentence = ""
    if sentence:
        raise _FAILURES.get(status, BoxdeckError)(sentence)
    return status if status >= 0 else 128 - status
