"""The machine as a router between its networks (ip-sysctl.rst): switched on where it is off, and left on.

These settings are the whole machine's, so that nothing is ever switched off here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine.network import switches

_IPV4 = Path("/proc/sys/net/ipv4/ip_forward")
_IPV6 = Path("/proc/sys/net/ipv6/conf")
_EVERYWHERE6 = _IPV6 / "all" / "forwarding"


def switch_on(ipv4: bool, ipv6: bool) -> None:
    """Have the families forwarded that a network has.

    Raises:
        OSError: EACCES or EROFS without the privilege.
    """
    if ipv4 and switches.is_on(_IPV4) is False:
        switches.write(_IPV4, "1")
    if ipv6 and switches.is_on(_EVERYWHERE6) is False:
        _keep_listening_to_routers()
        switches.write(_EVERYWHERE6, "1")


def has_ipv6() -> bool:
    """Whether the kernel has IPv6 in our network namespace."""
    return _IPV6.is_dir()


def _keep_listening_to_routers() -> None:
    """A router doesn't take its own addresses from others' advertisements (accept_ra 1), unless it is told to (2)."""
    for device in _IPV6.iterdir():
        with suppress(OSError):  # it has gone meanwhile
            if device.name not in ("all", "lo") and (device / "accept_ra").read_text().strip() == "1":
                switches.write(device / "accept_ra", "2")
