"""The kernel's no to a network, as a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import Unsupported

_LACKING = (errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EINVAL, errno.ENOENT)


@contextmanager
def explained(what: str, modules: str = "") -> Iterator[None]:
    """Say what could not be done, why, and what to do.

    Args:
        modules: of the kernel, which are needed for it.

    Raises:
        Unsupported: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        lacks = modules and error.errno in _LACKING
        remedy = f"the kernel lacks a part, try modprobe -a {modules}, or run" if lacks else "run as root, or"
        raise Unsupported(
            f"{what} ({error.strerror or error})", f"{remedy} without a network (--network none)"
        ) from error
