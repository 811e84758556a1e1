"""What names mean on a network: those of the containers that are on it and live."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from ipaddress import ip_address

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
        is_alive: whether a container, by its id, runs now.
    """

    def __init__(self, name: str, members: Iterable[Member], is_alive: Callable[[str], bool]) -> None:
        self._suffix = f".{name.lower()}"
        self._is_alive = is_alive
        self._by_name: dict[str, list[Member]] = {}
        self._by_address: dict[str, Member] = {}
        for member in members:
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
        found = [ip_address(address) for member in members for address in member.addresses]
        wanted = {message.A: (4,), message.AAAA: (6,), message.ANY: (4, 6)}.get(question.kind, ())
        values: list[Value] = [value for value in found if value.version in wanted]
        random.shuffle(values)  # those who take the first one find each in turn
        return values

    def servers_of(self, address: str) -> tuple[str, ...]:
        """The name servers that the container with an address wants to be asked."""
        member = self._by_address.get(address)
        return member.servers if member is not None else ()

    def _names_of(self, address: str, question: Question) -> list[Value] | None:
        member = self._by_address.get(address)
        if member is None or not self._is_alive(member.container_id):
            return None
        wanted = question.kind in (message.PTR, message.ANY)
        return [f"{member.names[0]}{self._suffix}"] if wanted else []

    def _living(self, name: str) -> list[Member]:
        return [member for member in self._by_name.get(name, ()) if self._is_alive(member.container_id)]
