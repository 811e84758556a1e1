"""Limits written to their files in whatever order the kernel takes them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Sequence

from engine.cgroups import folders, undoing
from engine.cgroups.limits import Write
from engine.errors import BoxdeckError
from engine.linux import trace

PathOf = Callable[[str, str], str]  # from a controller and the name of its file

_NOT_YET = (errno.EINVAL, errno.EBUSY)  # what a value gets that clashes with another one, which may be about to change


def write_all(writes: Iterable[Write], path_of: PathOf) -> None:
    """Write limits; one that is refused is tried once more when the others are in force.

    So memory can be raised above the present limit of memory and swap, and a quota lowered below the present burst.

    Args:
        path_of: the path of a controller's file.

    Raises:
        Unsupported: the kernel doesn't have a file, or we may not write it.
        InvalidRequest: the kernel refuses a value.
    """
    again: list[Write] = []
    for write in writes:
        error = _attempt(write, path_of)
        if error is not None and error.errno in _NOT_YET:
            again.append(write)
        elif error is not None:
            raise _refusal(error, write, path_of) from error
    for write in again:
        error = _attempt(write, path_of)
        if error is not None:
            raise _refusal(error, write, path_of) from error


def undo_of(writes: Iterable[Write], path_of: PathOf) -> list[Write]:
    """Writes that put back what is in force now; see `put_back`."""
    found: dict[tuple[str, str], Write] = {}
    for write in writes:
        for file in (_existing(write, path_of), *undoing.companions(write)):
            path = path_of(file.controller, file.file)
            content = folders.read(path)
            if file.controller == "cpuset" and not content:  # which can't be had again while there are processes
                inherited = folders.read(f"{path}.effective")
                found[file.file, inherited] = Write(file.controller, file.file, inherited)
            if (value := undoing.value_before(file, content)) is not None:
                found.setdefault((file.file, value), Write(file.controller, file.file, value))
    return list(found.values())


def put_back(undo: Sequence[Write], write_one: Callable[[Write], None]) -> None:
    """Write what was in force, as far as the kernel still takes it; some have to wait for others, as in `write_all`."""
    for _ in range(3):
        for write in undo:
            with contextlib.suppress(OSError, BoxdeckError):
                write_one(write)


def _existing(write: Write, path_of: PathOf) -> Write:
    """The write itself, or what takes its place in this kernel."""
    if write.otherwise is None or os.path.exists(path_of(write.controller, write.file)):
        return write
    return write.otherwise


def write_lines(path: str, lines: Sequence[str]) -> None:
    """Several values one after the other through one descriptor, for files that take one a write.

    Raises:
        BoxdeckError: as `write_all`.
    """
    line = ""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for line in lines:
                trace.call(os.write, descriptor, line.encode(), path=path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise folders.refusal(error, path, line) from error


def _attempt(write: Write, path_of: PathOf) -> OSError | None:
    """The kernel's answer, if it isn't yes."""
    try:
        folders.write(path_of(write.controller, write.file), write.value)
    except FileNotFoundError as error:
        if write.otherwise is not None:
            return _attempt(write.otherwise, path_of)
        return None if write.is_optional else error
    except OSError as error:
        return error
    return None


def _refusal(error: OSError, write: Write, path_of: PathOf) -> BoxdeckError:
    return folders.refusal(error, path_of(write.controller, write.file), write.value)
