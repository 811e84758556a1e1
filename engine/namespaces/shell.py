"""Commands in fresh or in other people's namespaces, from the engine's side: who is meant, and what to start."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from engine.errors import Conflict, InvalidRequest, NotFound
from engine.linux import memfd
from engine.model import Container, NamespaceRun, NamespaceVisit
from engine.namespaces.order import RunOrder, VisitOrder
from engine.namespaces.start import Program

Find = Callable[[str], Awaitable[Container]]

_OFFSET_LIMIT_SECONDS = 2**62 // 10**9  # far enough from where the kernel's nanoseconds overflow


def run_program(request: NamespaceRun) -> Program:
    """The program that runs a command in fresh namespaces.

    Raises:
        InvalidRequest: the request contradicts itself.
    """
    check_run(request)
    return Program(RunOrder(request=replace(request, argv=())), request.argv)


def check_run(request: NamespaceRun) -> None:
    """Refuse what no kernel could do.

    Raises:
        InvalidRequest: with what contradicts what.
    """
    kinds = request.kinds
    if not kinds:
        raise InvalidRequest("no namespace was chosen", "name some, such as --pid --mount --net, or --all")
    needs = (
        ("user", bool(request.id_map)),
        ("uts", request.hostname is not None),
        ("time", request.boot_offset_seconds),
    )
    for kind, wanted in needs:
        if wanted and kind not in kinds:
            raise InvalidRequest(f"this needs a new {kind} namespace", f"add --{kind}")
    if request.by == "clone" and "time" in kinds:
        raise InvalidRequest("clone can't make a time namespace with clocks that can be set", "use --by unshare")
    if abs(request.boot_offset_seconds) > _OFFSET_LIMIT_SECONDS:
        raise InvalidRequest(f"{request.boot_offset_seconds} seconds are too far away", "choose fewer")
    if request.hostname is not None and not 0 < len(os.fsencode(request.hostname)) <= 64:
        raise InvalidRequest(f"{request.hostname!r} can't be a host name", "use 1 to 64 characters")


async def visit_program(request: NamespaceVisit, find: Find | None) -> Program:
    """The program that runs a command in the target's namespaces.

    Args:
        find: looks up a container; None where there is no engine to ask.

    Raises:
        NotFound: there is neither a process nor a container of that name.
        Conflict: the container doesn't run.
    """
    pid, pidfd = await _target(request.target, find)
    try:
        executable = memfd.sealed_copy(os.path.realpath(sys.executable), "boxdeck-visit")
    except BaseException:
        os.close(pidfd)
        raise
    order = VisitOrder(request=replace(request, argv=()), pid=pid, pidfd=pidfd)
    return Program(order, request.argv, f"/proc/self/fd/{executable}", (pidfd, executable))


async def _target(target: str, find: Find | None) -> tuple[int, int]:
    """Pid and pidfd of who is meant."""
    if target.isdecimal() and (pidfd := _pidfd(int(target))) is not None:
        return int(target), pidfd
    if find is None:
        raise NotFound(f"there is neither a process nor a container {target}", "see: boxdeck ns ls, boxdeck ps")
    container = await find(target)
    pidfd = _pidfd(container.pid) if container.pid is not None else None
    # The pid was taken again by nobody else if the container still has it after we hold the process.
    if pidfd is None or (await find(container.id)).pid != container.pid:
        raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start {container.name}")
    assert container.pid is not None
    return container.pid, pidfd


def _pidfd(pid: int) -> int | None:
    with suppress(OSError, OverflowError):
        return os.pidfd_open(pid)
    return None
