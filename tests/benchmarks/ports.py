"""How long a container with a published port takes from start to exit, beside others. ``make bench``; see ``--help``.

Each manager has the same tiny image, and podman and docker a network namespace of their own. Containers of ours have
been made before, as those of a program that embeds the engine; what making and removing one takes on top is a row, too.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec.structs import replace

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import Container, ContainerRequest
from engine.network import port_notation
from tests.benchmarks.contest import Contender, Result, contest
from tests.benchmarks.fresh_root import fresh_root, is_root
from tests.benchmarks.managers import DOCKER
from tests.benchmarks.ours import REQUEST, SLEEP, timed
from tests.benchmarks.peers import find
from tests.benchmarks.processor import ProcessorTime
from tests.benchmarks.stopwatch import Stopwatch, Timing
from tests.benchmarks.table import machine
from tests.command_line import CommandLine
from tests.peers import image
from tests.peers.daemons import Containerd, Docker, find_dockerd
from tests.peers.podman import Podman
from tests.peers.quarters import Quarters

_PROXY = DOCKER / "usr/sbin/docker-proxy"
_MANY = 1000
_PUBLISH = ("-p", "28480:80")
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")  # no CAP_SYS_RESOURCE everywhere


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ports", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=20, help="[20]")
    rounds = parser.parse_args().rounds
    if not is_root():
        return BoxdeckError.exit_status
    with fresh_root() as (boxdeck, folder), Stopwatch() as stopwatch, _peers(folder, stopwatch) as peers:
        found = asyncio.run(_measure(boxdeck, peers, rounds))
    sys.stdout.write(_text(found, rounds))
    return 0


async def _measure(boxdeck: CommandLine, peers: Mapping[str, Contender], rounds: int) -> dict[str, Result]:
    paths = boxdeck.paths
    with ProcessorTime(paths.tag, paths.cgroup_name) as processor:
        async with Engine.open(str(paths.root), str(paths.runroot)) as engine:
            alone = await contest(await _ours(engine) | peers, rounds, processor)
            in_a_row = await _start(engine, _request("28483:80"))
            before = await contest({"boxdeck, a port, nobody else in between": in_a_row}, rounds, processor)
            crowd = replace(_request(f"20000-{20000 + _MANY - 1}:1-{_MANY}"), command=SLEEP)
            await engine.containers.run(crowd)
            after = await contest({f"boxdeck, the same among {_MANY} ports": in_a_row}, rounds, processor)
            return alone | before | after


async def _ours(engine: Engine) -> dict[str, Contender]:
    async def life() -> int:
        request = replace(_request("28482:80"), auto_remove=True)
        return await (await engine.containers.run_attached(request)).wait()

    return {
        "boxdeck, no network": await _start(engine, REQUEST),
        "boxdeck, bridge": await _start(engine, replace(REQUEST, network="bridge")),
        "boxdeck, bridge, a port": await _start(engine, _request("28481:80")),
        "boxdeck, bridge, a port, made and removed": timed(life),
    }


def _request(ports: str) -> ContainerRequest:
    return replace(REQUEST, network="bridge", ports=port_notation.published(ports))


async def _start(engine: Engine, request: ContainerRequest) -> Contender:
    container: Container = await engine.containers.create(request)

    async def start() -> int:
        return await (await engine.containers.start_attached(container.id)).wait()

    return timed(start)


@contextmanager
def _peers(folder: Path, stopwatch: Stopwatch) -> Iterator[dict[str, Contender]]:
    """``podman run -p`` and ``docker run -p``, those that are installed."""
    with ExitStack() as stack:
        found = {}
        archive = folder / "tiny.tar"
        image.write(archive, platform.machine())
        if find("podman") and (runtime := find("crun") or find("runc")):
            podman = Podman(_quarters(stack, "podman"), _made(folder / "podman"), runtime, "overlay")
            podman.ok("load", "-i", str(archive))
            run = ("run", "--rm", "--cgroup-parent", podman.quarters.cgroup_parent, *_LIMITS, *_PUBLISH)
            found["podman run --rm -p"] = _command(stopwatch, podman.argv(*run, image.NAME, "true"))
        if find("containerd") and find_dockerd(DOCKER) and (runtime := find("runc")):
            place = _made(folder / "docker")
            containerd = Containerd(_quarters(stack, "docker"), place, runtime)
            docker = Docker(containerd, place, DOCKER, runtime, "overlay2", ("--userland-proxy-path", str(_PROXY)))
            docker.ok("load", "--input", str(archive))
            found["docker run --rm -p"] = _command(stopwatch, docker.argv("run", "--rm", *_PUBLISH, image.NAME, "true"))
        yield found


def _quarters(stack: ExitStack, name: str) -> Quarters:
    quarters = Quarters(f"bench-{name}")
    stack.callback(quarters.leave)
    return quarters


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _command(stopwatch: Stopwatch, argv: list[str]) -> Contender:
    async def run() -> Timing:
        return stopwatch.time([shutil.which(argv[0]) or argv[0], *argv[1:]])

    return run


def _text(found: Mapping[str, Result], rounds: int) -> str:
    peers = [result.wall_ms for name, result in found.items() if not name.startswith("boxdeck")]
    best = min(peers, default=None)
    lines = [f"{rounds} rounds, shuffled; medians; {machine(('podman', 'crun', 'runc'))}", ""]
    lines.append(f"{'start to exit of /bin/true':<46} {'wall':>8}   of the faster")
    for name, result in sorted(found.items(), key=lambda item: item[1].wall_ms):
        share = f"{result.wall_ms / best:.3f}" if best else "-"
        lines.append(f"{name:<46} {result.wall_ms:5.1f} ms   {share:>13}")
    none, bridge = found["boxdeck, no network"], found["boxdeck, bridge"]
    added = f"{bridge.wall_ms - none.wall_ms:+.1f} ms, of the quickest {bridge.least_ms - none.least_ms:+.1f} ms"
    lines += ["", f"{'what a network adds to a start of ours':<46} {added}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
