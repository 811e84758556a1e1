"""A container's /etc/resolv.conf and /etc/hosts, as text from text (resolv.conf(5), hosts(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from engine.errors import InvalidRequest

_LOCALHOST = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
_HOST_GATEWAY = "host-gateway"  # docker's word for the host, seen from the container
_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253})?")
_NO_SEARCH = "."  # docker's word for no search list


class Wish(Struct, frozen=True, kw_only=True):
    """What a request says of names; what is empty is as on the host."""

    servers: Sequence[str] = ()
    search: Sequence[str] = ()
    options: Sequence[str] = ()


def check(wish: Wish, extra: Iterable[str]) -> None:
    """Refuse what would make files that nobody can read.

    Raises:
        InvalidRequest: naming what is wrong.
    """
    for server in wish.servers:
        if _address(server) is None:
            raise InvalidRequest(f"--dns {server!r} is not an address", "write it such as 192.0.2.53 or 2001:db8::53")
    for domain in wish.search:
        if domain != _NO_SEARCH and not _NAME.fullmatch(domain):
            raise InvalidRequest(f"--dns-search {domain!r} is not a domain", "write it such as example.org")
    for option in wish.options:
        if not option or any(letter.isspace() for letter in option):
            raise InvalidRequest(f"--dns-option {option!r} is not an option", "write it such as ndots:2")
    for entry in extra:
        _parsed_host(entry)


def resolv_conf(host_text: str, fallback_text: str | None = None, wish: Wish | None = None) -> str:
    """The host's resolver configuration without name servers that only the host itself can reach.

    Args:
        host_text: the host's /etc/resolv.conf.
        fallback_text: /run/systemd/resolve/resolv.conf, which names the servers behind systemd-resolved's own
            stub on 127.0.0.53 (systemd-resolved(8)); None where there is no such file.
        wish: what takes the place of the host's words.

    Returns:
        What docker would write: name servers on loopback dropped, everything else kept. Without a single
        server left the text has none, and names don't resolve.
    """
    kept = _without_loopback(host_text)
    if not _has_server(kept) and fallback_text is not None:
        kept = _without_loopback(fallback_text)
    return "".join(f"{line}\n" for line in _wished(kept, wish or Wish()))


def has_server(text: str) -> bool:
    """Whether there is anybody to ask."""
    return _has_server(text.splitlines())


def with_own_server(text: str, server: str) -> str:
    """The configuration with a server of ours in place of all others; names without a dot are asked as they are."""
    kept = [line for line in text.splitlines() if not _begins(line, "nameserver")]
    if not any(_begins(line, "options") and "ndots:" in line for line in kept):
        kept.append("options ndots:0")
    return "".join(f"{line}\n" for line in (f"nameserver {server}", *kept))


def upstream(host_text: str, own: Sequence[str] = ()) -> list[str]:
    """The servers that the host itself asks, also those that only the host can reach."""
    found = [str(address) for line in host_text.splitlines() if (address := _server(line)) is not None]
    return [server for server in found if server not in own]


def _wished(lines: list[str], wish: Wish) -> list[str]:
    kept = lines
    if wish.servers:
        kept = [line for line in kept if not _begins(line, "nameserver")]
        kept = [f"nameserver {server}" for server in wish.servers] + kept
    if wish.search:
        search = [domain for domain in wish.search if domain != _NO_SEARCH]
        kept = [line for line in kept if not _begins(line, "search", "domain")]
        kept += [f"search {' '.join(search)}"] if search else []
    if wish.options:
        kept = [line for line in kept if not _begins(line, "options")] + [f"options {' '.join(wish.options)}"]
    return kept


def hosts_file(hostname: str, addresses: Sequence[str], extra: Iterable[tuple[str, str]] = ()) -> str:
    """Localhost, the container itself, and what else it is to know.

    Args:
        addresses: the container's own, with or without prefix length; empty when it is on no network, and its
            name then means itself on loopback.
        extra: names with their addresses.
    """
    own = [address.partition("/")[0] for address in addresses] or ["127.0.0.1"]
    lines = [f"{address}\t{hostname}\n" for address in own] if hostname else []
    return _LOCALHOST + "".join(f"{address}\t{name}\n" for name, address in extra) + "".join(lines)


def extra_hosts(entries: Iterable[str], gateway: str) -> list[tuple[str, str]]:
    """Names with their addresses, from ``NAME:ADDRESS`` or ``NAME=ADDRESS``.

    Args:
        gateway: what ``host-gateway`` stands for; such entries are left out where there is none.

    Raises:
        InvalidRequest: an entry is something else.
    """
    found = [_parsed_host(entry) for entry in entries]
    meant = [(name, gateway if address == _HOST_GATEWAY else address) for name, address in found]
    return [(name, address) for name, address in meant if address]


def _parsed_host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=" if "=" in entry else ":")
    address = address.removeprefix("[").removesuffix("]")
    if not _NAME.fullmatch(name) or (address != _HOST_GATEWAY and _address(address) is None):
        raise InvalidRequest(f"--add-host {entry!r} is not NAME:ADDRESS", "write it such as db:192.0.2.7")
    return name, address


def _without_loopback(text: str) -> list[str]:
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and line[0] not in "#;" and not _is_unreachable_server(line)]


def _is_unreachable_server(line: str) -> bool:
    address = _server(line)
    return address is not None and address.is_loopback


def _has_server(lines: list[str]) -> bool:
    return any(_server(line) is not None for line in lines)


def _begins(line: str, *words: str) -> bool:
    return line.split(maxsplit=1)[0] in words


def _server(line: str) -> IPv4Address | IPv6Address | None:
    words = line.split()
    if len(words) < 2 or words[0] != "nameserver":
        return None
    return _address(words[1])


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
