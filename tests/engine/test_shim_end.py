"""Whoever isn't a shim, and isn't its child, is never killed in its place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from engine.linux import prctl
from engine.runtime import maker
from engine.shim_end import is_called_shim, kill_shim


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child, as init has."""
    process = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"], start_new_session=True)
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_who_isn_t_called_a_shim_is_let_alone_with_his_children(stranger: subprocess.Popen[bytes]) -> None:
    kill_shim(stranger.pid, lambda: True)
    time.sleep(0.1)
    assert stranger.poll() is None


def test_a_shim_is_killed() -> None:
    child = os.fork()
    if child == 0:
        prctl.set_name("boxdeck-shim")
        signal.pause()
    while not is_called_shim(child):
        time.sleep(0.01)
    kill_shim(child, lambda: True)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_a_maker_whose_shim_was_killed_before_it_began_makes_nothing() -> None:
    """It would write into the container's status that its shim is whoever has adopted it."""
    ours, requests = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    _, shim = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        maker.main(requests, -1, shim, None, in_advance=False, launcher=1, parent=os.getpid())
    requests.close()
    ours.settimeout(5)
    assert ours.recv(1) == b""
    assert os.waitpid(child, 0)[1] == 0
