"""Bytes per second from container to container and to the host, beside docker's bridge. ``make bench``; see ``--help``.

iperf3 runs in the network namespaces of containers of both, in short runs that take turns; either has a machine of its
own, a network namespace without firewalls of others. Without dockerd, a bridge with two veth pairs made by hand
is what is compared with: that is what docker makes.

On few processors iperf3 tells more of who was scheduled where than of the way: runs of the very same differ by a third.
So shares are medians over rounds, and the way itself is measured apart, by one thread that sends and receives in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
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
from tests.benchmarks import exchange
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
_IPERF = ("chrt", "--fifo", "1", "iperf3", "-p", _PORT)  # what else this machine does shouldn't decide
_BOXDECK, _DOCKER, _BY_HAND = "boxdeck", "docker", "a bridge made by hand"
_BETWEEN, _TO_HOST = "container to container", "container to the host"


class Flow(NamedTuple):
    """One round of a way: what went over a connection of iperf3's, and what it cost.

    Attributes:
        processor_ms: a gigabit, of both ends of iperf3 together.
        one_thread_ms: a gigabit, of processor time, see `tests.benchmarks.exchange`.
    """

    bits_per_second: float
    processor_ms: float
    one_thread_ms: float


class Way(NamedTuple):
    """From a client to a server: their network namespaces, as paths, and the server's address."""

    client: str
    server: str
    address: str


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=15, help="[15]")
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


async def _measure(boxdeck: CommandLine, folder: Path, rounds: int, seconds: int) -> dict[tuple[str, str], list[Flow]]:
    """All rounds, by what was measured and whose it is."""
    async with Engine.open(str(boxdeck.paths.root), str(boxdeck.paths.runroot)) as engine:
        request = replace(REQUEST, network="bridge", command=SLEEP)
        pair = [await engine.containers.run(request) for _ in range(2)]
        with ExitStack() as stack:
            ways = {(what, _BOXDECK): way for what, way in _ours(*pair).items()}
            other, theirs = stack.enter_context(_docker(folder) if _has_docker() else _by_hand())
            ways |= {(what, other): way for what, way in theirs.items()}
            return await asyncio.to_thread(_taken_in_turns, ways, rounds, seconds)


def _taken_in_turns(
    ways: Mapping[tuple[str, str], Way], rounds: int, seconds: int
) -> dict[tuple[str, str], list[Flow]]:
    found: dict[tuple[str, str], list[Flow]] = {key: [] for key in ways}
    for _ in range(rounds):
        for key in random.sample(list(ways), len(ways)):
            found[key].append(Flow(*_flow(ways[key], seconds), _one_thread_ms(ways[key])))
    return found


def _flow(way: Way, seconds: int) -> tuple[float, float]:
    """Over one connection of TCP, as the receiver counts it."""
    server = subprocess.Popen(
        [*_in(way.server), *_IPERF, "-s", "-1", "--forceflush"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout is not None
        while b"Server listening" not in server.stdout.readline():
            pass
        command = [*_in(way.client), *_IPERF, "-c", way.address, "-t", str(seconds), "-J"]
        said = subprocess.run(command, check=True, capture_output=True, timeout=seconds + _PATIENCE_SECONDS).stdout
    finally:
        server.terminate()
        server.wait()
    end = json.loads(said)["end"]
    bits, used = end["sum_received"]["bits_per_second"], end["cpu_utilization_percent"]
    return bits, (used["host_total"] + used["remote_total"]) * 10 / (bits / 1e9)


def _one_thread_ms(way: Way) -> float:
    client, server = (os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in (way.client, way.server))
    try:
        return exchange.processor_ms_per_gigabit(client, server, way.address)
    finally:
        os.close(client)
        os.close(server)


def _ours(client: Container, server: Container) -> dict[str, Way]:
    there = server.endpoints[0]
    inside = _network_of(client.pid or 0)
    return {
        _BETWEEN: Way(inside, _network_of(server.pid or 0), there.address.partition("/")[0]),
        _TO_HOST: Way(inside, _network_of(os.getpid()), there.gateway),
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
        client, server = (_network_of(each["State"]["Pid"]) for each in told)
        there = told[1]["NetworkSettings"]
        host = _network_of(quarters.daemons[0].pid)
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
        client, server = (_network_of(member.pid) for member in members)
        ways = {_BETWEEN: Way(client, server, "10.9.9.3"), _TO_HOST: Way(client, _network_of(host.pid), "10.9.9.1")}
        yield _BY_HAND, ways
    finally:
        for box in boxes:
            box.end()


def _network_of(pid: int) -> str:
    return f"/proc/{pid}/ns/net"


def _in(network: str) -> tuple[str, ...]:
    """What a command begins with that is run in a network namespace."""
    return ("nsenter", f"--net={network}", "--")


def _text(found: Mapping[tuple[str, str], Sequence[Flow]], rounds: int) -> str:
    lines = [
        f"iperf3, one connection, {rounds} rounds that take turns; medians; {machine(())}",
        "Processor time is a gigabit's: of iperf3, and of one thread that sends and receives in turn.",
        "",
    ]
    for (what, whose), flows in sorted(found.items()):
        others = [each for (same, other), each in found.items() if same == what and other != whose]
        shares = _shares(flows, others[0]) if whose == _BOXDECK else None
        ratio = "   {:.2f}, {:.2f} and {:.2f} of the other".format(*shares) if shares else ""
        flow = Flow(*map(statistics.median, zip(*flows, strict=True)))
        gigabits = flow.bits_per_second / 1e9
        numbers = f"{gigabits:6.2f} Gbit/s   {flow.processor_ms:5.1f} ms   {flow.one_thread_ms:5.1f} ms by one"
        lines.append(f"{f'{what}, {whose}':<38} {numbers}{ratio}")
    return "\n".join(lines) + "\n"


def _shares(ours: Sequence[Flow], theirs: Sequence[Flow]) -> Flow:
    """Medians over rounds: what both did in one round, they did on the same machine."""
    rounds = [[mine / other for mine, other in zip(*both, strict=True)] for both in zip(ours, theirs, strict=True)]
    return Flow(*map(statistics.median, zip(*rounds, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
