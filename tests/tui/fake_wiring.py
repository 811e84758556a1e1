"""A topology that only looks like one: a bridge with containers on it, docker's, and a pair made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import (
    BridgeNode,
    BridgePort,
    Container,
    LinkCounters,
    LinkEnd,
    LinkRates,
    NetworkDevice,
    NetworkRoute,
    NetworkSpace,
    PortMap,
    Topology,
    Uplink,
)

HOST = 4_026_531_840
BRIDGE, FIRST = 3, 10


def topology(containers: Sequence[Container]) -> Topology:
    """Each on the same bridge; the first has a published port, the second drops packets."""
    uplink = Uplink(interface="eth0", addresses=("192.0.2.5/24",), gateway="192.0.2.1", index=2, mtu=1500)
    ports = tuple(_port(each, number) for number, each in enumerate(containers))
    bridge = BridgeNode(
        name="boxdeck0", network="bridge", is_up=True, addresses=("10.89.0.1/24",), ports=ports, index=BRIDGE, mtu=1500
    )
    spaces = (_host(ports), *(_space(each, port) for each, port in zip(containers, ports, strict=True)), _stranger())
    maps = tuple(
        PortMap(
            host_address="0.0.0.0", host_port=8080, protocol="tcp", address=(port.address or "").partition("/")[0],
            port=80, container_id=port.container_id, container_name=port.container_name or "",
        )
        for port in ports[:1]
    )  # fmt: skip
    return Topology(uplink=uplink, uplinks=(uplink,), bridges=(bridge,), spaces=spaces, ports=maps)


def _port(container: Container, number: int) -> BridgePort:
    assert container.endpoint is not None
    return BridgePort(
        host_interface=container.endpoint.host_interface, is_up=True, index=FIRST + number, container_id=container.id,
        container_name=container.name, container_interface="eth0", address=container.endpoint.address,
        mac=container.endpoint.mac, mtu=1500, peer=LinkEnd(namespace=HOST + 100 + number, index=2),
        counters=LinkCounters(received_bytes=48_000_000, sent_dropped=3 if number == 1 else 0), rates=_rates(number),
    )  # fmt: skip


def _rates(number: int) -> LinkRates:
    return LinkRates(received_bytes_per_second=(9.6e6, 0, 12_000, 20e6)[number % 4], received_packets_per_second=7)


def _host(ports: Sequence[BridgePort]) -> NetworkSpace:
    devices = [
        NetworkDevice(index=1, name="lo"),
        NetworkDevice(index=2, name="eth0", addresses=("192.0.2.5/24",), mtu=1500),
        NetworkDevice(index=BRIDGE, name="boxdeck0", kind="bridge", addresses=("10.89.0.1/24",), mtu=1500),
    ]
    devices += [
        NetworkDevice(
            index=port.index, name=port.host_interface, kind="veth", master=BRIDGE, peer=port.peer, is_pair=True,
            mtu=1500, counters=port.counters.turned(), rates=port.rates.turned() if port.rates else None,
        )
        for port in ports
    ]  # fmt: skip
    devices.append(NetworkDevice(index=99, name="eth0.7", kind="vlan", detail="vlan 7", has_carrier=False))
    routes = (NetworkRoute(destination="default", index=2, version=4, table=254, gateway="192.0.2.1"),)
    return NetworkSpace(inode=HOST, is_host=True, devices=tuple(devices), routes=routes)


def _space(container: Container, port: BridgePort) -> NetworkSpace:
    assert port.peer is not None
    eth0 = NetworkDevice(
        index=2, name="eth0", kind="veth", peer=LinkEnd(namespace=HOST, index=port.index), is_pair=True,
        addresses=(port.address or "",), mac=port.mac or "", mtu=1500, counters=port.counters, rates=port.rates,
    )  # fmt: skip
    return NetworkSpace(
        inode=port.peer.namespace, container_ids=(container.id,), container_names=(container.name,),
        pid=container.pid, command="sh", devices=(NetworkDevice(index=1, name="lo"), eth0),
    )  # fmt: skip


def _stranger() -> NetworkSpace:
    return NetworkSpace(
        inode=HOST + 900,
        pid=4711,
        command="sleep",
        devices=(NetworkDevice(index=2, name="left0", kind="veth", is_pair=True, is_up=False, mtu=1400),),
    )
