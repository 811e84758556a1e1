"""The kernel's log, record by record."""

from __future__ import annotations

import os
from collections.abc import Iterator

_RECORD_BYTES = 8192  # longer than any (kernel/printk/internal.h, PRINTK_MESSAGE_MAX, plus the dictionary)


def records() -> Iterator[bytes]:
    r"""Every record that is still there, oldest first (Documentation/ABI/testing/dev-kmsg); none for those who may not.

    The kernel writes bytes that can't be shown as ``\xNN``, so that a process can't forge a record by its name.
    """
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # EPERM: kernel.dmesg_restrict; ENOENT
        return
    try:
        while True:
            try:
                yield os.read(descriptor, _RECORD_BYTES)
            except BrokenPipeError:  # the next one has been overwritten
                continue
    except OSError:  # EAGAIN: that was the last one
        return
    finally:
        os.close(descriptor)
