"""Actions that are recorded: the engine begins a file, and whoever acts for it adds its own part.

It costs a start less than a hundredth of its time, so it is always on: people look when something was odd, and that is
afterwards. ``BOXDECK_XRAY=0`` switches it off.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from engine.linux import trace
from engine.paths import Paths
from engine.xray import parts

KEPT_OF_EACH = 2  # recordings of one action on one container: the last and the one before, to be compared
KEPT_OF_REMOVED = 16  # containers
REMOVED = "removed"

made: deque[str] = deque(maxlen=64)
"""Files that this process has begun, in the order in which their actions ended."""

_IS_ON = os.environ.get("BOXDECK_XRAY", "1") != "0"


@contextmanager
def recorded(paths: Paths, action: str, subject: str, name: str) -> Iterator[str]:
    """Record what is done in these lines.

    Args:
        action: such as ``start``, in lower-case letters.
        subject: an id: of a container mostly.
        name: what people call it.

    Returns:
        The path of the file, for those who add parts of their own; empty where nothing is recorded.
    """
    if not _IS_ON:
        yield ""
        return
    began, began_unix_ns, error = trace.now(), time.time_ns(), ""
    folder = f"{paths.xrays}/{subject}"
    path = f"{folder}/{action}-{began}"
    token = trace.calls.set([])
    try:
        yield path
    except BaseException as failure:
        error = str(failure) or type(failure).__name__
        raise
    finally:
        if os.path.isdir(f"{paths.xrays}/{REMOVED}/{subject}"):  # that was the action
            folder = f"{paths.xrays}/{REMOVED}/{subject}"
            path = f"{folder}/{action}-{began}"
        heading = parts.Heading(action, subject, name, began_unix_ns, error)
        parts.append(path, parts.encode(heading) + parts.take_part("engine"))
        trace.calls.reset(token)
        made.append(path)
        _forget_old(folder, action)


def bury(paths: Paths, subject: str) -> None:
    """Put the recordings of something that has been removed aside, and forget those of the first of many."""
    aside = f"{paths.xrays}/{REMOVED}"
    with suppress(OSError):
        os.makedirs(aside, 0o700, exist_ok=True)
        os.rename(f"{paths.xrays}/{subject}", f"{aside}/{subject}")
        os.utime(f"{aside}/{subject}")
        others = sorted(os.scandir(aside), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        for entry in others[KEPT_OF_REMOVED:]:
            shutil.rmtree(entry.path, ignore_errors=True)


def _forget_old(folder: str, action: str) -> None:
    with suppress(OSError):
        own = sorted((name for name in os.listdir(folder) if name.rpartition("-")[0] == action), key=began_ns)
        for name in own[:-KEPT_OF_EACH]:
            os.unlink(f"{folder}/{name}")


def began_ns(file_name: str) -> int:
    """When the action of a file began, by the monotonic clock."""
    number = file_name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
