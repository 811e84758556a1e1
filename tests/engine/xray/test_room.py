"""What a process that becomes another program leaves behind for whoever has forked it."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from engine.linux import trace
from engine.xray import parts


def test_what_it_hands_over_is_awaited_until_it_executes() -> None:
    room = parts.Room()
    trace.calls.set([])
    if (pid := os.fork()) == 0:
        room.begin("init")
        trace.call(os.getppid)
        trace.hand_over()  # before it waits for others
        for path in ("/nowhere/true", "/bin/true"):
            time.sleep(0.2)
            trace.note(trace.now(), "execve", (path, ("true",), 0), trace.PENDING)
            trace.hand_over()
            with suppress(FileNotFoundError):
                os.execv(path, ("true",))
        os._exit(1)
    trace.calls.set(None)
    found = [part for part in parts.decode(room.await_content(pid)) if isinstance(part, parts.Part)]
    os.waitpid(pid, 0)
    room.close()
    assert [call[2] for part in found for call in part.calls] == ["getppid", "execve", "execve"]
