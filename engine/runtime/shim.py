"""The shim: one small process per container that keeps its streams and tells how it ended.

It outlives launcher and engine. Its maker (`engine.runtime.maker`), a child that lives for a moment, makes the
container, and `engine.runtime.keeper` keeps it. What the shim knows is in one status file; what it can do is asked for
on its socket. When it ends nothing of the container is left but the status file.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import NoReturn

from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import clone, memory, prctl, signals, trace
from engine.runtime import maker, protocol
from engine.runtime.keeper import Keeper
from engine.runtime.news import Forecast

_SIGCHLD = int(signal.SIGCHLD)


def main(requests: socket.socket, pipe: int, forecast: Forecast | None, in_advance: bool) -> NoReturn:
    """Never returns. Called in a fresh fork of the launcher: a spare, until its maker has a request.

    Args:
        requests: where `Launch` requests come from, each with a socket to report the start on.
        pipe: what the launcher is told over (`engine.runtime.news`).
        forecast: what the start will probably be like; None before the first one.
        in_advance: whether there is time to prepare for that, since no request waits.
    """
    try:
        launcher, itself = os.getppid(), os.getpid()
        _detach()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        making = clone.clone(0)
        if making.pid == 0:
            ours.close()
            maker.main(requests, pipe, theirs, forecast, in_advance, launcher, itself)
        trace.calls.set(None)  # what the shim does later is no part of the start
        os.close(making.pidfd)
        theirs.close()
        requests.close()
        os.close(pipe)
        if forecast is not None and in_advance:
            memory.take_copies(forecast.shim_pages)
        frame, descriptors = protocol.receive_frame(ours, 2)
        if frame and descriptors:
            report, *holds = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            _serve(frame, report, ours, making.pid, holds)
    finally:
        os._exit(0)


def _detach() -> None:
    os.setsid()
    prctl.set_name("boxdeck-shim")
    prctl.set_child_subreaper()
    signals.restore(_SIGCHLD)


def _serve(
    frame: memoryview, report: socket.socket, making: socket.socket, maker_pid: int, holds: list[socket.socket]
) -> None:
    try:
        launch = protocol.decode(frame)
        if isinstance(launch, protocol.Launch):
            Keeper(launch, report, making, maker_pid, holds).run()
    except BoxdeckError as error:
        protocol.send(report, protocol.Failed.of(error))
    except BaseException as error:
        failure = RuntimeFailure(f"the shim failed ({type(error).__name__}: {error})", "please report this")
        protocol.send(report, protocol.Failed.of(failure))
