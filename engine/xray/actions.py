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
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import NamedTuple

from engine.linux import trace
from engine.paths import Paths
from engine.xray import parts

KEPT_OF_EACH = 2  # recordings of one action on one container: the last and the one before, to be compared
KEPT_OF_REMOVED = 16  # containers

made: deque[str] = deque(maxlen=64)
"""Files that this process has begun, in the order in which their actions ended."""

_waiting: deque[tuple[str, parts.Heading, tuple[parts.Part, ...]]] = deque()
_further: ContextVar[list[parts.Part] | None] = ContextVar("further", default=None)
_MOST_ALIKE = 40  # calls of one name that are told one by one; a tree of files takes thousands
_WRITE_AFTER_SECONDS = 0.02
# Of failures that say nothing themselves.
_NAMES: dict[type[BaseException], str] = {asyncio.CancelledError: "it was cancelled"}
_DEAR = frozenset({"start", "exec"})
# With nothing to tell unless the engine itself has asked the kernel for something, which a refusal doesn't.
_ALONE = frozenset({"create", "rm", "update"})


class Subject(NamedTuple):
    """What an action was done to: its id, and what people call it."""

    id: str
    name: str


def volume_subject(name: str) -> Subject:
    """A volume, which has no id; a colon is in no id of others'."""
    return Subject(f"volume:{name}", name)


def unmade_subject(name: str) -> Subject:
    """What failed before it had an id: kept among what was removed, and found there by its name."""
    import hashlib  # at its first use: it costs start-up time

    return Subject(f"{parts.REMOVED}/{hashlib.sha256(name.encode()).hexdigest()[:32]}", name)


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
    _make_folder(f"{paths.xrays}/{subject}")
    action_of = _Action(action)
    path = action_of.path(paths, subject)
    with action_of.noted([(path, Subject(subject, name))]):
        yield path


@contextmanager
def recorded_for(paths: Paths, action: str, unmade: Subject | None = None) -> Iterator[list[Subject]]:
    """As `recorded`, of what has no id before it is done, or is done to several things.

    Args:
        unmade: whom it is recorded for when it fails before that; None for nobody.

    Returns:
        a list that these lines fill in.
    """
    subjects: list[Subject] = []
    files: list[tuple[str, Subject]] = []
    action_of = _Action(action)
    with action_of.noted(files):
        try:
            yield subjects
        finally:
            for subject in subjects or ([unmade] if unmade is not None else []):
                _make_folder(f"{paths.xrays}/{subject.id}")
                files.append((action_of.path(paths, subject.id), subject))


def add_part(part: parts.Part) -> None:
    """Add what another process has noted to the action that this is done for, if one is recorded."""
    further = _further.get()
    if further is not None:
        further.append(part)


class _Action:
    """One that begins now."""

    def __init__(self, action: str) -> None:
        self._action = action
        self._began_ns, self._began_unix_ns = trace.now(), time.time_ns()

    def path(self, paths: Paths, subject: str) -> str:
        return f"{paths.xrays}/{subject}/{self._action}-{self._began_ns}"

    @contextmanager
    def noted(self, files: list[tuple[str, Subject]]) -> Iterator[None]:
        """Note what is done in these lines, for all files that are there at their end."""
        calls, further, error = list[trace.Noted](), list[parts.Part](), ""
        tokens = trace.calls.set(calls), _further.set(further)
        try:
            yield
        except BaseException as failure:
            error = str(failure) or _NAMES.get(type(failure), type(failure).__name__)
            raise
        finally:
            trace.calls.reset(tokens[0])
            _further.reset(tokens[1])
            if calls or further or self._action not in _ALONE:
                found = (parts.Part("engine", os.getpid(), _folded(calls)), *further)
                for path, subject in files:
                    heading = parts.Heading(self._action, subject.id, subject.name, self._began_unix_ns, error)
                    _waiting.append((path, heading, found))
                    made.append(path)
                if files:
                    _write_later()


def _folded(calls: list[trace.Noted]) -> list[trace.Noted]:
    """As they were noted, but of a name that comes very often only the first are told apart, all others are one."""
    if len(calls) <= _MOST_ALIKE:
        return calls
    counts = Counter(call[2] for call in calls)
    if max(counts.values()) <= _MOST_ALIKE:
        return calls
    kept: list[trace.Noted] = []
    rest: dict[str, list[trace.Noted]] = {}
    seen: Counter[str] = Counter()
    for call in calls:
        seen[call[2]] += 1
        (kept if seen[call[2]] <= _MOST_ALIKE else rest.setdefault(call[2], [])).append(call)
    for name, others in rest.items():
        kept.append((others[0][0], others[-1][1], name, (trace.MANY, len(others), "… as those before"), 0, ""))
    return kept


def _write_later() -> None:
    """Write when whoever waits for the action has gone on; at once where there is no loop to do it."""
    try:
        asyncio.get_running_loop().call_later(_WRITE_AFTER_SECONDS, settle)
    except RuntimeError:
        settle()


def settle() -> None:
    """Write down what has been recorded."""
    while _waiting:
        path, heading, found = _waiting.popleft()
        parts.append(path, parts.encode(heading) + b"".join(parts.encode(part) for part in found if part.calls))
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
