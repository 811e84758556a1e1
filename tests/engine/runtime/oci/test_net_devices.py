"""Network devices of the host's that are moved into a container (linux.netDevices)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm

ADDRESSES = ("10.77.0.1/24", "fd77::1/64")


class Machine:
    """A network namespace that plays the host's: two ends of a veth pair, ``left`` with addresses."""

    def __init__(self, pid: int) -> None:
        self._enter = ("nsenter", f"--net=/proc/{pid}/ns/net")
        self.ip("link", "add", "left", "type", "veth", "peer", "name", "right")
        for address in ADDRESSES:
            self.ip("address", "add", address, "dev", "left")
        self.ip("link", "set", "left", "up")

    def ip(self, *words: str) -> str:
        """What ``ip`` prints here."""
        return subprocess.run([*self._enter, "ip", *words], check=True, capture_output=True, text=True).stdout

    def addresses(self, device: str) -> list[str]:
        """The global addresses of a device."""
        lines = self.ip("-o", "address", "show", "dev", device, "scope", "global").splitlines()
        return sorted(line.split()[3] for line in lines)

    def devices(self) -> list[str]:
        """Names of all devices but loopback and what tunnel modules put into every namespace."""
        names = [line.split()[1].rstrip(":").partition("@")[0] for line in self.ip("-o", "link").splitlines()]
        return sorted(set(names) & {"left", "right", "inner"})

    def run(self, runtime: Runtime) -> subprocess.CompletedProcess[str]:
        """Run the container, whose host this is."""
        command = [*self._enter, *runtime.argv, "run", "--bundle", str(runtime.bundle), "one"]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE) as host:
        try:
            assert host.stdout is not None and host.stdout.readline()
            yield Machine(host.pid)
        finally:
            host.kill()


def add_devices(runtime: Runtime, devices: dict[str, dict[str, str]], **linux: object) -> None:
    path = runtime.bundle / "config.json"
    spec = msgspec.json.decode(path.read_bytes())
    spec["linux"].update(linux, netDevices=devices)
    path.write_bytes(msgspec.json.encode(spec))


def test_a_device_comes_along_with_its_addresses_under_a_name_of_its_own(runtime: Runtime, machine: Machine) -> None:
    runtime.describe("sh", "-c", "ip -o link show inner; ip -o address show dev inner scope global")
    add_devices(runtime, {"left": {"name": "inner"}, "right": {}})
    done = machine.run(runtime)
    assert done.returncode == 0, done.stderr
    link, *addresses = done.stdout.splitlines()
    assert "UP" in link.partition("<")[2].partition(">")[0].split(",")
    assert sorted(line.split()[3] for line in addresses) == sorted(ADDRESSES)


@pytest.mark.parametrize(
    ("devices", "complaint"),
    [
        ({"left": {"name": "inner"}, "nothing": {}}, "there is no network device nothing"),
        ({"left": {"name": "a/b"}}, "'a/b' can't be the name of a network device"),
        ({"left": {"name": "inner"}, "right": {"name": "lo"}}, "has a network device lo already"),
        ({"left": {"name": "inner"}, "right": {"name": "inner"}}, "has a network device inner already"),
    ],
)
def test_one_that_can_t_be_moved_leaves_all_where_they_were(
    runtime: Runtime, machine: Machine, devices: dict[str, dict[str, str]], complaint: str
) -> None:
    runtime.describe("true")
    add_devices(runtime, devices)
    done = machine.run(runtime)
    assert done.returncode == 1 and complaint in done.stderr
    assert machine.devices() == ["left", "right"]
    assert machine.addresses("left") == sorted(ADDRESSES)


def test_a_container_on_the_hosts_network_gets_none(runtime: Runtime, machine: Machine) -> None:
    runtime.describe("true")
    namespaces = [{"type": kind} for kind in ("mount", "uts", "ipc", "pid")]
    add_devices(runtime, {"left": {}}, namespaces=namespaces)
    assert "has none of its own" in machine.run(runtime).stderr
    assert machine.devices() == ["left", "right"]
