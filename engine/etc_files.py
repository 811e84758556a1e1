"""The files of a container's that tell names: /etc/hostname, /etc/hosts and /etc/resolv.conf, and their changes."""

from __future__ import annotations

import os
from pathlib import Path

from engine.model import Container, ContainerRequest
from engine.network import resolver
from engine.network.addresses import DEFAULT_NETWORK
from engine.paths import Paths

NAMES = ("hostname", "hosts", "resolv.conf")
_HOSTS_RESOLVER = Path("/etc/resolv.conf")
_BEHIND_SYSTEMD = Path("/run/systemd/resolve/resolv.conf")


def hostname(container: Container) -> str:
    """What the container calls itself."""
    if container.request.uts == "host":
        return os.uname().nodename
    return container.request.hostname or container.short_id


def check(request: ContainerRequest) -> None:
    """Refuse what would make files that nobody can read.

    Raises:
        InvalidRequest: naming what is wrong.
    """
    resolver.check(_wish(request), request.extra_hosts)


def asked_networks(paths: Paths, container: Container) -> list[str]:
    """The networks at which the container asks for names.

    The default one only where the host's own servers can't be reached from there, as its file says.
    """
    return [
        end.network
        for end in container.endpoints
        if end.name_server
        and (end.network != DEFAULT_NETWORK or _first_server(paths, container) == f"nameserver {end.name_server}")
    ]


def _first_server(paths: Paths, container: Container) -> str:
    return (_text(paths.container(container.id) / "resolv.conf") or "").partition("\n")[0]


def write(paths: Paths, container: Container, owner: int, group: int) -> None:
    """Write the files of a new container for its root, by the ids that it has on the host."""
    name = hostname(container)
    texts = {"hostname": f"{name}\n", "hosts": _hosts(container), "resolv.conf": _resolv_conf(container)}
    for file, text in texts.items():
        path = paths.container(container.id) / file
        path.write_text(text)
        os.chown(path, owner, group)


def rewrite(paths: Paths, container: Container) -> None:
    """Write the files again after a change of networks: in place, since the container has them mounted."""
    folder = paths.container(container.id)
    (folder / "hosts").write_text(_hosts(container))
    (folder / "resolv.conf").write_text(_resolv_conf(container))


def _hosts(container: Container) -> str:
    own = [address for end in container.endpoints for address in (end.address, end.address6) if address]
    first = container.endpoint
    gateway = (first.gateway or first.gateway6) if first is not None else ""
    return resolver.hosts_file(hostname(container), own, resolver.extra_hosts(container.request.extra_hosts, gateway))


def _resolv_conf(container: Container) -> str:
    text = resolver.resolv_conf(_text(_HOSTS_RESOLVER) or "", _text(_BEHIND_SYSTEMD), _wish(container.request))
    own = [end for end in container.endpoints if end.name_server]
    chosen = [end for end in own if end.network != DEFAULT_NETWORK or not resolver.has_server(text)]
    return resolver.with_own_server(text, chosen[0].name_server) if chosen else text


def _wish(request: ContainerRequest) -> resolver.Wish:
    return resolver.Wish(servers=request.dns, search=request.dns_search, options=request.dns_options)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None
