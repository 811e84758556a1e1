"""Traffic as the sampler reads it, every second: of containers, from inside, and of the machine's real devices."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyroute2.netlink.rtnl.ifstatsmsg import ifstatsmsg

from engine.network import hardware, interface, links, transport
from engine.network.counters import CounterReader
from engine.network.hardware import Hardware
from engine.network.networks import Networks
from tests.engine.network.boxes import Box, shell
from tests.engine.network.test_topology import connected, endpoint_of, send_a_million_bytes

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]

pytestmark = pytest.mark.vm


async def test_bytes_are_counted_as_the_container_sees_them(box: Boxes, engine_on: Maker) -> None:
    networks, sender, receiver = engine_on(), box(), box()
    containers = [await connected(networks, sender, 1), await connected(networks, receiver, 2)]
    names = [endpoint_of(container).host_interface for container in containers]
    with networks.counters() as reader:
        send_a_million_bytes(sender, receiver, endpoint_of(containers[1]).address.partition("/")[0])
        counters = reader.read(names)
    out, into = (counters[name] for name in names)
    assert 1_000_000 < out.sent_bytes < 1_200_000 > out.received_bytes + 900_000
    assert 1_000_000 < into.received_bytes < 1_200_000
    assert out.sent_packets > 0 and into.received_packets > 0 and out.sent_errors == into.received_errors == 0


async def test_interfaces_come_go_and_come_again_under_the_same_name(machine: None) -> None:
    with CounterReader() as reader:
        assert reader.read(["first"]) == {}
        for _ in range(3):
            shell("ip link add first type veth peer name second; ip link set first up; ip link set second up")
            assert set(reader.read(["first", "third"])) == {"first"}
            shell("ip link del first")
            assert reader.read(["first", "third"]) == {}


def test_a_name_that_is_nowhere_is_asked_for_once(machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    index_of = interface.index_of

    def noted(name: str) -> int | None:
        asked.append(name)
        return index_of(name)

    monkeypatch.setattr(interface, "index_of", noted)
    with CounterReader() as reader:
        shell("ip link add first type veth peer name second; ip link set first up; ip link set second up")
        for _ in range(3):
            assert set(reader.read(["first", "gone"])) == {"first"}
        assert asked == ["first", "gone"]
        reader.read(["first", "gone", "lost"])
        assert asked[2:] == ["lost"]
        shell("ip link add gone type bridge; ip link set gone up")
        assert set(reader.read(["first", "gone", "lost"])) == {"first", "gone"}
        shell("ip link set gone down; ip link set gone name lost; ip link set lost up")  # which is the same device
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 60)
        assert "lost" in reader.read(["first", "lost"])


def test_as_long_as_nothing_is_counted_it_is_the_very_same_answer(machine: None) -> None:
    shell("ip link set lo up; ip link add first type bridge; ip link add second type bridge")
    with CounterReader() as reader:
        before = reader.read(["lo", "first"])
        assert reader.read(["lo", "first"]) is before
        shell("ping -c 1 -q 127.0.0.1 > /dev/null")
        after = reader.read(["lo", "first"])
        assert after["lo"].sent_packets > before["lo"].sent_packets
        assert after["first"] is before["first"]
        assert reader.read(["lo", "first"]) is after
        assert reader.read(["lo", "first", "second"]).keys() == {"lo", "first", "second"}
        assert reader.read(["second"]).keys() == {"second"}


def test_a_few_devices_say_the_same_as_in_a_dump_of_all(machine: None) -> None:
    shell(
        "ip link add first type veth peer name second; ip link set first up; ip link set second up; ip link set lo up"
    )
    with transport.open_socket() as sock:
        every = links.StatisticsReader(sock)
        first, second, lo = (interface.index_of(name) or 0 for name in ("first", "second", "lo"))
        few = links.FewStatisticsReader(sock, [second, lo])
        for _ in range(2):
            shell("ping -c 1 -q 127.0.0.1 > /dev/null || true")
            counted = every.read()
            assert few.read() == {second: counted[second], lo: counted[lo]}
        shell("ip link del first")
        assert few.read().keys() == {lo} <= every.read().keys() and first not in every.read()
        assert links.FewStatisticsReader(sock, []).read() == {}


def test_all_devices_are_looked_at_only_when_it_is_time_or_one_has_gone(
    machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = 0
    read = links.StatisticsReader.read

    def noted(reader: links.StatisticsReader) -> dict[int, bytes]:
        nonlocal dumps
        dumps += 1
        return read(reader)

    monkeypatch.setattr(links.StatisticsReader, "read", noted)
    shell("ip link add first type veth peer name second; ip link add third type bridge")
    shell("ip link set first up; ip link set second up; ip link set third up")
    with CounterReader() as reader:
        assert [set(reader.read(["first"])) for _ in range(5)] == [{"first"}] * 5 and dumps == 1
        assert set(reader.read(["first", "third"])) == {"first", "third"} and dumps == 2
        shell("ip link del third; ip link add third type bridge; ip link set third up")
        assert set(reader.read(["first", "third"])) == {"first", "third"} and dumps == 3
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 5)
        assert [set(reader.read(["first", "third"])) for _ in range(3)] == [{"first", "third"}] * 3 and dumps == 4


async def test_numbers_are_those_that_pyroute2_decodes(box: Boxes, engine_on: Maker) -> None:
    networks, sender, receiver = engine_on(), box(), box()
    containers = [await connected(networks, sender, 1), await connected(networks, receiver, 2)]
    send_a_million_bytes(sender, receiver, endpoint_of(containers[1]).address.partition("/")[0])
    with transport.open_socket() as sock:
        ours = {index: links.statistics(packed) for index, packed in links.StatisticsReader(sock).read().items()}
        theirs = [_decoded(bytes(message.payload)) for message in transport.dump(sock, _their_request())]
    assert len(ours) == len(theirs) >= 4
    for message in theirs:
        numbers = message.get_attr("IFLA_STATS_LINK_64")
        for name in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_dropped"):
            assert getattr(ours[message["ifindex"]], name) == numbers[name]


def _their_request() -> bytes:
    message = ifstatsmsg()
    message["filter_mask"] = 1
    message["header"]["type"] = 94
    message.encode()
    return bytes(message.data)


def _decoded(payload: bytes) -> ifstatsmsg:
    message = ifstatsmsg((len(payload) + 16).to_bytes(4, "little") + bytes(12) + payload)
    message.decode()
    return message


def test_the_machines_own_traffic_is_that_of_its_real_devices(
    machine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_FOLDER", str(tmp_path))
    shell(
        "ip link add br0 type bridge; ip link add wan type veth peer name p1; ip link add veth0 type veth peer name p2"
    )
    for device, parts in {"lo": (), "br0": ("bridge",), "wan": (), "p1": ("master",), "veth0": ("brport",)}.items():
        for part in parts or (".",):
            (tmp_path / device / part).mkdir(parents=True, exist_ok=True)
    (tmp_path / "p2").symlink_to("p1")
    with transport.open_socket() as sock:
        names = {link.index: link.name for link in links.read(sock)}
    assert {names[index] for index in Hardware().among(names.keys())} == {"wan"}  # where nothing has a driver
    (tmp_path / "p1" / "device").mkdir()
    assert {names[index] for index in Hardware().among(names.keys())} == {"p1", "p2"}


def test_the_real_devices_are_asked_for_again_when_one_comes(
    machine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_FOLDER", str(tmp_path))
    (tmp_path / "usb0" / "device").mkdir(parents=True)
    with CounterReader() as reader:
        reader.read(())
        before = set(reader.machine)
        shell("ip link add usb0 type bridge")
        reader.read(())
        assert len(reader.machine) == 1 and set(reader.machine) != before


def test_closing_leaves_no_socket(machine: None) -> None:
    before = os.listdir("/proc/self/fd")
    CounterReader().close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
