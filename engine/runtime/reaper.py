"""A first process for containers whose program isn't made to be one: it reaps orphans and passes signals on.

A program that is pid 1 gets every orphan of its pid namespace as its child, and the kernel keeps from it the signals
that it has no handler for (pid_namespaces(7)). Behind this process it is like any other.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import NoReturn

from engine.linux import command_line, descriptors, prctl

_KILLED = 128  # and the signal's number: the exit status of a shell whose command was killed
# Raised by the process's own mistakes, so not for others; and what a terminal sends to those in its background.
_OWN = (
    signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS,
    signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip
_WAITED_FOR = signal.valid_signals() - {*_OWN, signal.SIGKILL, signal.SIGSTOP}


def run(process_execute: Callable[[], NoReturn]) -> NoReturn:
    """Fork the program, look after all children, and end with its status.

    Args:
        process_execute: executes the program, in the child, with signals as they are by default. What goes wrong in
            it is its own to report.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)  # before the fork: a signal that comes now isn't lost
    prctl.set_dumpable(False)
    if os.getpid() != 1:
        prctl.set_child_subreaper()
    program = os.fork()
    if program == 0:
        _take_the_terminal()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        process_execute()
    prctl.set_name("boxdeck-init")
    command_line.replace("boxdeck-init")  # a launcher's tells where this machine has us
    descriptors.close_all_but({0, 1, 2})  # a socket of ours that stayed open would hide that the program runs
    os._exit(_look_after(program))


def _take_the_terminal() -> None:
    """In a process group of its own the program gets each signal once: from the terminal or from us."""
    os.setpgid(0, 0)
    if os.isatty(0):
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # what the terminal says to those who reach for it
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _look_after(program: int) -> int:
    while True:
        number = signal.sigwaitinfo(_WAITED_FOR).si_signo
        if number != signal.SIGCHLD:
            _pass_on(program, number)
        elif (status := _reap(program)) is not None:
            return status


def _pass_on(program: int, number: int) -> None:
    try:
        os.kill(program, number)
    except ProcessLookupError:
        return  # it has just ended: SIGCHLD comes next


def _reap(program: int) -> int | None:
    """Take all children that have ended; the program's status if it is one of them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else _KILLED - code
