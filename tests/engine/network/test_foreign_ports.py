"""Ports that others have published are on the map, where it is certain that they lead there."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from engine.model import PortMap
from engine.network import transport
from engine.network.networks import Networks
from engine.network.topology import foreign_ports, legacy_ports
from tests.engine.network.boxes import Box, shell

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]

NFT = """
table ip {name} {{
    map few {{ type inet_service : ipv4_addr; elements = {{ 9000 : 172.17.0.2 }} }}
    chain own {{
        iifname "docker0" return
        iifname != "docker0" tcp dport 8080 counter dnat to 172.17.0.2:80
        ip daddr 192.0.2.5 udp dport 53 dnat to 172.17.0.2:5353
        ip protocol tcp th dport 22 dnat to 172.17.0.2
        tcp dport 7000-7005 dnat to 172.17.0.2:7000
        tcp dport 7100 dnat to 172.17.0.2:7100-7110
        tcp dport != 7200 dnat to 172.17.0.2:7200
        tcp dport 7300 ip saddr 10.0.0.0/8 dnat to 172.17.0.2:7300
        tcp dport 7350 tcp dport 7351 dnat to 172.17.0.2:7350
        ip daddr 10.0.0.0/8 tcp dport 7400 dnat to 172.17.0.2:7400
        dnat to tcp dport map @few
    }}
    chain pre {{
        type nat hook prerouting priority -100
        fib daddr type local counter jump own
    }}
    chain out {{
        type nat hook output priority -100
        tcp dport 7500 dnat to 172.17.0.2:7500
    }}
}}
table ip6 {name} {{
    chain pre {{
        type nat hook prerouting priority -100
        tcp dport 8080 dnat to [fd00::2]:80
    }}
}}
"""
IPTABLES = """
    iptables-{kind} -t nat -N DOCKER
    iptables-{kind} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    iptables-{kind} -t nat -A DOCKER -i docker0 -j RETURN
    iptables-{kind} -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    iptables-{kind} -t nat -A DOCKER -d 127.0.0.1/32 ! -i docker0 -p udp --dport 53 -j DNAT --to 172.17.0.2:53
    iptables-{kind} -t nat -N CNI-DN
    iptables-{kind} -t nat -A DOCKER -p tcp -m comment --comment web -m multiport --dports 8090 -j CNI-DN
    iptables-{kind} -t nat -A CNI-DN -p tcp --dport 8090 -j DNAT --to-destination 10.88.0.2:80
    iptables-{kind} -t nat -A CNI-DN -p tcp --dport 8091 -j DNAT --to-destination 10.88.0.2:81
    iptables-{kind} -t nat -A DOCKER -p tcp -m multiport --dports 8092,8093 -j DNAT --to-destination 10.88.0.2:80
    iptables-{kind} -t nat -A DOCKER -p tcp -m multiport --sports 8094 -j DNAT --to-destination 10.88.0.2:80
    iptables-{kind} -t nat -A DOCKER -p tcp -m tcp --dport 7000:7005 -j DNAT --to-destination 172.17.0.2
    iptables-{kind} -t nat -A DOCKER -p tcp -m tcp ! --dport 7100 -j DNAT --to-destination 172.17.0.2:7100
    iptables-{kind} -t nat -A DOCKER -p tcp -m tcp --sport 7200 --dport 7200 -j DNAT --to-destination 172.17.0.2:7200
    iptables-{kind} -t nat -A DOCKER -s 10.0.0.0/8 -p tcp -m tcp --dport 7300 -j DNAT --to-destination 172.17.0.2:7300
