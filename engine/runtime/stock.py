"""What is in stock before anybody asks: an init that has been cloned into new namespaces and waits to be told what for.

Cloning is a third of what a start costs, and the namespaces that are wanted next are nearly always those of the
latest start. An init in stock gets by messages what another inherits. On cgroup v2 there is none: a process is born in
its cgroup there (CLONE_INTO_CGROUP), since moving it later waits for a lock of the whole machine.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from engine.cgroups import layout
from engine.linux import clone
from engine.runtime import init, protocol
from engine.runtime.circumstances import Circumstances
from engine.runtime.news import Forecast
from engine.xray.parts import Room


class Stocked(NamedTuple):
    """An init in stock.

    Attributes:
        flags: CLONE_NEW flags that it was cloned with.
        sync: socket to it.
        room: where it leaves what it has asked of the kernel.
    """

    child: clone.Child
    flags: int
    sync: socket.socket
    room: Room


def prepare(forecast: Forecast) -> Stocked | None:
    """Clone an init that waits, as a child of our parent; None where that can't be."""
    if layout.detect().version == "v2":
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    room = Room()
    try:
        child = clone.clone(forecast.flags | clone.CLONE_PARENT)
    except OSError:  # whoever starts the container will hear why
        ours.close()
        theirs.close()
        return None
    if child.pid == 0:
        ours.close()
        room.begin("init")
        room.warm()
        init.await_order(theirs, forecast.flags, forecast.init_pages or b"", forecast.file_systems)
    theirs.close()
    return Stocked(child, forecast.flags, ours, room)


def discard(stocked: Stocked) -> None:
    """End an init that nobody needs."""
    stocked.sync.close()
    clone.end(stocked.child)


def show(stocked: Stocked, config: bytes) -> Stocked | None:
    """Let an init in stock read a ``config.json`` that it may be for, while its maker does so, too.

    Returns:
        None when it has died, or the text is longer than a message may be; it is gone then.
    """
    try:
        stocked.sync.send(config, socket.MSG_NOSIGNAL)
    except OSError:
        discard(stocked)
        return None
    return stocked


def order(stocked: Stocked, around: Circumstances) -> bool:
    """Tell an init in stock what it is for; False when it has died."""
    message = protocol.Order(
        container_id=around.container_id,
        bundle=around.bundle,
        cgroup=around.cgroup.path,
        below_limits=around.cgroup.is_below_limits,
    )
    try:
        socket.send_fds(stocked.sync, [protocol.encode(message)], list(around.stdio or ()), socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True
