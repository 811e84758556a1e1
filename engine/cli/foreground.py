"""A container's streams on this process's own: output, input, terminal, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from engine.cli import terminal
from engine.cli.early_signals import LEAVING, handled
from engine.cli.stdin_pump import StdinPump
from engine.errors import BoxdeckError, InvalidRequest

if TYPE_CHECKING:
    from engine.asciicast import Recording
    from engine.cli.attach_options import AttachmentOptions
    from engine.engine import Engine
    from engine.session import Session

OUTPUT = ("stdout", "stderr")
PATIENCE = 3  # a first process without handlers ignores signals (pid_namespaces(7)); docker leaves at the third, too


def check_terminal(interactive: bool, tty: bool) -> None:
    """Refuse a terminal that nobody sits at.

    Raises:
        InvalidRequest: with docker's sentence.
    """
    if interactive and tty and not terminal.is_terminal():
        raise InvalidRequest("the input device is not a TTY", "leave out -t when input comes from a pipe or a file")


async def follow(
    session: Session,
    interactive: bool,
    options: AttachmentOptions,
    engine: Engine | None = None,
    recording: Recording | None = None,
    shown: Collection[str] = OUTPUT,
    early: Collection[int] = (),
) -> int:
    """Connect a session to this process until its process ends, or the detach keys are typed.

    Args:
        interactive: pass standard input on.
        options: how it is left, and whether signals are passed on to a container without a terminal.
        engine: the container's, when the session is that of its first process.
        recording: gets what is shown, too.
        shown: which of its streams; when none is, the end of input leaves it.
        early: signals that came while it was being started (`early_signals.kept`).

    Returns:
        the process's exit status; 0 after detaching, and where nothing is shown.
    """
    return await _Foreground(session, options, engine, recording, shown).run(interactive, early)


class _Foreground:
    def __init__(
        self,
        session: Session,
        options: AttachmentOptions,
        engine: Engine | None,
        recording: Recording | None,
        shown: Collection[str],
    ) -> None:
        self._recording = recording
        self._shown = shown
        self._session = session
        self._options = options
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._left: asyncio.Future[int] = self._loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._interrupts = 0

    async def run(self, interactive: bool, early: Collection[int]) -> int:
        with terminal.raw(self._session.tty and interactive), self._signals():
            for number in early:
                self._obey(number)
            if self._session.tty:
                await self._resize()
            keys = self._options.detach_keys
            pump = StdinPump(self._session, keys, leaves=not self._shown) if interactive else None
            try:
                return await self._until_end(pump)
            except BrokenPipeError:
                await self._unheard()
                raise
            finally:
                if pump is not None:
                    pump.stop()
                await self._session.close()

    async def _until_end(self, pump: StdinPump | None) -> int:
        if pump is not None:
            pump.detached.add_done_callback(lambda _: self._leave(0))
            pump.start()
        output = asyncio.ensure_future(self._copy_output())
        ends: set[asyncio.Future[None] | asyncio.Future[int]] = {output, self._left}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if output.done():
            output.result()
            status = await self._session.wait()
            return status if self._shown else 0  # as when the end of input had come first
        output.cancel()
        return self._left.result()

    async def _copy_output(self) -> None:
        streams = {"stdout": sys.stdout.fileno(), "stderr": sys.stderr.fileno()}
        sys.stdout.flush()
        await asyncio.to_thread(_write_all, streams["stdout"], self._session.past)
        while (chunk := await self._session.read()) is not None:
            if chunk.stream not in self._shown:
                continue
            # in a thread: whoever reads our output may be slow, and signals and input must not wait for it
            await asyncio.to_thread(_write_all, streams[chunk.stream], chunk.data)
            if self._recording is not None:
                self._recording.output(chunk.data)

    async def _unheard(self) -> None:
        """Nobody reads our output any more: what was to be removed at its end anyway shouldn't run on unseen."""
        await self._session.close()
        container = self._session.container
        if self._engine is not None and container.request.auto_remove:
            with suppress(BoxdeckError):
                await self._engine.containers.kill(container.id, "SIGKILL")

    def _leave(self, status: int) -> None:
        if not self._left.done():
            self._left.set_result(status)

    # Signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = handled(self._session.tty, self._engine is not None and self._options.sig_proxy)
        for each in numbers:
            self._loop.add_signal_handler(each, self._obey, each)
        if self._session.tty:
            self._loop.add_signal_handler(signal.SIGWINCH, lambda: self._soon(self._resize()))
        try:
            yield
        finally:
            for each in numbers | {signal.SIGWINCH}:
                self._loop.remove_signal_handler(each)

    def _obey(self, number: int) -> None:
        if self._session.tty and number in LEAVING:
            self._leave(128 + number)
        else:
            self._soon(self._forward(number))

    def _soon(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop keeps weak references only
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, number: int) -> None:
        self._interrupts += number in (signal.SIGINT, signal.SIGTERM)
        if self._interrupts >= PATIENCE:
            self._leave(128 + number)
        if self._engine is not None:
            with suppress(BoxdeckError):  # it has just ended
                await self._engine.containers.kill(self._session.container.id, str(int(number)))

    async def _resize(self) -> None:
        size = terminal.size()
        if size is not None:
            await self._session.resize(size.rows, size.columns)
            if self._recording is not None:
                self._recording.resize(size.rows, size.columns)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
