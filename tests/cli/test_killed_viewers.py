"""Whoever watches a container is killed with SIGKILL; its terminal is as good as before for whoever comes next."""

from __future__ import annotations

import os
import signal

from tests.cli.test_terminal import PROMPT, Terminal, Typist, sit_at
from tests.command_line import CommandLine, eventually

__all__ = ["sit_at"]


def _kill(*viewers: Terminal) -> None:
    for viewer in viewers:
        os.kill(viewer.process.pid, signal.SIGKILL)
    assert [viewer.end() for viewer in viewers] == [-signal.SIGKILL] * len(viewers)


def test_a_terminal_outlives_its_viewers(boxdeck: CommandLine, sit_at: Typist) -> None:
    first = sit_at("run", "-it", "--name", "host", "base", "sh")
    first.expect(PROMPT)
    first.type(b"word=kept; echo seen-$((1+1))\r")
    first.expect(rb"seen-2")
    _kill(first)  # also its launcher's parent

    viewer, follower = sit_at("attach", "host"), sit_at("logs", "-f", "host")
    guest = sit_at("exec", "-it", "host", "sh")
    guest.expect(PROMPT)
    follower.expect(rb"seen-2")
    viewer.type(b"while :; do echo flood-$word; done\r")
    follower.expect(rb"flood-kept")
    viewer.expect(rb"flood-kept")  # and then reads no more, so that the container has to wait for it
    viewer.type(b"half a line")
    _kill(viewer, follower, guest)

    again = sit_at("attach", "host")
    again.expect(rb"flood-kept")
    again.type(b"\x03")
    again.expect(PROMPT)
    again.resize(30, 100)
    again.type(b"until [ \"$(stty size)\" = '30 100' ]; do :; done; echo $word-$((2+2))\r")
    again.expect(rb"kept-4\r\n")
    assert eventually(lambda: boxdeck.ok("exec", "host", "ps", "-eo", "comm=").split() == ["sh", "ps"])
    again.type(b"exit 9\r")
    assert again.end() == 9
    assert again.is_cooked()


def test_a_full_screen_program_draws_itself_for_the_next_viewer(sit_at: Typist) -> None:
    drawing = "trap 'exit 7' INT; trap 'echo drawn for $(stty size)' WINCH; echo ready; while :; do sleep 0.05; done"
    first = sit_at("run", "-it", "--rm", "--name", "screen", "base", "sh", "-c", drawing)
    first.expect(rb"ready")
    _kill(first)
    again = sit_at("attach", "screen")
    again.expect(rb"drawn for 24 80\r\n")
    again.type(b"\x03")
    assert again.end() == 7
