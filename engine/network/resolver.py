"""A container's /etc/resolv.conf and /etc/hosts, as text from text (resolv.conf(5), hosts(5))."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

_LOCALHOST = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def resolv_conf(host_text: str, fallback_text: str | None = None) -> str:
    """The host's resolver configuration without name servers that only the host itself can reach.

    Args:
        host_text: the host's /etc/resolv.conf.
        fallback_text: /run/systemd/resolve/resolv.conf, which names the servers behind systemd-resolved's own
            stub on 127.0.0.53 (systemd-resolved(8)); None where there is no such file.

    Returns:
        What docker would write: name servers on loopback dropped, everything else kept. Without a single
        server left the text has none, and names don't resolve.
    """
    kept = _without_loopback(host_text)
    if not _has_server(kept) and fallback_text is not None:
        kept = _without_loopback(fallback_text)
    return "".join(f"{line}\n" for line in kept)


def hosts_file(hostname: str, address: str | None) -> str:
    """Localhost and the container itself.

    Args:
        address: the container's own, with or without prefix length; None when it is on no network, and its
            name then means itself on loopback.
    """
    own = address.partition("/")[0] if address else "127.0.0.1"
    return f"{_LOCALHOST}{own}\t{hostname}\n" if hostname else _LOCALHOST


def _without_loopback(text: str) -> list[str]:
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and line[0] not in "#;" and not _is_unreachable_server(line)]


def _is_unreachable_server(line: str) -> bool:
    address = _server(line)
    return address is not None and address.is_loopback


def _has_server(lines: list[str]) -> bool:
    return any(_server(line) is not None for line in lines)


def _server(line: str) -> IPv4Address | IPv6Address | None:
    words = line.split()
    if len(words) < 2 or words[0] != "nameserver":
        return None
    try:
        return ip_address(words[1].partition("%")[0])
    except ValueError:
        return None
