"""Bytes per second from container to container and to the host, beside docker's bridge. ``make bench``; see ``--help``.

iperf3 runs in the network namespaces of containers of both, in short runs that take turns; either has a machine of its
own, a network namespace without firewalls of others. Without dockerd, a bridge with two veth pairs made by hand
is what is compared with: that is what docker makes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from engine import Engine
from engine.errors import BoxdeckError
from engine.linux import namespaces
from engine.model import Container
from engine.network import loopback
from tests.benchmarks.fresh_root import fresh_root, is_root
from tests.benchmarks.managers import DOCKER
from tests.benchmarks.ours import REQUEST, SLEEP
from tests.benchmarks.peers import find
from tests.benchmarks.table import machine
from tests.command_line import CommandLine
from tests.engine.network.boxes import Box
from tests.peers import image
from tests.peers.daemons import Containerd, Docker, find_dockerd
from tests.peers.quarters import Quarters

_PROXY = DOCKER / "usr/sbin/docker-proxy"
_PORT = "5201"
_PATIENCE_SECONDS = 30
_IPERF = ("nice", "-n", "-20", "iperf3", "-p", _PORT)  # what else this machine does shouldn't decide
_BOXDECK, _DOCKER, _BY_HAND = "boxdeck", "docker", "a bridge made by hand"
_BETWEEN, _TO_HOST = "container to container", "container to the host"


class Flow(NamedTuple):
    """What went over a connection, and what it cost both ends together, which depends less on what else is done."""

    bits_per_second: float
    processor_ms_per_gigabit: float


class Way(NamedTuple):
    """From a client to a server: what their commands begin with, and the server's address."""

    client: Sequence[str]
    server: Sequence[str]
    address: str


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=9, help="[9]")
    parser.add_argument("--seconds", type=int, default=1, help="of each run [1]")
    options = parser.parse_args()
    if not is_root():
        return BoxdeckError.exit_status
    if find("iperf3") is None:
        sys.stderr.write("boxdeck: there is no iperf3: apt-get install iperf3\n")
        return BoxdeckError.exit_status
    namespaces.unshare(namespaces.CLONE_NEWNET)
    loopback.bring_up()
    with fresh_root() as (boxdeck, folder):
        found = asyncio.run(_measure(boxdeck, folder, options.rounds, options.seconds))
    sys.stdout.write(_text(found, options.rounds))
    return 0


async def _measure(boxdeck: CommandLine, folder: Path, rounds: int, seconds: int) -> dict[tuple[str, str], Flow]:
    """Medians, by what was measured and whose it is."""
    async with Engine.open(str(boxdeck.paths.root), str(boxdeck.paths.runroot)) as engine:
        request = replace(REQUEST, network="bridge", command=SLEEP)
        pair = [await engine.containers.run(request) for _ in range(2)]
        with ExitStack() as stack:
            ways = {(what, _BOXDECK): way for what, way in _ours(*pair).items()}
            other, theirs = stack.enter_context(_docker(folder) if _has_docker() else _by_hand())
            ways |= {(what, other): way for what, way in theirs.items()}
            return await asyncio.to_thread(_taken_in_turns, ways, rounds, seconds)


def _taken_in_turns(ways: Mapping[tuple[str, str], Way], rounds: int, seconds: int) -> dict[tuple[str, str], Flow]:
    found: dict[tuple[str, str], list[Flow]] = {key: [] for key in ways}
    for _ in range(rounds):
        for key in random.sample(list(ways), len(ways)):
            found[key].append(_flow(ways[key], seconds))
    return {key: Flow(*map(statistics.median, zip(*each, strict=True))) for key, each in found.items()}


