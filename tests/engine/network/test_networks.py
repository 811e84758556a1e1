"""The default network: made when needed, once, and gone without a trace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from engine.errors import BoxdeckError, NotFound, Unsupported
from engine.network import claim, interface
from engine.network.networks import Networks
from tests.engine.network.boxes import add_container, shell

Maker = Callable[..., Networks]


def subnet_of(networks: Networks) -> IPv4Network:
    return IPv4Interface(address_of(networks)).network


def address_of(networks: Networks) -> str:
    return shell(f"ip -br -4 addr show {networks._paths.bridge_name}").split()[2]


async def test_a_bridge_appears_with_forwarding_and_masquerade(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    paths = networks._paths
    assert address_of(networks) == "10.89.0.1/24"
    assert interface.is_up(paths.bridge_name)
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"
    assert f'"{paths.bridge_name}" . 10.89.0.0/24' in shell(f"nft list set inet {paths.table_name} homes4")


async def test_asking_again_changes_nothing(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    before = shell("ip -o addr; nft -a list ruleset")
    await networks.ensure()
    assert shell("ip -o addr; nft -a list ruleset") == before


async def test_what_somebody_removed_comes_back(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    shell(f"ip link del {networks._paths.bridge_name}; nft flush ruleset; echo 0 > /proc/sys/net/ipv4/ip_forward")
    await networks.ensure()
    assert address_of(networks) == "10.89.0.1/24"
    assert "masquerade" in shell("nft list ruleset")
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"


async def test_a_bridge_that_was_made_halfway_is_finished(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    name = networks._paths.bridge_name
    shell(f"ip link add {name} type bridge; ip addr add 10.89.9.1/24 dev {name}")
    await networks.ensure()
    assert address_of(networks) == "10.89.0.1/24"
    assert interface.is_up(name)
    assert "10.89.9.1" not in shell("ip addr")


async def test_the_hosts_own_addresses_and_routes_are_avoided(machine: None, engine_on: Maker) -> None:
    shell("ip link add lan type bridge; ip addr add 10.89.0.5/24 dev lan; ip link set lan up")
    shell("ip route add 10.89.1.0/24 via 10.89.0.9")
    shell("ip route add default via 10.89.0.1; ip route add 10.89.2.128/25 dev lan table 7")
    networks = engine_on()
    await networks.ensure()
    assert address_of(networks) == "10.89.3.1/24"


async def test_the_bridge_takes_no_larger_packets_than_the_way_out(machine: None, engine_on: Maker) -> None:
    shell("ip link add lan mtu 1400 type bridge; ip addr add 192.0.2.5/24 dev lan; ip link set lan up")
    shell("ip route add default via 192.0.2.1")
    networks = engine_on()
    await networks.ensure()
    assert interface.mtu_of(networks._paths.bridge_name) == 1400


async def test_engines_on_different_roots_get_different_subnets(machine: None, engine_on: Maker) -> None:
    engines = [engine_on(f"root-{n}") for n in range(5)]
    await asyncio.gather(*(engine.ensure() for engine in engines))
    subnets = {subnet_of(engine) for engine in engines}
    assert len(subnets) == 5
    assert shell("nft list tables").count("table inet boxdeck_") == 5


async def test_engines_on_the_same_root_share_one_bridge(machine: None, engine_on: Maker) -> None:
    engines = [engine_on("root") for _ in range(3)]
    await asyncio.gather(*(engine.ensure() for engine in engines))
    assert shell("ip -br link show type bridge").count("\n") == 1
    assert shell(f"nft list set inet {engines[0]._paths.table_name} bridges").count("10.89.0.0/24") == 1


async def test_after_a_reboot_the_subnet_is_the_same(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    shell("ip link add lan type bridge; ip addr add 10.89.0.5/24 dev lan")
    await networks.ensure()
    shell(f"ip link del {networks._paths.bridge_name}; ip link del lan")
    await networks.ensure()
    assert address_of(networks) == "10.89.1.1/24"


async def test_a_subnet_that_was_taken_meanwhile_is_given_up_with_its_leases(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    container_id = add_container(networks, 1)
    assert networks.lease(container_id).address == "10.89.0.2/24"
    shell(f"ip link del {networks._paths.bridge_name}")
    shell("ip link add vpn type bridge; ip addr add 10.89.0.99/24 dev vpn; ip link set vpn up")
    await networks.ensure()
    assert networks.lease(container_id).address == "10.89.1.2/24"
    assert "10.89.1.0/24" in shell(f"nft list table inet {networks._paths.table_name}")


async def test_a_reset_leaves_nothing_of_ours_and_all_of_others(machine: None, engine_on: Maker) -> None:
    mine, other = engine_on("mine"), engine_on("other")
    shell("nft add table inet stranger; ip link add lan type bridge")
    await other.ensure()
    look = "ip -o link | cut -d: -f2; ip -o -4 addr; nft list ruleset; ip route | cut -d' ' -f1-3"
    before = shell(look)
    await mine.ensure()
    await mine.reset()
    assert shell(look) == before
    await mine.reset()
    await mine.ensure()
    assert address_of(mine) == "10.89.1.1/24"


async def test_a_lock_that_a_stranger_holds_delays_but_does_not_stop(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_PATIENCE_SECONDS", 0.05)
    networks = engine_on()
    async with claim.subnets_claimed():
        await networks.ensure()
    assert address_of(networks) == "10.89.0.1/24"


async def test_an_unknown_network_is_not_found(machine: None, engine_on: Maker) -> None:
    with pytest.raises(NotFound, match="no network 'blue'"):
        await engine_on().ensure("blue")


async def test_a_plan_for_a_bridge_that_has_gone_says_so(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    endpoint = networks.lease(add_container(networks, 1))
    shell(f"ip link del {networks._paths.bridge_name}")
    with pytest.raises(NotFound, match="has gone"):
        await networks.plan([endpoint])


async def test_without_privilege_one_sentence_says_what_to_do(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    os.seteuid(65534)  # which takes the effective capabilities, too (capabilities(7))
    try:
        with pytest.raises(Unsupported) as info:
            await networks.ensure()
    finally:
        os.seteuid(0)
    assert isinstance(info.value, BoxdeckError)
    assert str(info.value).endswith("run as root, or without a network (--network none)")
    assert "\n" not in str(info.value)


async def test_a_warm_ensure_and_plan_cost_little(machine: None, engine_on: Maker) -> None:
    import time

    networks = engine_on()
    await networks.ensure()
    endpoint = networks.lease(add_container(networks, 1))
    costs = []
    for _ in range(10):
        started = time.perf_counter()
        await networks.ensure()
        await networks.plan([endpoint])
        costs.append(time.perf_counter() - started)
    assert min(costs) < 0.030
