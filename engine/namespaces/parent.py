"""The process that stays behind while its child is in other namespaces: it passes signals on, and ends as that does."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NoReturn

from engine.linux import prctl

_PASSED_ON = frozenset({
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
    signal.SIGCONT, signal.SIGWINCH,
})  # fmt: skip
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM)
_WATCHED = _PASSED_ON | {signal.SIGCHLD}


def hold_signals() -> None:
    """Keep signals waiting from now on; call it before the child is made, so that none is lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)


def follow(child: int, in_our_session: bool = True) -> NoReturn:
    """Wait for a child to end and end likewise; it gets the signals that somebody sends to us.

    What the terminal sends, it sends to a child in our session as well. When the child stops (ctrl-z), so do we, and
    go on with it.
    """
    had_terminal = _has_terminal()
    killed_for = 0
    while True:
        found = signal.sigwaitinfo(_WATCHED)
        if found.si_signo != signal.SIGCHLD:
            it_has_it = in_our_session and found.si_code > 0  # from the terminal: SI_KERNEL (sigaction(2))
            killed_for = _pass_on(child, found.si_signo, it_has_it) or killed_for
            continue
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            _stop_with(child)
        elif pid:
            if had_terminal:
                _take_terminal()
            end_like(killed_for if killed_for and os.WIFSIGNALED(status) else status)


def _pass_on(child: int, number: int, it_has_it: bool) -> int:
    """Send a child a signal, unless it has it already.

    A pid namespace's first process gets only those that it handles (pid_namespaces(7)). One that would have ended any
    other process kills it.

    Returns:
        The signal that it was killed for; 0 when it wasn't.
    """
    with suppress(ProcessLookupError):
        if number in _ENDING and _is_first(child) and not _handles_or_ignores(child, number):
            os.kill(child, signal.SIGKILL)
            return number
        if not it_has_it:
            os.kill(child, number)
    return 0


def _stop_with(child: int) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    with suppress(ProcessLookupError):  # somebody has continued us
        os.kill(child, signal.SIGCONT)


def end_like(status: int) -> NoReturn:
    """End with the exit status, or by the signal, of a status of waitpid(2)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        prctl.set_dumpable(False)  # one core dump is enough
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.waitstatus_to_exitcode(status))


def _status_fields(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}


def _is_first(pid: int) -> bool:
    with suppress(OSError, KeyError):
        return _status_fields(pid)["NSpid"].split()[-1] == "1"
    return False


def _handles_or_ignores(pid: int, number: int) -> bool:
    with suppress(OSError, KeyError):
        fields = _status_fields(pid)
        return bool((int(fields["SigCgt"], 16) | int(fields["SigIgn"], 16)) >> (number - 1) & 1)
    return True


def _has_terminal() -> bool:
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False


def _take_terminal() -> None:
    """A shell with job control has made itself the foreground, and can't give that back from a pid namespace."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    with suppress(OSError):
        os.tcsetpgrp(0, os.getpgrp())
