"""A function in a process of its own: what it does to itself, for ever, does nothing to the tests."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.errors import BoxdeckError


class Outcome(NamedTuple):
    """How it ended: by returning `value`, by raising `error` (its sentence or errno), or by a signal."""

    value: Any = None
    error: str | int | None = None
    signal: int | None = None


def forked(function: Callable[[], Any], *, close: tuple[int, ...] = ()) -> Outcome:
    """Call it in a child."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        for descriptor in close:
            os.close(descriptor)
        try:
            os.write(writable, json.dumps(_outcome(function)).encode())
        finally:
            os._exit(0)
    os.close(writable)
    with open(readable, "rb") as file:
        text = file.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return Outcome(signal=os.WTERMSIG(status))
    return Outcome(*json.loads(text))


def _outcome(function: Callable[[], Any]) -> Outcome:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest-timeout's is the parent's
    signal.alarm(60)
    try:
        return Outcome(value=function())
    except BoxdeckError as error:
        return Outcome(error=str(error))
    except OSError as error:
        return Outcome(error=error.errno)
