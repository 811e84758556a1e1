"""What names mean on a network: those of the containers that are on it and live."""

from __future__ import annotations

import random
from collections.abc import Container, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from engine.names import message
from engine.names.message import Question, Value


class Member(Struct, frozen=True, kw_only=True):
    """A container on a network.

    Attributes:
        names: its name, further names and short id.
        addresses: its own on this network, without prefix length.
        servers: name servers that it wants to be asked instead of the host's.
    """

    container_id: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    servers: tuple[str, ...] = ()


class Zone:
    """The names of one network.

    Args:
        name: the network's, which may stand behind a container's, with a dot.
        living: the ids of the containers that run now.
    """

    def __init__(self, name: str, members: Iterable[Member], living: Container[str]) -> None:
        self._suffix = f".{name.lower()}"
        self._living_ids = living
        self._by_name: dict[str, list[Member]] = {}
        self._by_address: dict[str, Member] = {}
        self._values: dict[str, tuple[IPv4Address | IPv6Address, ...]] = {}
        for member in members:
            self._values[member.container_id] = tuple(map(ip_address, member.addresses))
            for text in dict.fromkeys(each.lower() for each in member.names):
                self._by_name.setdefault(text, []).append(member)
            self._by_address.update((address, member) for address in member.addresses)

    def find(self, question: Question) -> list[Value] | None:
        """The answers, in any order; none where the name is known and has none of this kind; None if it is unknown."""
        address = message.address_of_reverse(question.name)
        if address is not None:
            return self._names_of(address, question)
        members = self._living(question.name) or self._living(question.name.removesuffix(self._suffix))
        if not members:
            return None
        found = [value for member in members for value in self._values[member.container_id]]
        wanted = {message.A: (4,), message.AAAA: (6,), message.ANY: (4, 6)}.get(question.kind, ())
        values: list[Value] = [value for value in found if value.version in wanted]
        if len(values) > 1:
            random.shuffle(values)  # those who take the first one find each in turn
        return values

    def is_of_the_stopped(self, question: Question) -> bool:
        """Whether a name, or an address, is that of a container which doesn't run: nobody else is asked for it then.

        What has a dot in it may be a name of the world's, unless it ends as ours do.
        """
        address = message.address_of_reverse(question.name)
        if address is not None:
            return address in self._by_address
        own = question.name.removesuffix(self._suffix)
        return "." not in own and own in self._by_name

    def servers_of(self, address: str) -> tuple[str, ...]:
        """The name servers that the container with an address wants to be asked."""
        member = self._by_address.get(address)
        return member.servers if member is not None else ()

    def _names_of(self, address: str, question: Question) -> list[Value] | None:
        member = self._by_address.get(address)
        if member is None or member.container_id not in self._living_ids:
            return None
        wanted = question.kind in (message.PTR, message.ANY)
        return [f"{member.names[0]}{self._suffix}"] if wanted else []

    def _living(self, name: str) -> list[Member]:
        return [member for member in self._by_name.get(name, ()) if member.container_id in self._living_ids]
