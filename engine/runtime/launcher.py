"""The launcher: a single-threaded fork server, so that a container's start is a fork and no interpreter's start-up.

The engine, multi-threaded and full of modules, starts one launcher and asks it for shims. It ends when the
engine's socket closes. It isn't dumpable and runs from a sealed copy of the interpreter, so that nothing in a
container can trace it, read its memory or write to its executable (CVE-2019-5736).
"""

from __future__ import annotations

import gc
import os
import signal
import socket

from engine.errors import BoxdeckError
from engine.linux import prctl
from engine.runtime import protocol, shim


def main(descriptor: int) -> None:
    """Serve `Launch` requests on a SOCK_SEQPACKET socket until it closes."""
    prctl.set_dumpable(False)
    prctl.set_name("boxdeck-launch")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims are nobody's zombies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the front end
    os.umask(0o022)
    gc.disable()
    gc.freeze()  # what is here now is shared by all shims for ever
    requests = socket.socket(fileno=descriptor)
    requests.set_inheritable(False)
    while True:
        frame, descriptors, _, _ = socket.recv_fds(requests, protocol.FRAME_SIZE, 1, socket.MSG_CMSG_CLOEXEC)
        if not frame:
            return
        if descriptors:
            _launch(frame, requests, socket.socket(fileno=descriptors[0]))


def _launch(frame: bytes, requests: socket.socket, report: socket.socket) -> None:
    with report:
        try:
            message = protocol.decode(frame)
        except BoxdeckError as error:
            return protocol.send(report, protocol.Failed.of(error))
        if isinstance(message, protocol.Launch) and os.fork() == 0:
            requests.close()
            gc.enable()
            shim.main(message, report)
    return None
