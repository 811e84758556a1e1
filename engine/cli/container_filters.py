"""``--filter KEY=VALUE`` of commands on containers, as in docker: values of one key are choices, keys are conditions.

Only labels are conditions each (docker ps(1), "FILTERING").
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.errors import InvalidRequest
from engine.model import Container, State

PS_KEYS = ("id", "name", "label", "status", "exited", "ancestor", "health", "before", "since", "network", "publish",
           "expose", "volume")  # fmt: skip
_PORTS_LIKE = "write 80, 53/udp or 8000-8010/tcp"


class ContainerFilter(NamedTuple):
    """One of ``--filter``."""

    key: str
    value: str

    def passes(
        self, container: Container, every: Sequence[Container], exposed: Mapping[str, Sequence[str]] | None = None
    ) -> bool:
        """Whether a container is what was asked for.

        Args:
            every: all containers, for those that are named as before or since.
            exposed: the ports that images expose, by the images' ids, for ``expose``.

        Raises:
            InvalidRequest: the value is a container, and there is none.
        """
        request = container.request
        if self.key == "id":
            return container.id.startswith(self.value)
        if self.key == "name":
            return re.search(self.value, container.name) is not None
        if self.key == "label":
            return _has_label(container, self.value)
        if self.key == "status":
            return container.state.value == self.value
        if self.key == "exited":
            return container.state is State.EXITED and container.exit_status == int(self.value)
        if self.key == "ancestor":
            return self.value in (request.image, request.image.removesuffix(":latest")) or _begins(
                container, self.value
            )
        if self.key == "health":
            return self.value == (container.health.state if container.health is not None else "none")
        if self.key in ("network", "volume"):
            return self.value.rstrip("/") in (_mounted(container) if self.key == "volume" else _networks(container))
        if self.key in ("publish", "expose"):
            return self._has_port(container, (exposed or {}).get(container.image_id, ()))
        other = _found(self.value, every).created_unix_ns
        return container.created_unix_ns < other if self.key == "before" else container.created_unix_ns > other

    def _has_port(self, container: Container, exposed: Sequence[str]) -> bool:
        served: set[tuple[int, str]] = {(port.container_port, port.protocol) for port in container.ports}
        if self.key == "expose":
            served |= _ports((*container.request.exposed_ports, *exposed))
        return not served.isdisjoint(_ports((self.value,)))


def ps_filter(text: str) -> ContainerFilter:
    """A filter of ``ps``."""
    key, _, value = text.partition("=")
    if key not in PS_KEYS or not value:
        raise ArgumentTypeError(f"{text!r} is not {'=…, '.join(PS_KEYS)}=…")
    _check(key, value)
    return ContainerFilter(key, value)


def filtered(
    containers: Sequence[Container],
    filters: Sequence[ContainerFilter],
    exposed: Mapping[str, Sequence[str]] | None = None,
) -> list[Container]:
    """The containers that pass.

    Args:
        exposed: as in `ContainerFilter.passes`.

    Raises:
        InvalidRequest: a filter names a container that there isn't.
    """
    labels = [each for each in filters if each.key == "label"]
    others = [each for each in filters if each not in labels]
    keys = dict.fromkeys(each.key for each in others)
    return [
        container
        for container in containers
        if all(each.passes(container, containers, exposed) for each in labels)
        and all(any(each.passes(container, containers, exposed) for each in others if each.key == key) for key in keys)
    ]


def _check(key: str, value: str) -> None:
    """Refuse values that can't be.

    Raises:
        ArgumentTypeError: with what it may be.
    """
    if key == "status" and value not in (words := [state.value for state in State]):
        raise ArgumentTypeError(f"{value!r} is no state; there are {', '.join(words)}")
    if key == "exited" and not value.removeprefix("-").isdecimal():
        raise ArgumentTypeError(f"{value!r} is not an exit status such as 0 or 137")
    if key in ("publish", "expose"):
        try:
            _ports((value,))
        except InvalidRequest as error:
            raise ArgumentTypeError(f"{value!r} is no port of a container's: {_PORTS_LIKE}") from error
    if key == "name":
        try:
            re.compile(value)
        except re.error as error:
            raise ArgumentTypeError(f"{value!r} is not a regular expression: {error}") from error


def _ports(texts: Iterable[str]) -> set[tuple[int, str]]:
    """Numbers and protocols, of ranges too.

    Raises:
        InvalidRequest: one isn't one.
    """
    from engine.network import port_notation

    return {(port.container_port, port.protocol) for port in port_notation.exposed(texts)}


def _networks(container: Container) -> set[str]:
    return {container.request.network, *(end.network for end in container.endpoints)}


def _mounted(container: Container) -> set[str]:
    """Volumes by name, folders of the host's, and where they are shown."""
    request = container.request
    found = {text for bind in request.binds for text in (bind.source, bind.destination)}
    return {text.rstrip("/") for text in found} | {mount.name for mount in request.volumes}


def _has_label(container: Container, wanted: str) -> bool:
    key, is_exact, value = wanted.partition("=")
    labels = container.request.labels
    return key in labels and (not is_exact or labels[key] == value)


def _begins(container: Container, digits: str) -> bool:
    return container.image_id.startswith((digits, f"sha256:{digits}"))


def _found(reference: str, every: Sequence[Container]) -> Container:
    for container in every:
        if container.name == reference or container.id.startswith(reference):
            return container
    raise InvalidRequest(f"there is no container {reference!r} to compare with", "see all with: boxdeck ps -a")
