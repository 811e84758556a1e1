"""Standard streams that whoever started us has closed (``boxdeck ps >&-``)."""

from __future__ import annotations

import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def replace_closed() -> None:
    """Give closed ones /dev/null: Python has None in their place, and the next file that is opened their number.

    Call it before anything else is opened.
    """
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)  # children are as badly off
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
