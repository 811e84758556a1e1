"""Namespaces of other containers that a container joins: known by their processes only while those run."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from engine import descriptors
from engine.compile.namespaces import resolved, targets
from engine.errors import Conflict, NotFound
from engine.model import Container
from engine.oci.runtime_spec import Spec, decode, encode
from engine.paths import Paths
from engine.records import Records
from engine.runtime import status

_KEPT = 32  # files of containers that somebody executes in again and again
_COARSE_NS = 50_000_000  # a file's time stands still for a clock tick, 10 ms at most: what is as new may change yet


def template(paths: Paths, container_id: str) -> Path:
    """The container's ``config.json`` with stand-ins for what is known at its start only; or just ``config.json``."""
    with_stand_ins = paths.bundle(container_id) / "template.json"
    return with_stand_ins if with_stand_ins.exists() else paths.bundle(container_id) / "config.json"


def spec(paths: Paths, container_id: str) -> Spec:
    """What `template` says.

    Raises:
        OSError, BoxdeckError, msgspec.MsgspecError: it can't be read.
    """
    path = str(template(paths, container_id))
    found = os.stat(path)
    file = _File(path, found.st_ino, found.st_mtime_ns)
    return _read(file) if time.time_ns() - file.modified_ns > _COARSE_NS else _read.__wrapped__(file)


class _File(NamedTuple):
    path: str
    inode: int
    modified_ns: int


@functools.lru_cache(maxsize=_KEPT)
def _read(file: _File) -> Spec:
    with open(file.path, "rb", buffering=0) as opened:
        return decode(opened.read())


def write(paths: Paths, container: Container, spec: Spec) -> None:
    """Write the ``config.json`` of a new container, and keep it as a template if others are to be joined."""
    names = ("config.json", "template.json") if targets(container.request) else ("config.json",)
    for name in names:
        (paths.bundle(container.id) / name).write_bytes(encode(spec))


@contextmanager
def joined(paths: Paths, records: Records, container: Container) -> Iterator[tuple[int, ...]]:
    """Let ``config.json`` name the processes whose namespaces are joined, while the container starts.

    Returns:
        Pidfds of those processes, for `require_alive` once the container has been started.

    Raises:
        Conflict: another container doesn't run.
        NotFound: it was removed.
    """
    others = [records.get(other) for other in set(targets(container.request).values())]
    if not others:
        yield ()
        return
    with ExitStack() as held:
        pids = {}
        pidfds = []
        for other in others:
            if other is None:
                raise NotFound("a container whose namespaces are to be joined has been removed", "create this one anew")
            pids[other.id], pidfd = _process(paths, other)
            held.callback(os.close, pidfd)
            pidfds.append(pidfd)
        before = spec(paths, container.id)
        (paths.bundle(container.id) / "config.json").write_bytes(encode(with_paths(before, pids)))
        yield tuple(pidfds)


def _process(paths: Paths, other: Container) -> tuple[int, int]:
    """The pid of a running container's first process, and a pidfd that is that process's for certain."""
    found = status.read(paths.status(other.id))
    if found is None or found.pid is None or found.is_final:
        raise _not_running(other)
    try:
        pidfd = os.pidfd_open(found.pid)
    except ProcessLookupError as error:
        raise _not_running(other) from error
    again = status.read(paths.status(other.id))
    if again != found or not status.shim_is_alive(found):  # the pid may have become somebody else's
        os.close(pidfd)
        raise _not_running(other)
    return found.pid, pidfd


def _not_running(other: Container) -> Conflict:
    return Conflict(
        f"{other.name}, whose namespaces are to be joined, is not running", f"start it with: boxdeck start {other.name}"
    )


def require_alive(pidfds: tuple[int, ...]) -> None:
    """As long as a process lives nobody else gets its pid, so that what was opened by pid was its own.

    Raises:
        Conflict: one has ended.
    """
    if descriptors.readable(pidfds, 0):
        raise Conflict("a container whose namespaces are to be joined has just ended", "start it again, then this one")


def with_paths(spec: Spec, pids: dict[str, int]) -> Spec:
    """A spec whose stand-ins for other containers are paths below their processes' folders in /proc."""
    assert spec.linux is not None
    namespaces = tuple(replace(n, path=resolved(n.path, pids)) for n in spec.linux.namespaces)
    mounts = tuple(replace(m, source=resolved(m.source, pids)) for m in spec.mounts)
    return replace(spec, linux=replace(spec.linux, namespaces=namespaces), mounts=mounts)
