"""Control groups as what they are: folders with files. Made, written, listed and removed, on v1 and v2 alike."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from engine.errors import Conflict, InvalidRequest, Unsupported

PAYLOAD = "payload"  # the cgroup below a container's own that its processes are in, see Cgroup.create
_LEAVING_SECONDS = 2.0  # a dying process counts until its last thread is through exit
_MAKING_ATTEMPTS = 5
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)


def make(folder: str, top: str) -> ExitStack:
    """Make a cgroup and what is missing above it, below the mounted `top`; a leftover without processes is replaced.

    Returns:
        A stack that removes what was made when it is left.

    Raises:
        Conflict: the cgroup exists and has processes.
        Unsupported: no privilege, or control groups are mounted read-only.
    """
    for attempt in range(_MAKING_ATTEMPTS):
        try:
            return _make(folder, top)
        except FileNotFoundError as error:  # the parent was removed at this moment, as empty ones are
            if attempt == _MAKING_ATTEMPTS - 1:
                raise _explained(error, folder) from error
        except OSError as error:
            raise _explained(error, folder) from error
    raise AssertionError("unreachable")


def _make(folder: str, top: str) -> ExitStack:
    with ExitStack() as undo:
        for parent in _missing_parents(folder, top):
            if _mkdir(parent):
                undo.callback(remove_if_empty, parent)  # unless it is somebody else's parent, too, by then
        if not _mkdir(folder):
            _replace(folder)
        undo.callback(remove_if_empty, folder)
        return undo.pop_all()


def remove(folders: Iterable[str]) -> bool:
    """Remove cgroups and all below them, children first; waits a moment for processes on their way out.

    Returns:
        Whether all are gone; False when processes remain.
    """
    deadline = time.monotonic() + _LEAVING_SECONDS
    pause = 0.0005
    while remaining := [folder for folder in folders if not _try_remove(folder)]:
        if time.monotonic() > deadline:
            return False
        folders = remaining
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return True


def remove_if_empty(folder: str) -> bool:
    """Remove a cgroup that has neither children nor processes; whether it is gone."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:  # EBUSY
        return False
    return True


def children(folder: str) -> list[str]:
    """Names of the cgroups directly below; none where the folder isn't there."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def processes(folder: str) -> list[int]:
    """Pids in a cgroup and all below it, as this pid namespace sees them."""
    return [pid for path in _walk(folder) for pid in _pids(path)]


def read(path: str) -> str:
    """A small file's content without surrounding white space; empty when it is gone."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:  # ENOENT, or ENODEV while it goes
        return ""


def write(path: str, value: str) -> None:
    """Write a value with one write(2), which is what control group files expect.

    Raises:
        OSError: the kernel's answer to the value.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def write_limit(path: str, value: str) -> None:
    """Write a limit.

    Raises:
        Unsupported: the kernel doesn't have the file, or we may not write it.
        InvalidRequest: the kernel refuses the value.
    """
    try:
        write(path, value)
    except FileNotFoundError as error:
        raise Unsupported(f"this kernel has no {os.path.basename(path)}", "run without that limit") from error
    except OSError as error:
        if error.errno in _NO_ACCESS:
            raise _explained(error, path) from error
        raise InvalidRequest(
            f"the kernel refuses {value!r} for {os.path.basename(path)} ({error.strerror})", "choose another limit"
        ) from error


def value_of(text: str, key: str) -> int | None:
    """The number after a key in a file of lines ``key number``; None without such a line."""
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        if name == key:
            return int(number)
    return None


def _missing_parents(folder: str, top: str) -> list[str]:
    missing: list[str] = []
    parent = os.path.dirname(folder)
    while len(parent) > len(top) and not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    return missing[::-1]


def _mkdir(folder: str) -> bool:
    try:
        os.mkdir(folder, 0o755)
    except FileExistsError:
        return False
    return True


def _replace(folder: str) -> None:
    if processes(folder):
        raise Conflict(f"the cgroup {folder} is in use", "stop the processes in it or choose another name")
    remove([folder])
    os.mkdir(folder, 0o755)


def _explained(error: OSError, path: str) -> Unsupported:
    if error.errno in _NO_ACCESS:
        return Unsupported(f"control groups can't be changed here ({error.strerror}: {path})", "root is needed")
    return Unsupported(f"the cgroup {path} can't be made ({error.strerror})", "look at what is mounted there")


def _try_remove(folder: str) -> bool:
    if remove_if_empty(folder):
        return True
    gone = [_try_remove(f"{folder}/{name}") for name in children(folder)]
    return bool(gone) and all(gone) and remove_if_empty(folder)


def _walk(folder: str) -> Iterator[str]:
    yield folder
    for name in children(folder):
        yield from _walk(f"{folder}/{name}")


def _pids(folder: str) -> list[int]:
    return [int(pid) for pid in read(f"{folder}/cgroup.procs").split()]
