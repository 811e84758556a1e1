"""Rules of others that would keep packets from containers are told, and left alone."""

from __future__ import annotations

import shutil
import subprocess

import pytest

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
    assert obstacles(table, bridge) == ()
    shell(commands)
    assert ask(around.neighbour, HOST4, PORT, is_silent=True) is None
    (sentence,) = obstacles(table, bridge)
    assert sentence.startswith(f"{name} may drop what goes to containers")
    _, family, its_table, chain = name.removeprefix("the ").split()
    shell(f"nft insert rule {family} {its_table} {chain} oifname {bridge} accept")
    shell(f"nft insert rule {family} {its_table} {chain} iifname {bridge} accept")
    assert obstacles(table, bridge) == ()
    assert ask(around.neighbour, HOST4, PORT) == NEIGHBOUR4


async def test_chains_that_only_refuse_some_are_no_obstacle(around: Neighbourhood) -> None:
    web = await around.member()
    shell("nft add table ip mine; nft add chain ip mine f '{ type filter hook forward priority 0; }'")
    shell(
        "nft add rule ip mine f ct state invalid drop; nft add chain ip mine i '{ type filter hook input priority 0; }'"
    )
    shell("nft add rule ip mine i drop")
    assert obstacles(around.networks._paths.table_name, web.endpoint.bridge) == ()


async def test_the_policy_of_iptables_legacy_is_told(around: Neighbourhood) -> None:
    if shutil.which("iptables-legacy") is None:
        pytest.skip("iptables-legacy isn't installed: apt-get install iptables")
    web = await around.member()
    if subprocess.run(["iptables-legacy", "-P", "FORWARD", "DROP"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel has no legacy iptables")
    (sentence,) = obstacles(around.networks._paths.table_name, web.endpoint.bridge)
    assert sentence.startswith("the legacy iptables chain FORWARD may drop")
