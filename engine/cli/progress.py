"""How far long work is, on standard error while that is a terminal: a line for the whole, or one for each part."""

from __future__ import annotations

import shutil
import sys
from typing import TypeVar

from engine.cli.formats import decimal_size
from engine.cli.output import shortened
from engine.jobs import Job
from engine.model import Progress

Result = TypeVar("Result")
_CLEAR_BELOW = "\r\x1b[J"
_UP = "\x1b[A"
_BAR_CELLS = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Board:
    """The lines that are on the terminal now, and what they tell."""

    def __init__(self) -> None:
        self._parts: dict[str, Progress] = {}
        self._lines = 0

    def tell(self, progress: Progress) -> None:
        """Take in a step; what was told of the whole goes once its parts are told of."""
        self._parts[progress.part] = progress
        if progress.part:
            self._parts.pop("", None)

    def lines(self, columns: int, rows: int) -> list[str]:
        """What is to be seen: as many parts as there is room for, those that are at work first."""
        parts = sorted(self._parts.values(), key=lambda progress: progress.total == 0 and bool(progress.part))
        shown = parts if len(parts) < rows else parts[: rows - 2]
        lines = [progress_line(progress) for progress in self._parts.values() if progress in shown]
        if len(shown) < len(parts):
            lines.append(f"and {len(parts) - len(shown)} more")
        return [shortened(line, columns - 1) for line in lines]

    def paint(self) -> None:
        """Replace what is on the terminal."""
        columns, rows = shutil.get_terminal_size()
        lines = self.lines(columns, rows)
        sys.stderr.write(self._back + "".join(f"{line}\n" for line in lines[:-1]) + lines[-1])
        sys.stderr.flush()
        self._lines = len(lines)

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._lines:
            sys.stderr.write(self._back)
            sys.stderr.flush()

    @property
    def _back(self) -> str:
        return _UP * (self._lines - 1) + _CLEAR_BELOW


async def shown(job: Job[Result]) -> Result:
    """Show a job's progress until its end; cancelled with us, and over when this is.

    Raises:
        BoxdeckError: what the job raises.
    """
    try:
        if sys.stderr.isatty():
            await _show(job)
        return await job
    except BaseException:
        await job.end()
        raise


async def _show(job: Job[Result]) -> None:
    board = Board()
    try:
        async for progress in job:
            board.tell(progress)
            board.paint()
    finally:
        board.clear()


def progress_line(progress: Progress) -> str:
    """Such as ``3f2a1b44c0de Downloading ▕██████      ▏ 12.3MB / 24MB``."""
    words = f"{progress.part}  {progress.what:<12}".rstrip() if progress.part else progress.what
    if not progress.total:
        return f"{words} {decimal_size(progress.done)}" if progress.part and progress.done else words
    if not progress.part:
        return f"{words} {100 * progress.done // progress.total} %"
    return (
        f"{words} {bar(progress.done / progress.total)} {decimal_size(progress.done)} / {decimal_size(progress.total)}"
    )


def bar(share: float) -> str:
    """A share from 0 to 1 as a bar of whole and eighth cells."""
    eighths = round(max(0.0, min(share, 1.0)) * _BAR_CELLS * 8)
    whole, rest = divmod(eighths, 8)
    return f"▕{('█' * whole + _EIGHTHS[rest])[:_BAR_CELLS].ljust(_BAR_CELLS)}▏"
