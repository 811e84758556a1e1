"""A network, what a person asks of one, and a container's place on it."""

from __future__ import annotations

from msgspec import Struct, field


class Subnet(Struct, frozen=True, kw_only=True):
    """The addresses of one family on a network.

    Attributes:
        subnet: in CIDR form, such as ``10.89.0.0/24``.
        gateway: the bridge's own address in it, without prefix length.
        ip_range: the part of it that addresses are chosen from, in CIDR form; empty for all of it.
        is_fixed: a person has named it: it is never exchanged for another.
    """

    subnet: str
    gateway: str
    ip_range: str = ""
    is_fixed: bool = False


class Network(Struct, frozen=True, kw_only=True):
    """A bridge with its subnets.

    Attributes:
        id: 64 hexadecimal digits.
        bridge: the bridge device on the host.
        subnets: at most one of each family, IPv4 first.
        internal: whether there is no way out of it.
        mtu: of the bridge and what hangs on it, in bytes; None for that of the machine's way out.
    """

    id: str
    name: str
    bridge: str
    subnets: tuple[Subnet, ...]
    internal: bool = False
    mtu: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    created_unix_ns: int = 0

    @property
    def short_id(self) -> str:
        """The first twelve digits of the id, as lists show it."""
        return self.id[:12]

    @property
    def ipv4(self) -> Subnet | None:
        """The IPv4 subnet."""
        return self._of_version(4)

    @property
    def ipv6(self) -> Subnet | None:
        """The IPv6 subnet."""
        return self._of_version(6)

    def _of_version(self, version: int) -> Subnet | None:
        return next((subnet for subnet in self.subnets if (":" in subnet.subnet) == (version == 6)), None)


class NetworkRequest(Struct, frozen=True, kw_only=True):
    """What a person asks for; what is left open is chosen.

    Attributes:
        subnets: in CIDR form, at most one of each family.
        gateways, ip_ranges: each within one of the subnets.
        ipv4, ipv6: whether there is to be a subnet of the family where none is named; None for where the machine has
            the family.
        mtu: in bytes.
    """

    name: str
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ip_ranges: tuple[str, ...] = ()
    ipv4: bool = True
    ipv6: bool | None = None
    internal: bool = False
    mtu: int | None = None
    labels: dict[str, str] = field(default_factory=dict)


class Attachment(Struct, frozen=True, kw_only=True):
    """How a container is to be on a network; empty fields are chosen.

    Attributes:
        network: the network's name, id, or a beginning of the id.
        ip, ip6: addresses without prefix length.
        mac: such as ``02:42:0a:59:00:07``.
        aliases: further names that others on the network find it by.
    """

    network: str
    ip: str = ""
    ip6: str = ""
    mac: str = ""
    aliases: tuple[str, ...] = ()


class Endpoint(Struct, frozen=True, kw_only=True):
    """A container's place on a network.

    Attributes:
        network: the network's name, such as ``bridge``.
        network_id: its id.
        bridge: the bridge device on the host, such as ``boxdeck0``.
        host_interface: the veth end that hangs on the bridge.
        container_interface: the veth end inside, such as ``eth0``.
        address: IPv4 in CIDR form, such as ``10.89.0.7/24``; empty without.
        gateway: the bridge's own address, without prefix length; empty where there is no way out.
        address6, gateway6: the same of IPv6.
        mac: such as ``02:42:0a:59:00:07``.
        aliases: further names that others on the network find it by.
        name_server: where it asks for names; empty for those of the host's.
    """

    network: str
    bridge: str
    host_interface: str
    container_interface: str
    address: str
    gateway: str
    mac: str
    network_id: str = ""
    address6: str = ""
    gateway6: str = ""
    aliases: tuple[str, ...] = ()
    name_server: str = ""
