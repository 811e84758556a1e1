"""Signal dispositions by sigaction(2) itself: what a process does between fork and execve needs no Python handlers."""

from __future__ import annotations

from engine.linux import libc

_DEFAULT = bytes(256)  # a struct sigaction with SIG_DFL, no flags and an empty mask is all zeros, and shorter


def restore(*numbers: int) -> None:
    """Give signals their default action, whatever Python or a parent did to them.

    Raises:
        OSError: EINVAL for SIGKILL, SIGSTOP and what is no signal.
    """
    for number in numbers:
        libc.call("sigaction", number, _DEFAULT, None)
