"""Between a session and an emulator: output in bounded bites, input in order, replies written back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from engine.errors import BoxdeckError
from tui.terminal.emulator import Emulator
from tui.terminal.flood import Plainness
from tui.terminal.frames import FRAME_SECONDS
from tui.terminal.session import TerminalSession

PARSE_SECONDS_PER_FRAME = 0.006
"""How much of a frame may go into interpreting output; the rest of it waits in the kernel's buffers."""

REST_SECONDS = 0.006
"""What everything else in the app gets at least, however slowly output is interpreted."""

HURRY_SECONDS = 1.0
"""After a key, what is buffered is interpreted faster: a person who interrupts a flood waits for its end."""

_HURRIED_PARSE_SECONDS, _HURRIED_REST_SECONDS = 0.014, 0.002
_BITE_BYTES = 1024

WAITING_BYTES = 64 * 1024
"""What may wait here to be interpreted; then the session isn't read any more."""

ASIDE_WAITING_BYTES = 256 * 1024
"""The same where it is interpreted aside."""

PLAIN_WAITING_BYTES = 4 * 1024 * 1024
"""The same of plain lines: most of them need not be interpreted, as more come than are kept."""

_ENOUGH_PLAIN_BYTES = 2 * 1024 * 1024
"""With so much waiting, what is being interpreted may be skimmed, too."""

SKIM_SECONDS = 1 / 30
"""How often the end of a flood that is skimmed is shown."""

_TURN_BYTES = 64 * 1024
"""After so much was read, everything else in the app has its turn, a longer one where all of it is interpreted here."""

ASIDE_BYTES = 4096
"""More than this is interpreted in a thread of its own, where the emulator lets others run meanwhile."""


class Pump:
    """Carries bytes both ways between a process and the emulator that shows it.

    A flood is slowed down to what the app can show and still answer keys: while a frame's time is used up
    the session is not read, so that its buffers fill and the process has to wait; but of plain lines more are read than
    can be interpreted, and only those that will be kept are. An emulator that can be fed aside takes all that there is
    at once, in another thread, and what is painted is the state after that.

    Args:
        session: the process.
        emulator: where its output goes.
        changed: called after each bite that was interpreted.
    """

    def __init__(self, session: TerminalSession, emulator: Emulator, changed: Callable[[], None]) -> None:
        self._session = session
        self._emulator = emulator
        self._changed = changed
        self.heard: Callable[[bytes], None] = lambda data: None
        """Called with output before it is interpreted."""
        self._waiting = bytearray()
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()
        self._plain = Plainness()
        self._over = False
        self._typed = bytearray()
        self._size: tuple[int, int] | None = None
        self._wake = asyncio.Event()
        self._hurried_until = 0.0
        self.flooded = False
        """Whether output comes faster than it is interpreted."""
        self._frame_began = 0.0
        self._parse_seconds = 0.0

    def type(self, data: bytes) -> None:
        """Queue what a person typed; a process that doesn't read never holds the caller up."""
        if data:
            self._hurried_until = perf_counter() + HURRY_SECONDS
            self._queue(data)

    def resize(self, rows: int, columns: int) -> None:
        """Queue a new size; one that wasn't sent yet is replaced."""
        self._size = (rows, columns)
        self._wake.set()

    async def carry_output(self) -> int:
        """Feed the emulator until the process has ended.

        Returns:
            Its exit status.
        """
        ends = await asyncio.gather(self._read_all(), self._interpret_all(), return_exceptions=True)
        for failure in filter(None, ends):  # what had arrived before it is shown
            raise failure
        self._arrived.clear()
        return await self._session.wait()

    async def _read_all(self) -> None:
        read = 0
        try:
            while (chunk := await self._session.read()) is not None:
                self.heard(chunk.data)
                self._waiting += chunk.data
                if not self._emulator.feeds_aside:
                    self._plain.add(chunk.data)
                self._arrived.set()
                read += len(chunk.data)
                if read > _TURN_BYTES:  # a session with more at hand doesn't wait for it
                    read = 0
                    at_once = self._emulator.feeds_aside or self._plain.holds
                    await asyncio.sleep(0 if at_once else REST_SECONDS)
                while len(self._waiting) > self._most_waiting:
                    self._taken.clear()
                    await self._taken.wait()
        finally:
            self._over = True
            self._arrived.set()

    @property
    def _most_waiting(self) -> int:
        if self._emulator.feeds_aside:
            return ASIDE_WAITING_BYTES
        return PLAIN_WAITING_BYTES if self._plain.holds else WAITING_BYTES

    async def _interpret_all(self) -> None:
        while not (self._over and not self._waiting):
            await self.catch_up()
            await self._arrived.wait()
            self._arrived.clear()
            data, self._waiting = bytes(self._waiting), bytearray()
            self._taken.set()
            if self._emulator.feeds_aside and len(data) > ASIDE_BYTES:
                self.flooded = True
                await asyncio.to_thread(self._emulator.feed, data)
                self._interpreted()
            elif (plain := self._plain.take()) and self._emulator.skim(data):
                await self._skimmed()
            else:
                await self._interpret_in_bites(data, plain)

    async def carry_input(self) -> None:
        """Send what was typed and new sizes until cancelled or the process is gone."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._send()
        except (BoxdeckError, OSError):
            return  # whoever reads the output learns that the process has ended

    def _queue(self, data: bytes) -> None:
        if data:
            self._typed += data
            self._wake.set()

    async def _send(self) -> None:
        if self._size is not None:
            (rows, columns), self._size = self._size, None
            await self._session.resize(rows, columns)
        if self._typed:
            typed, self._typed = bytes(self._typed), bytearray()
            await self._session.write(typed)

    async def _interpret_in_bites(self, data: bytes, plain: bool = False) -> None:
        for start in range(0, len(data), _BITE_BYTES):
            if plain and self._plain.holds and len(self._waiting) > _ENOUGH_PLAIN_BYTES:
                self._waiting[:0] = data[start:]
                self._arrived.set()
                return
            await self._frame_time()
            began = perf_counter()
            self._emulator.feed(data[start : start + _BITE_BYTES])
            self._parse_seconds += perf_counter() - began
            self._interpreted()

    async def _skimmed(self) -> None:
        self.flooded = True
        self._interpreted()
        await asyncio.sleep(SKIM_SECONDS)  # for painting, and for more to come

    async def catch_up(self) -> None:
        """Make history of what was skimmed, until more arrives."""
        while not self._arrived.is_set():
            await self._frame_time()
            began = perf_counter()
            is_more = self._emulator.catch_up()
            self._parse_seconds += perf_counter() - began
            if not is_more:
                return

    def _interpreted(self) -> None:
        self._queue(self._emulator.take_replies())
        self._changed()

    async def _frame_time(self) -> None:
        now = perf_counter()
        hurried = now < self._hurried_until
        if self._parse_seconds >= (_HURRIED_PARSE_SECONDS if hurried else PARSE_SECONDS_PER_FRAME):
            self.flooded = True
            least = _HURRIED_REST_SECONDS if hurried else REST_SECONDS
            await asyncio.sleep(max(least, self._frame_began + FRAME_SECONDS - now))
            self._frame_began, self._parse_seconds = perf_counter(), 0.0
        elif now - self._frame_began > FRAME_SECONDS:
            self.flooded = False
            self._frame_began, self._parse_seconds = now, 0.0
