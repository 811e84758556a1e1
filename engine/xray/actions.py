"""Actions that are recorded: the engine begins a file, and whoever acts for it adds its own part.

What the engine itself asks for, and a shim that ends its container, is always recorded. Starts and execs are only where
somebody wants to know: their processes are fresh forks, in which notes take memory that they share until then, and init
spends a fourteenth more processor time (9.2 against 8.6 ms on a busy machine). The app wants to know, and so do
``--xray`` and ``BOXDECK_XRAY=1``.
"""

from __future__ import annotations

import asyncio
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

made: deque[str] = deque(maxlen=64)
"""Files that this process has begun, in the order in which their actions ended."""

_waiting: deque[tuple[str, parts.Heading, parts.Part]] = deque()
_WRITE_AFTER_SECONDS = 0.02
_DEAR = frozenset({"start", "exec"})
_ALONE = frozenset({"create", "rm", "update"})  # with nothing to tell unless the engine itself has asked for something


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
    if action in _DEAR and not parts.is_on():
        yield ""
        return
    began, began_unix_ns, error = trace.now(), time.time_ns(), ""
    folder = f"{paths.xrays}/{subject}"
    path = f"{folder}/{action}-{began}"
    _make_folder(folder)
    token = trace.calls.set([])
    try:
        yield path
    except BaseException as failure:
        error = str(failure) or type(failure).__name__
        raise
    finally:
        noted = trace.calls.get() or []
        trace.calls.reset(token)
        if noted or error or action not in _ALONE:
            heading = parts.Heading(action, subject, name, began_unix_ns, error)
            _waiting.append((path, heading, parts.Part("engine", os.getpid(), noted)))
            made.append(path)
            _write_later()


def _write_later() -> None:
    """Write when whoever waits for the action has gone on; at once where there is no loop to do it."""
    try:
        asyncio.get_running_loop().call_later(_WRITE_AFTER_SECONDS, settle)
    except RuntimeError:
        settle()


def settle() -> None:
    """Write down what has been recorded."""
    while _waiting:
        path, heading, part = _waiting.popleft()
        own = parts.encode(part) if part.calls else b""
        parts.append(path, parts.encode(heading) + own)
        folder, name = os.path.split(path)
        _forget_old(folder, name.rpartition("-")[0])


def _make_folder(path: str) -> None:
    with suppress(OSError):
        try:
            os.mkdir(path, 0o700)
        except FileNotFoundError:
            for folder in (os.path.dirname(path), path):  # makedirs gives its mode to the last one alone
                os.makedirs(folder, 0o700, exist_ok=True)


def bury(paths: Paths, subject: str) -> None:
    """Put the recordings of something that has been removed aside, and forget the oldest of those that are too many."""
    settle()
    folder, aside = f"{paths.xrays}/{subject}", f"{paths.xrays}/{parts.REMOVED}"
    with suppress(OSError):
        try:
            os.rename(folder, f"{aside}/{subject}")
        except FileNotFoundError:
            _make_folder(aside)
            os.rename(folder, f"{aside}/{subject}")
        os.utime(f"{aside}/{subject}")
        _forget_removed(aside)


def _forget_removed(aside: str) -> None:
    if len(os.listdir(aside)) <= 2 * KEPT_OF_REMOVED:  # not one each time: looking at all of them takes longer
        return
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
