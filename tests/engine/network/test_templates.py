"""Messages that were encoded once serve every later start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Endpoint
from engine.network import addresses, encode
from engine.network.networks import Networks
from engine.network.templates import TemplateFile, _filled, _filler
from tests.engine.network.boxes import Box, add_container

Maker = Callable[..., Networks]

private = st.one_of(st.integers(0x0A000000, 0x0AFFFFFF), st.integers(0xC0A80000, 0xC0A8FFFF))


def endpoint_at(number: int, name: str = "bd00000001") -> Endpoint:
    address = IPv4Address(number)
    subnet = IPv4Network((number, 24), strict=False)
    return Endpoint(
        network="bridge",
        bridge="boxdeck0",
        host_interface=name,
        container_interface="eth0",
        address=addresses.with_prefix(address, subnet),
        gateway=str(addresses.gateway_of(subnet)),
        mac=addresses.mac_of(address),
    )


@given(private, st.text("0123456789abcdef", min_size=8, max_size=8), st.integers(1, 2**31 - 1), st.integers(68, 65535))
def test_a_filled_template_is_what_would_have_been_encoded(number: int, digits: str, index: int, mtu: int) -> None:
    endpoint = endpoint_at(number, f"bd{digits}")
    template = encode.endpoint_plan(_filler(endpoint), index, mtu)
    assert _filled(template, endpoint) == encode.endpoint_plan(endpoint, index, mtu)


async def test_templates_are_kept_for_the_next_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TemplateFile(tmp_path / "run" / "templates")
    plan = await first.endpoint(endpoint_at(0x0A590007), 5, 1500)
    monkeypatch.setattr("engine.network.templates._encoded", None)
    second = TemplateFile(tmp_path / "run" / "templates")
    assert await second.endpoint(endpoint_at(0x0A590007), 5, 1500) == plan
    other = await second.endpoint(endpoint_at(0x0A590008), 5, 1500)
    assert other == encode.endpoint_plan(endpoint_at(0x0A590008), 5, 1500)


async def test_another_bridge_is_another_template(tmp_path: Path) -> None:
    file = TemplateFile(tmp_path / "templates")
    endpoint = endpoint_at(0x0A590007)
    for index, mtu in ((5, 1500), (6, 1500), (6, 1400)):
        assert await file.endpoint(endpoint, index, mtu) == encode.endpoint_plan(endpoint, index, mtu)
    moved = endpoint_at(0x0A590107)
    assert await file.endpoint(moved, 6, 1400) == encode.endpoint_plan(moved, 6, 1400)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x81\xa7made_by\xa3old"])
async def test_a_file_that_is_damaged_or_from_another_version_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "templates").write_bytes(content)
    endpoint = endpoint_at(0x0A590007)
    made = await TemplateFile(tmp_path / "templates").endpoint(endpoint, 5, 1500)
    assert made == encode.endpoint_plan(endpoint, 5, 1500)
    assert (tmp_path / "templates").read_bytes() not in (b"", content)


async def test_a_file_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    endpoint = endpoint_at(0x0A590007)
    made = await TemplateFile(tmp_path / "file" / "templates").endpoint(endpoint, 5, 1500)
    assert made == encode.endpoint_plan(endpoint, 5, 1500)


async def test_a_second_engine_connects_a_container_without_importing_pyroute2(
    box: Callable[[], Box], engine_on: Maker, tmp_path: Path
) -> None:
    networks = engine_on()
    await networks.ensure()
    await networks.plan(networks.lease(add_container(networks, 1)))
    container_id = add_container(networks, 2)
    program = f"""
import asyncio, sys, msgspec
from engine.network.networks import Networks
from engine.paths import Paths
from engine.store.database import Database

async def main():
    paths = Paths.resolve({str(networks._paths.root)!r}, {str(networks._paths.runroot)!r})
    networks = Networks(paths, Database(paths.database))
    await networks.ensure()
    plan = await networks.plan(networks.lease({container_id!r}))
    assert "pyroute2" not in sys.modules
    sys.stdout.buffer.write(msgspec.msgpack.encode(plan))

asyncio.run(main())
"""
    import msgspec

    from engine.network.plan import NetworkPlan

    other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    output, _ = await other.communicate()
    assert other.returncode == 0
    web = box()
    web.apply(msgspec.msgpack.decode(output, type=NetworkPlan))
    assert web.run("ip -br -4 addr show eth0").split()[1:] == ["UP", "10.89.0.3/24"]
