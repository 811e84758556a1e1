"""How far long work is, in one line on standard error while that is a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TypeVar

from engine.cli.output import shortened
from engine.jobs import Job
from engine.model import Progress

Result = TypeVar("Result")
_CLEAR = "\r\x1b[K"


async def shown(job: Job[Result]) -> Result:
    """Show a job's progress until its end; cancelled with us.

    Raises:
        BoxdeckError: what the job raises.
    """
    try:
        if sys.stderr.isatty():
            await _show(job)
        return await job
    except BaseException:
        job.cancel()
        raise


async def _show(job: Job[Result]) -> None:
    anything = False
    async for progress in job:
        anything = True
        columns = shutil.get_terminal_size().columns
        sys.stderr.write(_CLEAR + shortened(progress_line(progress), columns - 1))
        sys.stderr.flush()
    if anything:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()


def progress_line(progress: Progress) -> str:
    """Such as ``unpacking 42 %``."""
    if not progress.total:
        return progress.what
    return f"{progress.what} {100 * progress.done // progress.total} %"
