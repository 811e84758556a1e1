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
BOTH = (4, 6)


def endpoint_at(number: int, name: str = "bd00000001", prefix_length: int = 24, six: bool = True) -> Endpoint:
    address = IPv4Address(number)
    subnet = IPv4Network((number, prefix_length), strict=False)
    return Endpoint(
        network="bridge",
        bridge="boxdeck0",
        host_interface=name,
        container_interface="eth0",
        address=f"{address}/{prefix_length}",
        gateway=str(addresses.gateway_of(subnet)),
        address6=f"fd00::{number & 0xFFFF:x}/64" if six else "",
        gateway6="fd00::1" if six else "",
        mac=addresses.mac_of(address),
    )


@given(
    number=st.one_of(private, st.integers(0x01000000, 0xDFFFFFFF)),  # those of others can look like part of a message
    prefix_length=st.integers(8, 31),
    digits=st.text("0123456789abcdef", min_size=8, max_size=8),
    index=st.integers(1, 2**31 - 1),
    mtu=st.integers(68, 65535),
    six=st.booleans(),
    ways_out=st.sampled_from([(), (4,), (6,), BOTH]),
)
def test_a_filled_template_is_what_would_have_been_encoded(
    number: int, prefix_length: int, digits: str, index: int, mtu: int, six: bool, ways_out: tuple[int, ...]
) -> None:
    endpoint = endpoint_at(number, f"bd{digits}", prefix_length, six)
    template = encode.endpoint_plan(_filler(endpoint), index, mtu, ways_out)
    assert _filled(template, endpoint) == encode.endpoint_plan(endpoint, index, mtu, ways_out)


async def test_templates_are_kept_for_the_next_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TemplateFile(tmp_path / "run" / "templates")
    plan = await first.endpoint(endpoint_at(0x0A590007), 5, 1500, BOTH)
    other = encode.endpoint_plan(endpoint_at(0x0A590008), 5, 1500, BOTH)
    monkeypatch.setattr(encode, "endpoint_plan", None)
    second = TemplateFile(tmp_path / "run" / "templates")
    assert await second.endpoint(endpoint_at(0x0A590007), 5, 1500, BOTH) == plan
    assert await second.endpoint(endpoint_at(0x0A590008), 5, 1500, BOTH) == other


async def test_another_bridge_or_way_out_is_another_template(tmp_path: Path) -> None:
    file = TemplateFile(tmp_path / "templates")
    cases = [(5, 1500, BOTH), (6, 1500, BOTH), (6, 1400, BOTH), (6, 1400, (4,)), (6, 1400, ())]
    for endpoint in (endpoint_at(0x0A590007), endpoint_at(0x0A590107), endpoint_at(0x0A590007, six=False)):
        for case in cases * 2:
            assert await file.endpoint(endpoint, *case) == encode.endpoint_plan(endpoint, *case)


async def test_engines_add_to_each_others_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (TemplateFile(tmp_path / "templates") for _ in range(2))
    endpoint = endpoint_at(0x0A590007)
    made = [await one.endpoint(endpoint, 5, 1500, BOTH), await two.endpoint(endpoint, 6, 1500, BOTH)]
    monkeypatch.setattr(encode, "endpoint_plan", None)
    third = TemplateFile(tmp_path / "templates")
    assert [await third.endpoint(endpoint, index, 1500, BOTH) for index in (5, 6)] == made


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x81\xa7made_by\xa3old"])
async def test_a_file_that_is_damaged_or_from_another_version_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "templates").write_bytes(content)
    endpoint = endpoint_at(0x0A590007)
    made = await TemplateFile(tmp_path / "templates").endpoint(endpoint, 5, 1500, BOTH)
    assert made == encode.endpoint_plan(endpoint, 5, 1500, BOTH)
    assert (tmp_path / "templates").read_bytes() not in (b"", content)


async def test_a_file_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    endpoint = endpoint_at(0x0A590007)
    made = await TemplateFile(tmp_path / "file" / "templates").endpoint(endpoint, 5, 1500, BOTH)
    assert made == encode.endpoint_plan(endpoint, 5, 1500, BOTH)


async def test_a_second_engine_connects_a_container_without_importing_pyroute2(
    box: Callable[[], Box], engine_on: Maker, tmp_path: Path
) -> None:
    networks = engine_on()
    await networks.ensure()
    await networks.plan([networks.lease(add_container(networks, 1))])
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
    plan = await networks.plan([networks.lease({container_id!r})])
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
