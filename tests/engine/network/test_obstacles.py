"""Rules of others that would keep packets from containers are told, and left alone."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import ip_interface

import pytest
from msgspec.structs import replace

from engine.network.obstacles import obstacles
from tests.engine.network.boxes import shell
from tests.engine.network.neighbourhood import HOST4, NEIGHBOUR4, Neighbourhood, ask

PORT = 8080
ANYWHERE = (("0.0.0.0", PORT), ("::", PORT))

_DOCKER = """
    nft add table ip filter
    nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
"""
_FIREWALLD = """
    nft add table inet firewalld
    nft add chain inet firewalld filter_FORWARD '{ type filter hook forward priority 10; }'
    nft add rule inet firewalld filter_FORWARD ct state established accept
    nft add rule inet firewalld filter_FORWARD counter reject with icmpx admin-prohibited
"""
OBSTACLES = {
    "docker's policy": (_DOCKER, "the chain ip filter FORWARD"),
    "firewalld's last rule": (_FIREWALLD, "the chain inet firewalld filter_FORWARD"),
}


@pytest.mark.parametrize("case", OBSTACLES)
async def test_what_would_block_containers_is_told_until_it_knows_of_them(around: Neighbourhood, case: str) -> None:
    commands, name = OBSTACLES[case]
    web = await around.member()
    around.publish(web, *ANYWHERE)
    table, bridge = around.networks._paths.table_name, web.endpoint.bridge
    assert obstacles(table, web.endpoint, has_ports=True) == ()
    shell(commands)
    assert ask(around.neighbour, HOST4, PORT, is_silent=True) is None
    (sentence,) = obstacles(table, web.endpoint, has_ports=True)
    assert sentence.startswith(f"{name} may drop what goes to containers")
    _, family, its_table, chain = name.removeprefix("the ").split()
    shell(f"nft insert rule {family} {its_table} {chain} oifname {bridge} accept")
    shell(f"nft insert rule {family} {its_table} {chain} iifname {bridge} accept")
    assert obstacles(table, web.endpoint, has_ports=True) == ()
    assert ask(around.neighbour, HOST4, PORT) == NEIGHBOUR4


async def test_of_a_container_without_ports_only_what_it_begins_is_told(around: Neighbourhood) -> None:
    web = await around.member()
    table, bridge = around.networks._paths.table_name, web.endpoint.bridge
    shell(_DOCKER)
    (sentence,) = obstacles(table, web.endpoint)
    assert sentence.startswith("the chain ip filter FORWARD may drop what containers send: ")
    shell(f"nft insert rule ip filter FORWARD iifname {bridge} accept")
    (sentence,) = obstacles(table, web.endpoint)
    assert sentence.startswith("the chain ip filter FORWARD may drop what comes back to containers: ")
    shell(f"nft insert rule ip filter FORWARD oifname {bridge} ct state established accept")
    assert obstacles(table, web.endpoint) == ()
    (sentence,) = obstacles(table, web.endpoint, has_ports=True)
    assert sentence.startswith("the chain ip filter FORWARD may drop what goes to containers: ")
    assert obstacles(table, replace(web.endpoint, gateway="", gateway6=""), has_ports=True) == ()


async def test_chains_that_only_refuse_some_are_no_obstacle(around: Neighbourhood) -> None:
    web = await around.member()
    shell("nft add table ip mine; nft add chain ip mine f '{ type filter hook forward priority 0; }'")
    shell(
        "nft add rule ip mine f ct state invalid drop; nft add chain ip mine i '{ type filter hook input priority 0; }'"
    )
    shell("nft add rule ip mine i drop")
    assert obstacles(around.networks._paths.table_name, web.endpoint, has_ports=True) == ()


_REJECTS = "iptables-{0} -A FORWARD -j REJECT"
_ANSWERS = "iptables-{0} -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
GOES, SENDS = "drop what goes to containers", "drop what containers send"

# What a person, docker or ufw says by iptables, and what becomes of packets; {bridge} and the like are the network's.
BY_IPTABLES = {
    "a last rule": ((_ANSWERS, _REJECTS), GOES),
    "a last rule in another chain": (
        ("iptables-{0} -N last", "iptables-{0} -A last -j DROP", "iptables-{0} -A FORWARD -j last"),
        GOES,
    ),
    "a policy, and rules that only name bridges of ours": (
        (
            "iptables-{0} -P FORWARD DROP",
            "iptables-{0} -A FORWARD -i bdk-other -j DROP",
            "iptables-{0} -A FORWARD -o bdk-other -j ACCEPT",
            "iptables-{0} -A FORWARD -i {bridge} -j ACCEPT",
            "iptables-{0} -A FORWARD -o {bridge} -p tcp --dport 22 -j ACCEPT",
        ),
        GOES,
    ),
    "only translation, of everything": (("iptables-{0} -t nat -A POSTROUTING -j MASQUERADE",), None),
    "a rule of its own": (("iptables-{0} -A FORWARD -o {bridge} -j DROP",), GOES),
    "only what containers begin": ((_ANSWERS, "iptables-{0} -A FORWARD -d {subnet} -j ACCEPT", _REJECTS), SENDS),
    "answers are lost": (("iptables-{0} -A FORWARD -o {bridge} -j ACCEPT", _REJECTS), SENDS),
    "the subnet is let pass": (
        (
            "iptables-{0} -A FORWARD -d {subnet} -j ACCEPT",
            "iptables-{0} -N ours",
            "iptables-{0} -A ours -s {subnet} -j ACCEPT",
            "iptables-{0} -A FORWARD ! -o {bridge} -g ours",
            "iptables-{0} -A FORWARD -m comment --comment bdk -i {bridge} -j ours",
            _REJECTS,
        ),
        None,
    ),
    "devices by a wildcard": (
        (
            "iptables-{0} -A FORWARD -i {wildcard} -j ACCEPT",
            "iptables-{0} -A FORWARD -o {wildcard} -j ACCEPT",
            _REJECTS,
        ),
        None,
    ),
    "what was translated": (
        (
            "iptables-{0} -A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
            "iptables-{0} -A FORWARD -i {bridge} -j ACCEPT",
            _REJECTS,
        ),
        "drop what comes back to containers",
    ),
    "what was translated, and answers": (
        (
            "iptables-{0} -A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
            "iptables-{0} -A FORWARD -i {bridge} -j ACCEPT",
            _ANSWERS,
            _REJECTS,
        ),
        None,
    ),
}


@pytest.mark.parametrize("kind", ["nft", "legacy"])
async def test_what_iptables_does_at_its_end_is_told(around: Neighbourhood, kind: str) -> None:
    if shutil.which(f"iptables-{kind}") is None:
        pytest.skip("iptables isn't installed: apt-get install iptables")
    if subprocess.run([f"iptables-{kind}", "-P", "FORWARD", "ACCEPT"], capture_output=True, check=False).returncode:
        pytest.skip(f"this kernel has no iptables-{kind}")
    web = await around.member()
    bridge, wildcard = web.endpoint.bridge, f"{web.endpoint.bridge[:4]}+"
    subnet = ip_interface(web.endpoint.address).network
    name = "the chain ip filter FORWARD" if kind == "nft" else "the legacy iptables chain FORWARD"
    for case, (commands, wanted) in BY_IPTABLES.items():
        shell(f"iptables-{kind} -F; iptables-{kind} -X; iptables-{kind} -P FORWARD ACCEPT; iptables-{kind} -t nat -F")
        shell("; ".join(commands).format(kind, bridge=bridge, wildcard=wildcard, subnet=subnet))
        found = obstacles(around.networks._paths.table_name, web.endpoint, has_ports=True)
        assert [sentence.partition(": ")[0] for sentence in found] == ([f"{name} may {wanted}"] if wanted else []), case


async def test_ip6tables_is_told_apart(around: Neighbourhood) -> None:
    web = await around.member()
    for kind, name in (("nft", "the chain ip6 filter FORWARD"), ("legacy", "the legacy ip6tables chain FORWARD")):
        command = [f"ip6tables-{kind}", "-A", "FORWARD", "-o", web.endpoint.bridge, "-j", "REJECT"]
        if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip(f"this kernel has no ip6tables-{kind}")
        (sentence,) = obstacles(around.networks._paths.table_name, web.endpoint, has_ports=True)
        assert sentence.startswith(f"{name} may {GOES}")
        shell(f"ip6tables-{kind} -F")


async def test_sets_of_devices_are_looked_into(around: Neighbourhood) -> None:
    web = await around.member()
    bridge = web.endpoint.bridge
    shell("nft add table inet mine; nft add chain inet mine f '{ type filter hook forward priority 5; policy drop; }'")
    shell(f"nft add rule inet mine f iifname {{ docker0, {bridge} }} accept")
    shell("nft add rule inet mine f oifname { docker0, docker1 } accept")
    assert len(obstacles(around.networks._paths.table_name, web.endpoint, has_ports=True)) == 1
    shell(f"nft add rule inet mine f meta mark set 7 oifname {{ docker0, {bridge} }} ct state new,established accept")
    assert obstacles(around.networks._paths.table_name, web.endpoint, has_ports=True) == ()
