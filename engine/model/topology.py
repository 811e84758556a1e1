"""How containers are wired: every network namespace that somebody holds, its devices, and what leads where."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LinkState = Literal["up", "no carrier", "down"]


class LinkCounters(Struct, frozen=True, kw_only=True, gc=False):
    """What went through a device since it was made, seen from the device itself."""

    received_bytes: int = 0
    received_packets: int = 0
    received_errors: int = 0
    received_dropped: int = 0
    sent_bytes: int = 0
    sent_packets: int = 0
    sent_errors: int = 0
    sent_dropped: int = 0

    @property
    def errors(self) -> int:
        """Packets that were broken, either way."""
        return self.received_errors + self.sent_errors

    @property
    def dropped(self) -> int:
        """Packets that were thrown away, either way."""
        return self.received_dropped + self.sent_dropped

    def turned(self) -> LinkCounters:
        """As the other end of a pair has it: what one sends the other receives."""
        return LinkCounters(
            received_bytes=self.sent_bytes,
            received_packets=self.sent_packets,
            received_errors=self.sent_errors,
            received_dropped=self.sent_dropped,
            sent_bytes=self.received_bytes,
            sent_packets=self.received_packets,
            sent_errors=self.received_errors,
            sent_dropped=self.received_dropped,
        )


class LinkRates(Struct, frozen=True, kw_only=True, gc=False):
    """What goes through a device now; errors and what is dropped are counted in packets, both ways together."""

    received_bytes_per_second: float = 0.0
    received_packets_per_second: float = 0.0
    sent_bytes_per_second: float = 0.0
    sent_packets_per_second: float = 0.0
    errors_per_second: float = 0.0
    dropped_per_second: float = 0.0

    @property
    def bytes_per_second(self) -> float:
        """Both ways together."""
        return self.received_bytes_per_second + self.sent_bytes_per_second

    def turned(self) -> LinkRates:
        """As the other end of a pair has it."""
        return LinkRates(
            received_bytes_per_second=self.sent_bytes_per_second,
            received_packets_per_second=self.sent_packets_per_second,
            sent_bytes_per_second=self.received_bytes_per_second,
            sent_packets_per_second=self.received_packets_per_second,
            errors_per_second=self.errors_per_second,
            dropped_per_second=self.dropped_per_second,
        )


class LinkEnd(Struct, frozen=True, kw_only=True, gc=False):
    """A device of the machine: the inode of its network namespace, and its index there."""

    namespace: int
    index: int


class NetworkDevice(Struct, frozen=True, kw_only=True):
    """A device as the kernel has it.

    Attributes:
        kind: such as ``bridge``, ``veth``, ``vlan`` or ``vxlan``; empty for hardware.
        has_carrier: whether somebody is at the other end.
        mtu: in bytes.
        addresses: in CIDR form.
        master: the index of the bridge that it is on, 0 for none.
        peer: the other end of a pair; None where it isn't one, or nobody who can be seen holds it.
        parent: the device that it goes through, of vlans, macvlans and tunnels.
        is_pair: whether it has another end, known or not.
        detail: of a vlan its number, of a tunnel its ends, and so on; empty otherwise.
        rates: None as long as there was one look only.
    """

    index: int
    name: str
    kind: str = ""
    is_up: bool = True
    has_carrier: bool = True
    mtu: int = 0
    mac: str = ""
    addresses: tuple[str, ...] = ()
    master: int = 0
    peer: LinkEnd | None = None
    parent: LinkEnd | None = None
    is_pair: bool = False
    detail: str = ""
    counters: LinkCounters = LinkCounters()
    rates: LinkRates | None = None

    @property
    def state(self) -> LinkState:
        """Whether anything can go through it."""
        return _state(self.is_up, self.has_carrier)


class NetworkRoute(Struct, frozen=True, kw_only=True):
    """A unicast route; `index` is that of the device it leaves by, `destination` is ``default`` for everything else."""

    destination: str
    index: int
    version: int
    table: int
    gateway: str = ""
    metric: int = 0


class NetworkSpace(Struct, frozen=True, kw_only=True):
    """A network namespace with what is in it and who is behind it.

    Attributes:
        inode: the number that identifies it.
        is_host: it is the one that the engine is in.
        container_ids, container_names: containers of this root that are in it.
        foreign: a container of another program or root, such as ``docker 3f2a9c81d04b``.
        pid, command: of the first process in it, or that holds it; None and empty for one that is only mounted.
        place: where it is bind mounted, as ``ip netns`` does.
        devices: by index.
        problem: why its devices can't be read; empty otherwise.
    """

    inode: int
    is_host: bool = False
    container_ids: tuple[str, ...] = ()
    container_names: tuple[str, ...] = ()
    foreign: str = ""
    pid: int | None = None
    command: str = ""
    place: str = ""
    devices: tuple[NetworkDevice, ...] = ()
    routes: tuple[NetworkRoute, ...] = ()
    problem: str = ""

    @property
    def holder(self) -> str:
        """Who is behind it, in a few words."""
        if self.is_host:
            return "host"
        if self.container_names or self.foreign:
            return ", ".join(self.container_names) or self.foreign
        if self.place:
            return self.place.rpartition("/")[2]
        return f"{self.command} ({self.pid})" if self.pid is not None else f"namespace {self.inode}"

    def device(self, index: int) -> NetworkDevice | None:
        """The device with an index."""
        return next((each for each in self.devices if each.index == index), None)


class PortMap(Struct, frozen=True, kw_only=True):
    """A port of the host that the kernel's map leads to one of a container's; addresses without prefix length.

    Attributes:
        host_address: ``0.0.0.0`` or ``::`` for all of the host's.
        protocol: tcp, udp or sctp.
        container_id: None where no container of this root that is running has the address.
        container_name: also of others' containers, as `NetworkSpace.holder` has it.
        by: who leads there where it isn't our table: the chain of a rule, or a program.
    """

    host_address: str
    host_port: int
    protocol: str
    address: str
    port: int
    container_id: str | None = None
    container_name: str = ""
    by: str = ""


class BridgePort(Struct, frozen=True, kw_only=True):
    """A device on a bridge; `container_id` is None for one that isn't ours.

    Attributes:
        index: of the device, in the host's namespace.
        container_name: who is at the other end: a container, or another process in a few words.
        has_carrier: whether the other end is there and up.
        kind: as that of a `NetworkDevice`.
        peer: the other end.
        counters, rates: seen from the other end, as those of a container.
    """

    host_interface: str
    is_up: bool
    has_carrier: bool = True
    index: int = 0
    kind: str = "veth"
    container_id: str | None = None
    container_name: str | None = None
    container_interface: str | None = None
    address: str | None = None
    mac: str | None = None
    mtu: int = 0
    peer: LinkEnd | None = None
    counters: LinkCounters = LinkCounters()
    rates: LinkRates | None = None

    @property
    def state(self) -> LinkState:
        """Whether anything can go through it."""
        return _state(self.is_up, self.has_carrier)


class BridgeNode(Struct, frozen=True, kw_only=True):
    """A bridge of the host with its addresses in CIDR form and what hangs on it.

    Attributes:
        network: the name of our network that it is of; empty for one of somebody else's.
        is_internal: nothing on it has a way out.
    """

    name: str
    network: str
    is_up: bool
    addresses: tuple[str, ...]
    ports: tuple[BridgePort, ...]
    is_internal: bool = False
    index: int = 0
    mtu: int = 0
    rates: LinkRates | None = None


class Uplink(Struct, frozen=True, kw_only=True):
    """An interface that a default route of the host's leaves by."""

    interface: str
    addresses: tuple[str, ...]
    gateway: str | None = None
    index: int = 0
    is_up: bool = True
    has_carrier: bool = True
    mtu: int = 0
    counters: LinkCounters = LinkCounters()
    rates: LinkRates | None = None

    @property
    def state(self) -> LinkState:
        """Whether anything can go through it."""
        return _state(self.is_up, self.has_carrier)


class Topology(Struct, frozen=True, kw_only=True):
    """How containers reach each other and the outside, as the kernel has it now.

    Attributes:
        uplink: the best of `uplinks`.
        bridges: of the host; those of our networks first.
        spaces: every network namespace that somebody holds, the host's own first.
        ports: where published ports lead, as the firewall's maps have it.
    """

    uplink: Uplink | None
    bridges: tuple[BridgeNode, ...]
    uplinks: tuple[Uplink, ...] = ()
    spaces: tuple[NetworkSpace, ...] = ()
    ports: tuple[PortMap, ...] = ()

    def space(self, inode: int) -> NetworkSpace | None:
        """The namespace with a number."""
        return next((each for each in self.spaces if each.inode == inode), None)

    def device(self, end: LinkEnd) -> NetworkDevice | None:
        """A device of any namespace."""
        space = self.space(end.namespace)
        return space.device(end.index) if space is not None else None


def _state(is_up: bool, has_carrier: bool) -> LinkState:
    return "down" if not is_up else "up" if has_carrier else "no carrier"
