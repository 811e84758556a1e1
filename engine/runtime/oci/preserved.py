"""Descriptors that a process inherits beside its standard streams: ``--preserve-fds``, and sd_listen_fds(3)."""

from __future__ import annotations

import os

from msgspec import structs

from engine.errors import InvalidRequest
from engine.oci.runtime_spec import Spec


def count(wanted: int) -> int:
    """How many from 3 on.

    Raises:
        InvalidRequest: one of them isn't open.
    """
    total = wanted + _sockets()
    for number in range(3, 3 + total):
        try:
            os.fstat(number)
        except OSError as error:
            raise InvalidRequest(
                f"descriptor {number}, which is to be preserved, isn't open", "open it, or preserve fewer"
            ) from error
    return total


def with_sockets(spec: Spec) -> Spec:
    """The spec, with what tells the process of sockets that were passed to us in the way of systemd."""
    if not _sockets() or spec.process is None:
        return spec
    env = (*spec.process.env, f"LISTEN_FDS={_sockets()}", "LISTEN_PID=1")
    return structs.replace(spec, process=structs.replace(spec.process, env=env))


def _sockets() -> int:
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return 0
    text = os.environ.get("LISTEN_FDS", "")
    return int(text) if text.isdecimal() else 0
