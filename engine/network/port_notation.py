"""Docker's words for published ports (docker run(1), ``--publish``), as values and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import cast, get_args

from msgspec.structs import replace

from engine.errors import InvalidRequest
from engine.model import Container, PortProtocol, PublishedPort

_LIKE = "write it as 8080:80, 127.0.0.1:8080:80/udp, [::1]:8080:80, 8000-8010:80-90 or 80"
_PROTOCOLS: tuple[str, ...] = get_args(PortProtocol)
_PUBLISHED = re.compile(
    r"(?:(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:\[\]]*)):(?=[^:]*:))?(?:(?P<host>[\d-]*):)?(?P<container>[\d-]+)(?:/(?P<protocol>\w+))?"
)
_LAST_PORT = 65535

Ports = tuple[PublishedPort, ...]


def published(text: str) -> Ports:
    """``[[ADDRESS:][HOST_PORT[-LAST]]:]PORT[-LAST][/PROTOCOL]``, one value for each of the container's ports.

    Without a port of the host's, or with several for one of the container's, one that is free is chosen later.

    Raises:
        InvalidRequest: it isn't one.
    """
    match = _PUBLISHED.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(f"{text!r} is not a port to publish", _LIKE)
    address = _address(match["six"] if match["six"] is not None else match["four"] or "", text)
    inside = _range(match["container"], text)
    outside = _range(match["host"], text) if match["host"] not in (None, "", "0") else (0, 0)
    protocol = _protocol(match["protocol"] or "tcp", text)
    return _paired(PublishedPort(container_port=1, protocol=protocol, host_address=address), outside, inside, text)


def container_port(text: str) -> PublishedPort:
    """``PORT[/PROTOCOL]`` of a container, as in ``EXPOSE``: published at a port of the host's that is chosen.

    Raises:
        InvalidRequest: it isn't one.
    """
    number, _, protocol = text.strip().partition("/")
    (first, last) = _range(number, text)
    if first != last:
        raise InvalidRequest(f"{text!r} is more than one port", "write one, such as 80 or 53/udp")
    return PublishedPort(container_port=first, protocol=_protocol(protocol or "tcp", text), is_chosen=True)


def exposed(texts: Iterable[str]) -> Ports:
    """The ports of ``EXPOSE`` and ``--expose``, with ranges.

    Raises:
        InvalidRequest: one isn't one.
    """
    found: dict[tuple[int, str], PublishedPort] = {}
    for text in texts:
        numbers, _, protocol = text.strip().partition("/")
        first, last = _range(numbers, text)
        for number in range(first, last + 1):
            port = PublishedPort(container_port=number, protocol=_protocol(protocol or "tcp", text), is_chosen=True)
            found.setdefault((number, port.protocol), port)
    return tuple(found.values())


def host_words(port: PublishedPort) -> str:
    """Where on the host, such as ``0.0.0.0:8080`` or ``[::1]:8080``."""
    address = port.host_address or "0.0.0.0"
    return f"[{address}]:{port.host_port}" if ":" in address else f"{address}:{port.host_port}"


def in_force(container: Container) -> Ports:
    """The ports of the host's that lead to a container now; what is published everywhere is there by family."""
    if not container.is_running:
        return ()
    has_ipv4 = any(endpoint.address and endpoint.gateway for endpoint in container.endpoints)
    has_ipv6 = any(endpoint.address6 and endpoint.gateway6 for endpoint in container.endpoints)
    return tuple(
        replace(port, host_address=address)
        for port in container.ports
        for address in ([port.host_address] if port.host_address else ["0.0.0.0", "::"])
        if (has_ipv6 if ":" in address else has_ipv4)
    )


def summary(ports: Sequence[PublishedPort]) -> str:
    """As lists show them, such as ``0.0.0.0:8000-8002->80-82/tcp``: what follows one another is put together."""
    ordered = sorted(
        ports, key=lambda port: (port.protocol, ":" in port.host_address, port.host_address, port.host_port)
    )
    runs: list[list[PublishedPort]] = []
    for port in ordered:
        if runs and _follows(runs[-1][-1], port):
            runs[-1].append(port)
        else:
            runs.append([port])
    return ", ".join(_run_words(run[0], run[-1]) for run in runs)


def _follows(before: PublishedPort, port: PublishedPort) -> bool:
    same_place = (before.protocol, before.host_address) == (port.protocol, port.host_address)
    steps = (port.host_port - before.host_port, port.container_port - before.container_port)
    return same_place and steps == (1, 1)


def _run_words(first: PublishedPort, last: PublishedPort) -> str:
    if first == last:
        return f"{host_words(first)}->{first.container_words}"
    return f"{host_words(first)}-{last.host_port}->{first.container_port}-{last.container_words}"


def _paired(port: PublishedPort, outside: tuple[int, int], inside: tuple[int, int], text: str) -> Ports:
    numbers = range(inside[0], inside[1] + 1)
    if outside == (0, 0):
        return tuple(replace(port, container_port=number, is_chosen=True) for number in numbers)
    if len(numbers) == 1 and outside[0] != outside[1]:
        lowest, highest = outside
        return (replace(port, container_port=numbers[0], lowest=lowest, highest=highest, is_chosen=True),)
    if outside[1] - outside[0] != inside[1] - inside[0]:
        raise InvalidRequest(
            f"{text!r} has {outside[1] - outside[0] + 1} ports of the host for {len(numbers)} of the container",
            "give both ranges the same length",
        )
    hosts = range(outside[0], outside[1] + 1)
    return tuple(replace(port, container_port=c, host_port=h) for c, h in zip(numbers, hosts, strict=True))


def _range(text: str, whole: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise InvalidRequest(f"{whole!r} is not a port to publish", _LIKE)
    found = int(first), int(last or first)
    if not 1 <= found[0] <= found[1] <= _LAST_PORT:
        raise InvalidRequest(f"{whole!r} has no ports from 1 to {_LAST_PORT}, the smaller one first", _LIKE)
    return found


def _protocol(text: str, whole: str) -> PortProtocol:
    if text.lower() not in _PROTOCOLS:
        raise InvalidRequest(f"{whole!r} has the protocol {text!r}", f"choose {', '.join(_PROTOCOLS)}")
    return cast(PortProtocol, text.lower())


def _address(text: str, whole: str) -> str:
    if not text:
        return ""
    try:
        found = ip_address(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} in {whole!r} is not an address", _LIKE) from error
    if isinstance(found, IPv6Address) and (found.scope_id or found.is_link_local or found.ipv4_mapped):
        raise InvalidRequest(f"nothing can be published at {text}", "choose a global or unique local address, or [::]")
    return str(found)