def _flow(way: Way, seconds: int) -> Flow:
    """Over one connection of TCP, as the receiver counts it."""
    server = subprocess.Popen(
        [*way.server, *_IPERF, "-s", "-1", "--forceflush"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        while b"Server listening" not in server.stdout.readline():
            pass
        command = [*way.client, *_IPERF, "-c", way.address, "-t", str(seconds), "-J"]
        said = subprocess.run(command, check=True, capture_output=True, timeout=seconds + _PATIENCE_SECONDS).stdout
    finally:
        server.terminate()
        server.wait()
    end = json.loads(said)["end"]
    bits, used = end["sum_received"]["bits_per_second"], end["cpu_utilization_percent"]
    return Flow(bits, (used["host_total"] + used["remote_total"]) * 10 / (bits / 1e9))


def _ours(client: Container, server: Container) -> dict[str, Way]:
    there = server.endpoints[0]
    inside = _in_network_of(client.pid or 0)
    return {
        _BETWEEN: Way(inside, _in_network_of(server.pid or 0), there.address.partition("/")[0]),
        _TO_HOST: Way(inside, (), there.gateway),
    }


def _has_docker() -> bool:
    return bool(find("containerd") and find_dockerd(DOCKER) and find("runc"))


@contextmanager
def _docker(folder: Path) -> Iterator[tuple[str, dict[str, Way]]]:
    runtime = find("runc")
    assert runtime is not None
    archive, place = folder / "tiny.tar", folder / "docker"
    place.mkdir()
    image.write(archive, platform.machine())
    quarters = Quarters("bench-docker")
    try:
        containerd = Containerd(quarters, place, runtime)
        docker = Docker(containerd, place, DOCKER, runtime, "overlay2", ("--userland-proxy-path", str(_PROXY)))
        docker.ok("load", "--input", str(archive))
        pair = [docker.ok("run", "-d", image.NAME, "sleep", "100000").strip() for _ in range(2)]
        told = [json.loads(docker.ok("inspect", each))[0] for each in pair]
        client, server = (_in_network_of(each["State"]["Pid"]) for each in told)
        there = told[1]["NetworkSettings"]
        host = tuple(quarters.argv([]))
        yield (
            _DOCKER,
            {_BETWEEN: Way(client, server, there["IPAddress"]), _TO_HOST: Way(client, host, there["Gateway"])},
        )
    finally:
        quarters.leave()


@contextmanager
def _by_hand() -> Iterator[tuple[str, dict[str, Way]]]:
    boxes = [Box() for _ in range(3)]
    try:
        host, *members = boxes
        host.run("ip link add br0 type bridge; ip addr add 10.9.9.1/24 dev br0; ip link set br0 up")
        for number, member in enumerate(members):
            host.run(f"ip link add v{number} type veth peer name eth0 netns {member.pid}")
            host.run(f"ip link set v{number} master br0 up")
            member.run(f"ip addr add 10.9.9.{number + 2}/24 dev eth0; ip link set eth0 up")
        client, server = (_in_network_of(member.pid) for member in members)
        ways = {_BETWEEN: Way(client, server, "10.9.9.3"), _TO_HOST: Way(client, _in_network_of(host.pid), "10.9.9.1")}
        yield _BY_HAND, ways
    finally:
        for box in boxes:
            box.end()


def _in_network_of(pid: int) -> tuple[str, ...]:
    return ("nsenter", f"--net=/proc/{pid}/ns/net", "--")


def _text(found: Mapping[tuple[str, str], Flow], rounds: int) -> str:
    lines = [f"iperf3, one connection, {rounds} rounds that take turns; medians; {machine(())}", ""]
    for (what, whose), flow in sorted(found.items()):
        others = [each for (same, other), each in found.items() if same == what and other != whose]
        shares = [mine / theirs for mine, theirs in zip(flow, others[0], strict=True)] if whose == _BOXDECK else []
        ratio = "   {:.2f} and {:.2f} of the other".format(*shares) if shares else ""
        numbers = (
            f"{flow.bits_per_second / 1e9:6.2f} Gbit/s   {flow.processor_ms_per_gigabit:5.1f} ms of processor a Gbit"
        )
        lines.append(f"{f'{what}, {whose}':<45} {numbers}{ratio}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
