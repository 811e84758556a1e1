"""Control groups as what they are: folders with files. Made, written, listed and removed, on v1 and v2 alike."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator

from engine.errors import Conflict, InvalidRequest, Unsupported
from engine.linux import trace

PAYLOAD = "payload"  # the cgroup below a container's own that its processes are in, see Cgroup.create
_LEAVING_SECONDS = 2.0  # a dying process counts until its last thread is through exit
_READ_BYTES = 65_536
_MAKING_ATTEMPTS = 5
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)


def make(folder: str, top: str, made: list[str]) -> None:
    """Make a cgroup and what is missing above it, below the mounted `top`; a leftover without processes is replaced.

    Args:
        made: gets the folders that were made, in their order.

    Raises:
        Conflict: the cgroup exists and has processes.
        Unsupported: no privilege, or control groups are mounted read-only.
    """
    for attempt in range(_MAKING_ATTEMPTS):
        try:
            trace.call(os.mkdir, folder, 0o755)
            made.append(folder)
            return
        except FileExistsError:
            _replace(folder)
            made.append(folder)
            return
        except FileNotFoundError as error:  # so is the parent's, perhaps at this moment, as empty ones are removed
            if attempt == _MAKING_ATTEMPTS - 1 or len(os.path.dirname(folder)) <= len(top):
                raise _explained(error, folder) from error
            _make_parents(os.path.dirname(folder), top, made)
        except OSError as error:
            raise _explained(error, folder) from error


def undo(made: list[str]) -> None:
    """Remove what `make` has made, unless it is somebody else's parent, too, by now."""
    for folder in reversed(made):
        remove_if_empty(folder)


def remove_quickly(folder: str) -> bool:
    """Remove a cgroup of ours and the one for its processes below it; False where there is more to do."""
    try:
        trace.call(os.rmdir, folder)
        return True
    except FileNotFoundError:
        return True
    except OSError:  # EBUSY
        return remove_if_empty(f"{folder}/{PAYLOAD}") and remove_if_empty(folder)


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
        trace.call(os.rmdir, folder)
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
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = b""
            while part := os.read(descriptor, _READ_BYTES):
                content += part
        finally:
            os.close(descriptor)
    except OSError:  # ENOENT, or ENODEV while it goes
        return ""
    return content.decode("ascii").strip()


def write(path: str, value: str) -> None:
    """Write a value with one write(2), which is what control group files expect.

    Raises:
        OSError: the kernel's answer to the value.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        trace.call(os.write, descriptor, value.encode(), path=path)
    finally:
        os.close(descriptor)


def refusal(error: OSError, path: str, value: str) -> Unsupported | InvalidRequest:
    """What to say when a limit can't be written: the kernel hasn't the file, we may not, or the value is refused."""
    file = os.path.basename(path)
    if isinstance(error, FileNotFoundError):
        return Unsupported(f"this kernel has no {file}", "run without that limit")
    if error.errno in _NO_ACCESS and not file.startswith("cpuset."):  # EACCES there: not among the parent's
        return _explained(error, path)
    if error.errno == errno.EBUSY and file.startswith("memory."):
        cause = f"more than {value} bytes are in use, and the kernel can't free enough of them for {file}"
        return InvalidRequest(cause, "end something in the container first, or set a higher limit")
    if error.errno == errno.EOPNOTSUPP and ".bfq." in file:
        disk = value.partition(" ")[0]
        cause = f"a weight works where bfq schedules a disk, and {disk} has another scheduler"
        return InvalidRequest(cause, f"echo bfq > /sys/dev/block/{disk}/queue/scheduler, or limit its rate instead")
    return InvalidRequest(f"the kernel refuses {value!r} for {file} ({error.strerror})", "choose another limit")


def value_of(text: str, key: str) -> int | None:
    """The number after a key in a file of lines ``key number``; None without such a line."""
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        if name == key:
            return int(number)
    return None


def _make_parents(folder: str, top: str, made: list[str]) -> None:
    missing: list[str] = []
    while len(folder) > len(top) and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for parent in reversed(missing):
        try:
            trace.call(os.mkdir, parent, 0o755)
            made.append(parent)
        except FileExistsError:
            continue
        except FileNotFoundError:  # what is above it was removed meanwhile: from the start
            return


def _replace(folder: str) -> None:
    if processes(folder):
        raise Conflict(f"the cgroup {folder} is in use", "stop the processes in it or choose another name")
    remove([folder])
    trace.call(os.mkdir, folder, 0o755)


def _explained(error: OSError, path: str) -> Unsupported:
    if error.errno in _NO_ACCESS:
        return Unsupported(f"control groups can't be changed here ({error.strerror}: {path})", "root is needed")
    return Unsupported(f"the cgroup {path} can't be made ({error.strerror})", "look at what is mounted there")


def _try_remove(folder: str) -> bool:
    if remove_quickly(folder):
        return True
    gone = [_try_remove(f"{folder}/{name}") for name in children(folder)]
    return bool(gone) and all(gone) and remove_if_empty(folder)


def _walk(folder: str) -> Iterator[str]:
    yield folder
    for name in children(folder):
        yield from _walk(f"{folder}/{name}")


def _pids(folder: str) -> list[int]:
    return [int(pid) for pid in read(f"{folder}/cgroup.procs").split()]
