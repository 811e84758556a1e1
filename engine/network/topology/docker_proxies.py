"""Published ports of docker's, as the command lines of its proxies say: each listens for one port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from itertools import pairwise

from engine.model import PortMap

_PROXY = "docker-proxy"
_PROXY_OPTIONS = ("-proto", "-host-ip", "-host-port", "-container-ip", "-container-port")


def read() -> Iterator[PortMap]:
    """Of those proxies that are in our network namespace."""
    for name in os.listdir("/proc"):
        if name.isdecimal() and _is_proxy(name):
            with suppress(OSError, ValueError, KeyError):
                yield _of_words(_words(name), int(name))


def _is_proxy(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            if file.read().strip() != _PROXY.encode():
                return False
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/thread-self/ns/net")
    except OSError:
        return False


def _words(pid: str) -> list[str]:
    with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
        return file.read().split("\0")


def _of_words(words: list[str], pid: int) -> PortMap:
    said = dict(pairwise(words))
    protocol, host, host_port, address, port = (said[option] for option in _PROXY_OPTIONS)
    return PortMap(
        host_address=str(ip_address(host)),
        host_port=int(host_port),
        protocol=protocol,
        address=str(ip_address(address)),
        port=int(port),
        by=f"{_PROXY} ({pid})",
    )
