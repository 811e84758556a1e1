"""Addresses that a program gives its text (OSC 8), as far as they may be followed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST = 2_000
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)


def followable(address: str | None) -> str:
    """The address, if it is of the web and all of it can be read; empty for any other.

    Files and programs of this machine (``file:``, ``ssh:`` …) are nothing that a container should lead to.
    """
    if not address or len(address) > LONGEST or _ADDRESS.fullmatch(address) is None:
        return ""
    return address if host_of(address) else ""


def host_of(address: str) -> str:
    """The machine that an address leads to, whatever it begins with: of ``https://a.example@b.example`` the second."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # brackets that aren't an IPv6 address
        return ""
