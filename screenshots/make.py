"""Pictures of the app from a real session: real containers under real load, with the numbers that they had.

``make screenshots``, as root. Writes SVG files beside this file, and PNG ones where rsvg-convert is installed. The
engine's root is temporary and everything is cleaned up.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace
from textual.pilot import Pilot

from engine import Engine
from engine.config.model import Config
from engine.errors import BoxdeckError
from engine.layers import Commit
from engine.model import Container, ContainerRequest, Limits, NetworkRequest, PublishedPort
from engine.options import VolumeMount
from screenshots.svg import portable
from tui.app import BoxdeckApp

HERE = Path(__file__).parent
LARGE, SMALL = (132, 38), (80, 24)
HISTORY_SECONDS = 75  # so that graphs have something to show

BUSY = "i=$((RANDOM % {work} * 1000)); while [ $i -gt 0 ]; do i=$((i - 1)); done"
# Nobody listens there, and head would say so.
SEND = "head -c $((RANDOM % 9 * {bytes} + {bytes})) /dev/zero 2>/dev/null > /dev/udp/{address}/9"
SAY = '[ $((n % 4)) = 0 ] && echo "GET /deck/$n 200 $((RANDOM % 9 + 1)) ms"'
COMPLAIN = '[ $((n % 37)) = 0 ] && echo "upstream slow, retrying" >&2'
FILL = "data=$(head -c $((RANDOM % {spread} + {mib}))000000 /dev/zero | tr '\\0' x)"
LAYERS = (
    (
        "mkdir -p /opt/shop/cache; head -c 9000000 /dev/urandom > /opt/shop/engine.so; echo 1 > /opt/shop/version",
        "ENV A=1",
    ),
    (
        "head -c 4000000 /dev/urandom > /opt/shop/cache/index; echo 2 > /opt/shop/version; mkdir -p /srv/shop",
        "USER root",
    ),
    ("rm -rf /opt/shop/cache; cp /etc/passwd /srv/shop/people; echo shop >> /etc/hosts", 'CMD ["bash"]'),
)
WRITE = (
    "cd /srv/shop; rm people; mkdir -p orders/2026; echo open > state; echo till >> /etc/hosts;"
    " while :; do n=$((n + 1)); head -c 900 /dev/urandom > orders/2026/$n; sleep 2; done"
)
JOB = "echo 'packed 1,204 files'; exit 0"
BROKEN = "echo 'cannot reach the registry' >&2; exit 3"


def loop(*steps: str, pause: float, **values: object) -> str:
    """Steps to repeat, with a pause after each round."""
    body = "; ".join(step.format(**values) for step in steps)
    return f"while :; do n=$((n + 1)); {body}; sleep {pause}; done"


VIEWS = {"containers": "1", "images": "2", "networks": "3", "volumes": "4", "namespaces": "5", "host": "6"}
"""Each view's key."""

THEMES = ("boxdeck-dark", "boxdeck-light", "gruvbox")


def request(name: str, script: str, network: str = "bridge", **limits: float) -> ContainerRequest:
    """A container that runs a script with bash."""
    return ContainerRequest(
        image="base",
        name=name,
        command=("bash", "-c", script),
        network=network,
        limits=Limits(
            memory_bytes=int(limits["memory_mib"]) << 20 if "memory_mib" in limits else None,
            cpus=limits.get("cpus"),
            pids=int(limits["pids"]) if "pids" in limits else None,
        ),
    )


