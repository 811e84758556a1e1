"""What becomes of a packet in a chain of a firewall that isn't ours: the parts that nf_tables and iptables share.

Rules are read for one packet of which not all is known. A rule counts when it surely matches: one that only may
match, by the packet's port or by how often it came, neither lets a packet pass for sure nor keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_DEEPEST = 16  # NFT_JUMP_STACK_SIZE


class Packet(NamedTuple):
    """A forwarded packet that comes to a container, or leaves one.

    Attributes:
        to_bridge: whether it goes to the container by the bridge, else it comes from there; the other device is
            whichever leads to the world, and isn't known.
        address: the container's; of the packet's destination, or of its source.
        is_new: whether a connection begins with it, else it is an answer.
        is_published: whether its connection is one to a published port, and has a translated destination.
    """

    bridge: str
    to_bridge: bool
    address: IPv4Address | IPv6Address
    is_new: bool
    is_published: bool

    @property
    def incoming(self) -> str | None:
        """The device that it came from."""
        return None if self.to_bridge else self.bridge

    @property
    def outgoing(self) -> str | None:
        """The device that it leaves by."""
        return self.bridge if self.to_bridge else None


class Fate(Enum):
    """What a rule does."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"


class Rule(NamedTuple):
    """A rule that surely matches; `chain` is where a jump leads."""

    fate: Fate
    chain: object = None


def is_dropped(chain: object, rules: Callable[[object], Iterable[Rule]], policy: Fate) -> bool:
    """Whether a packet is lost in a base chain.

    Args:
        rules: those of a chain that surely match.
        policy: what becomes of it at the end.
    """
    return (_fate(chain, rules, _DEEPEST) or policy) is Fate.DROP


def _fate(chain: object, rules: Callable[[object], Iterable[Rule]], depth: int) -> Fate | None:
    for rule in rules(chain) if depth else ():
        if rule.fate in (Fate.ACCEPT, Fate.DROP):
            return rule.fate
        if rule.fate is Fate.RETURN:
            return None
        decided = _fate(rule.chain, rules, depth - 1)
        if decided is not None or rule.fate is Fate.GOTO:
            return decided
    return None