"""


PROXY = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, b"docker-proxy")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def netfilter(machine: None) -> Iterator[socket.socket]:
    """Of a machine of its own."""
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        yield sock


def words(ports: Iterator[PortMap]) -> set[str]:
    return {f"{p.host_address} {p.host_port}/{p.protocol} {p.address} {p.port} by {p.by}" for p in ports}


def test_rules_of_nft_are_followed_as_far_as_they_are_certain(netfilter: socket.socket) -> None:
    shell(f"nft -f - <<'E'\n{NFT.format(name='theirs')}\nE")
    shell(f"nft -f - <<'E'\n{NFT.format(name='own')}\nE")
    assert words(foreign_ports.read(netfilter, "own")) == {
        "0.0.0.0 8080/tcp 172.17.0.2 80 by the chain ip theirs own",
        "192.0.2.5 53/udp 172.17.0.2 5353 by the chain ip theirs own",
        "0.0.0.0 22/tcp 172.17.0.2 22 by the chain ip theirs own",
        ":: 8080/tcp fd00::2 80 by the chain ip6 theirs pre",
    }


def has_iptables(kind: str) -> bool:
    command = [f"iptables-{kind}", "-t", "nat", "-S"]
    if shutil.which(command[0]) is None:
        return False
    return not subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("kind", "name"), [("nft", "the chain ip nat"), ("legacy", "the legacy iptables chain")])
def test_rules_of_iptables_are_those_that_docker_and_podman_make(
    netfilter: socket.socket, kind: str, name: str
) -> None:
    if not has_iptables(kind):
        pytest.skip(f"iptables-{kind} isn't installed, or this kernel hasn't got it: apt-get install iptables")
    shell(f"set -e; {IPTABLES.format(kind=kind)}")
    found, other = foreign_ports.read(netfilter, "own"), legacy_ports.read()
    if kind == "legacy":
        found, other = other, found
    assert words(found) == {
        f"0.0.0.0 8080/tcp 172.17.0.2 80 by {name} DOCKER",
        f"127.0.0.1 53/udp 172.17.0.2 53 by {name} DOCKER",
        f"0.0.0.0 8090/tcp 10.88.0.2 80 by {name} CNI-DN",
    }
    assert words(other) == set()


def test_legacy_rules_of_ipv6_and_of_the_chain_itself_are_read_too(netfilter: socket.socket) -> None:
    if not has_iptables("legacy"):
        pytest.skip("iptables-legacy isn't installed, or this kernel hasn't got it: apt-get install iptables")
    assert words(legacy_ports.read()) == set()
    shell("iptables-legacy -t nat -A PREROUTING -p sctp --dport 99 -j DNAT --to-destination 172.17.0.2")
    shell("iptables-legacy -t nat -A PREROUTING -p tcp --dport 81 -d 10.0.0.0/8 -j DNAT --to-destination 172.17.0.2")
    shell("iptables-legacy -t nat -A PREROUTING -p udp --dport 82 ! -d 127.0.0.0/8 -j DNAT --to-destination 172.17.0.2")
    shell("iptables-legacy -t nat -A OUTPUT -p tcp --dport 83 -j DNAT --to-destination 172.17.0.2:83")
    shell("ip6tables-legacy -t nat -A PREROUTING -p tcp --dport 84 -j DNAT --to-destination [fd00::2]:80")
    assert words(legacy_ports.read()) == {
        "0.0.0.0 82/udp 172.17.0.2 82 by the legacy iptables chain PREROUTING",
        ":: 84/tcp fd00::2 80 by the legacy ip6tables chain PREROUTING",
    }


async def test_a_port_of_dockers_is_on_the_map_with_who_has_it(box: Boxes, engine_on: Maker) -> None:
    networks, theirs = engine_on(), box()
    shell("ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
    shell(f"ip link add veth1 up master docker0 type veth peer name eth0 netns {theirs.pid}")
    theirs.run("ip addr add 172.17.0.2/16 dev eth0; ip link set eth0 up")
    shell("nft add table ip mine; nft add chain ip mine pre '{ type nat hook prerouting priority -100; }'")
    shell("nft add rule ip mine pre tcp dport 80 dnat to 172.17.0.2:8000")
    shell("nft add rule ip mine pre tcp dport 81 dnat to 192.0.2.77:8000")  # of nobody's here
    argv = [sys.executable, "-c", PROXY, *["-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "443"]]
    argv += ["-container-ip", "172.17.0.2", "-container-port", "8443"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as proxy:
        assert proxy.stdin is not None and proxy.stdout is not None
        proxy.stdout.readline()
        found = await networks.topology([])
        proxy.stdin.close()
    who = f"sleep ({theirs.pid})"
    assert [(p.host_port, p.port, p.container_name, p.container_id, p.by) for p in found.ports] == [
        (80, 8000, who, None, "the chain ip mine pre"),
        (443, 8443, who, None, f"docker-proxy ({proxy.pid})"),
    ]