async def start_load(engine: Engine) -> None:
    """A small fleet with something to do."""
    ended = (request("packer", JOB, "none"), request("nightly", BROKEN, "none"))
    greedy = request("resizer", loop(FILL, pause=0, mib=90, spread=9), "none", memory_mib=64)
    for container in (*ended, greedy):
        await engine.containers.run(container)
    await engine.networks.create(NetworkRequest(name="backend"))
    files = VolumeMount(name="tables", destination="/var/lib/tables")
    store = request("db", loop(FILL, pause=0.9, mib=3, spread=6), memory_mib=256, pids=64)
    db = await engine.containers.run(replace(store, volumes=(files,)))
    await engine.networks.connect("backend", db.id)
    for unused in ("backups", "uploads"):
        await engine.volumes.create(unused)
    peer = address_of(db)
    cache = loop(FILL, SEND, pause=0.5, mib=2, spread=3, bytes=700, address=peer)
    await engine.containers.run(request("cache", cache, memory_mib=128, cpus=0.3))
    await engine.containers.run(request("worker-1", loop(BUSY, pause=0.4, work=60), cpus=0.4, memory_mib=96))
    await engine.containers.run(request("worker-2", loop(BUSY, pause=1.5, work=150), cpus=0.4, memory_mib=96))
    await engine.containers.run(request("mailer", loop(SEND, pause=0.6, bytes=200, address=peer), cpus=0.2))
    web = loop(BUSY, SEND, SAY, COMPLAIN, pause=0.15, work=30, bytes=900, address=peer)
    front = request("web", web, cpus=0.8, memory_mib=256, pids=128)
    await engine.containers.run(replace(front, ports=(PublishedPort(container_port=80, host_port=18080),)))


async def build_images(engine: Engine) -> None:
    """Images on top of `base`, each with a layer more than the one before, and a container of the last one."""
    before = "base"
    for number, (script, instruction) in enumerate(LAYERS, 1):
        made = await engine.containers.run(
            ContainerRequest(image=before, command=("bash", "-c", script), network="none", name=f"builder-{number}")
        )
        await engine.containers.wait(made.id)
        await engine.layers.commit(made.id, Commit(name=f"shop:{number}", changes=(instruction,)))
        await engine.containers.remove(made.id)
        before = f"shop:{number}"
    writes = ContainerRequest(image=before, command=("bash", "-c", WRITE), network="none", name="till")
    await engine.containers.run(writes)


def address_of(container: Container) -> str:
    """Its address without the prefix length."""
    assert container.endpoint is not None
    return container.endpoint.address.partition("/")[0]


