"""Hooks: programs to be run at points of a container's life (config.md, "POSIX-platform Hooks")."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from engine.errors import BoxdeckError, RuntimeFailure
from engine.linux import descriptors
from engine.oci.runtime_spec import Hook
from engine.runtime import letting_go

_NOT_EXECUTED = 127
_UMASK = 0o022  # init's own is 0, and what hooks write is not for everybody to change


def run(
    hooks: tuple[Hook, ...], state: bytes, when: str, folder: str = "", before: Callable[[], None] | None = None
) -> None:
    """Run hooks one after the other in the namespaces of the caller, each with the state on its standard input.

    Args:
        state: an encoded `engine.oci.state.State`.
        when: their name in the specification, for the error.
        folder: their working directory, the bundle as with other runtimes, if it can be entered from here.
        before: called in the process that becomes the hook, at the last moment.

    Raises:
        RuntimeFailure: one can't be executed, fails, or takes longer than it may; the others aren't run then.
    """
    for hook in hooks:
        reason = _run(hook, state, folder, before)
        if reason is not None:
            raise RuntimeFailure(f"the {when} hook {hook.path} {reason}", "see what it wrote, or take it out")


def _run(hook: Hook, state: bytes, folder: str, before: Callable[[], None] | None) -> str | None:
    """Why a hook failed; None when it didn't."""
    deadline = None if hook.timeout is None else time.monotonic() + hook.timeout
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _execute(hook, reading, folder, before)
    os.close(reading)
    os.set_blocking(writing, False)
    try:
        return _reason(_wait(pid, writing, state, deadline), hook)
    finally:
        os.close(writing)


def _execute(hook: Hook, standard_input: int, folder: str, before: Callable[[], None] | None) -> NoReturn:
    try:
        os.dup2(standard_input, 0)
        letting_go.restore_signals()
        descriptors.close_all_but({0, 1, 2})
        os.umask(_UMASK)
        if folder:
            with suppress(OSError):
                os.chdir(folder)
        if before is not None:
            before()
        environment = dict(entry.split("=", 1) for entry in hook.env if "=" in entry)
        os.execve(hook.path, list(hook.args) or [hook.path], environment)
    except OSError as error:
        os.write(2, f"{hook.path}: {error.strerror}\n".encode())
    except BoxdeckError as error:
        os.write(2, f"{hook.path}: {error}\n".encode())
    finally:
        os._exit(_NOT_EXECUTED)


def _wait(pid: int, writing: int, state: bytes, deadline: float | None) -> int | None:
    """Feed a hook its state until it ends; its wait status, or None when it had to be killed for the time it took."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(writing, select.POLLOUT)
    try:
        while True:
            patience = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            ready = dict(poll.poll(patience))
            if pidfd in ready:
                return os.waitpid(pid, 0)[1]
            if not ready:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None
            state = _feed(writing, state)
            if not state:
                poll.unregister(writing)
                os.dup2(pidfd, writing, inheritable=False)  # closes the pipe: the end of its standard input
    finally:
        os.close(pidfd)


def _feed(writing: int, state: bytes) -> bytes:
    """Write what the pipe takes; what is left, which is nothing when the hook doesn't want it."""
    try:
        return state[os.write(writing, state) :]
    except BlockingIOError:
        return state
    except BrokenPipeError:
        return b""


def _reason(status: int | None, hook: Hook) -> str | None:
    if status is None:
        return f"took longer than its {hook.timeout} s"
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    return f"ended with status {code}" if code > 0 else f"was ended by signal {-code}"