class Camera:
    """Takes pictures of one running app."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot

    async def press(self, *keys: str, wait: float = 0.6) -> None:
        """Press keys and let the app answer."""
        await self._pilot.press(*keys)
        await self._pilot.pause(wait)

    async def type(self, text: str, wait: float = 0.8) -> None:
        """Type text and enter."""
        named = {" ": "space", "/": "slash", "-": "minus", ".": "full_stop", "|": "vertical_line", ",": "comma"}
        await self.press(*(named.get(letter, letter) for letter in text), "enter", wait=wait)

    async def take(self, name: str) -> None:
        """Write the picture of this moment."""
        await self._pilot.pause(0.3)
        path = HERE / f"{name}.svg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(portable(self._pilot.app.export_screenshot(title="boxdeck")))
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")


@asynccontextmanager
async def camera(engine: Engine, size: tuple[int, int] = LARGE, theme: str = "boxdeck-dark") -> AsyncIterator[Camera]:
    """An app of that size."""
    async with BoxdeckApp(engine, Config(theme=theme)).run_test(size=size) as pilot:
        await pilot.pause(1.5)
        yield Camera(pilot)


async def select(shot: Camera, engine: Engine, name: str) -> None:
    """Put the cursor on a container."""
    await shot.press("home")
    for container in await engine.containers.list(all_states=True):
        if container.name == name:
            return
        await shot.press("down", wait=0.1)


async def photograph(engine: Engine) -> None:
    """All pictures."""
    async with camera(engine) as shot:
        await shot.take("empty")
        await shot.press("n", wait=1.0)
        await shot.take("run-form")
        await shot.press("escape")
    await engine.images.ensure("base")
    await build_images(engine)
    await start_load(engine)
    async with camera(engine) as shot:
        await asyncio.sleep(HISTORY_SECONDS)
        await select(shot, engine, "web")
        await photograph_screens(shot)
        await photograph_images(shot, engine)
    for theme in THEMES:
        async with camera(engine, theme=theme) as shot:
            await asyncio.sleep(HISTORY_SECONDS / 3)
            await photograph_views(shot, engine, theme)
    async with camera(engine, SMALL) as shot:
        await asyncio.sleep(5)
        await shot.take("containers-small")


async def photograph_screens(shot: Camera) -> None:
    """Every screen, large and dark."""
    await shot.take("containers")
    await shot.press("e", wait=2.5)
    await shot.type("top -d 1", wait=3.0)
    await shot.take("shell")
    await shot.press("q", wait=0.6)
    await shot.type("exit", wait=1.0)
    await shot.press("enter")
    await shot.press("l", wait=1.5)
    await shot.take("logs")
    await photograph_numbers(shot)
    await shot.press("question_mark", wait=1.0)
    await shot.take("help")
    await shot.press("escape")


async def photograph_images(shot: Camera, engine: Engine) -> None:
    """Images with their layers, and what a container has changed."""
    await shot.press("2", wait=2.5)
    await shot.press("home", wait=1.5)
    await shot.press("enter", "down", wait=1.0)
    await shot.press("enter", "m", wait=1.0)
    await shot.press("end", "up", "up", "up", wait=0.6)
    await shot.take("images")
    await shot.press("1", wait=1.0)
    await select(shot, engine, "till")
    await shot.press("f", wait=2.5)
    await shot.press("end", "up", "up", "right", "right", "right", "right", wait=0.6)
    await shot.take("files")
    await shot.press("escape")


async def photograph_numbers(shot: Camera) -> None:
    """What is used and what is allowed."""
    await shot.press("escape", "left", "left", "left", "left", wait=1.0)
    await shot.take("graphs")
    await shot.press("right", wait=1.5)
    await shot.take("processes")
    await shot.press("u", wait=1.0)
    await shot.take("update-form")
    await shot.press("escape")


async def photograph_views(shot: Camera, engine: Engine, theme: str) -> None:
    """Every view, the map and an X-ray, into a folder of the theme's name."""
    for name, key in VIEWS.items():
        await shot.press(key, wait=5.0 if name == "host" else 2.5)  # rates of control groups take two looks
        if name == "containers":
            await select(shot, engine, "web")
            await shot.press(wait=1.5)
        await shot.take(f"{theme}/{name}")
    await shot.press("t", wait=2.0)
    await shot.take(f"{theme}/topology")
    await shot.press("1", wait=0.6)
    await shot.press("X", wait=1.5)
    await shot.press("right_square_bracket", wait=1.0)  # from the shell that was opened to the start
    await shot.press("right", "right", "down", "down", wait=0.6)
    await shot.take(f"{theme}/x-ray")
    await shot.press("escape")


def convert() -> None:
    """PNG files for the README, where rsvg-convert is installed."""
    if shutil.which("rsvg-convert") is None:
        sys.stderr.write("rsvg-convert isn't installed, so there are no PNG files: apt-get install librsvg2-bin\n")
        return
    views = [f"{THEMES[0]}/{name}" for name in ("host", "networks", "x-ray")]
    for picture in ("containers", "shell", "graphs", "images", *views):
        target = HERE / f"{picture.rpartition('/')[2]}.png"
        subprocess.run(["rsvg-convert", "--width", "1400", "-o", target, HERE / f"{picture}.svg"], check=True)


async def main() -> None:
    """Take all pictures on a root of our own."""
    folder = tempfile.mkdtemp(prefix="boxdeck-pictures-")
    os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = folder
    try:
        async with Engine.open(f"{folder}/root", f"{folder}/run") as engine:
            engine.xrays.record_starts()
            try:
                await photograph(engine)
            finally:
                await engine.reset()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    convert()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BoxdeckError as error:
        sys.exit(f"boxdeck: {error}")
