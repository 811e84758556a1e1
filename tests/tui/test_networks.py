"""The networks screen and the map: every size and both themes with a made-up engine, and keys with the real one."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator

import pytest

from engine import Engine
from engine.config.model import Config
from engine.model import ContainerRequest
from tests.engine.network.boxes import Box
from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, container, crowd
from tui import live
from tui.drawing.lines import plain
from tui.screens.link_facts import LinkFacts
from tui.screens.networks import NetworksScreen
from tui.screens.topology import TopologyScreen
from tui.widgets.drawn import Drawn
from tui.widgets.topology import TopologyPanel

pytestmark = pytest.mark.alone

SIZES = ((80, 24), (120, 36), (200, 60))
SLEEP = ("sleep", "1000")
LINKS = 60


async def test_networks_and_the_map_share_the_screen_in_every_size() -> None:
    async with desk(FakeEngine(*crowd()), size=SIZES[0], config=Config(theme="boxdeck-light")) as at:
        await at.press("3")
        for size in SIZES:
            await at.pilot.resize_terminal(*size)
            await at.see("networks 2", "backend", "10.89.0.0/24", "RECEIVE", "30M/s", "boxdeck0", ":8080 → web:80")
            assert all(len(line) <= size[0] for line in at.text.split("\n"))
        await at.see("IPV6", "internal", "● web 10.89.0.3", "gateway 10.89.0.1")


@pytest.mark.parametrize("size", [(80, 24), (20, 6), (300, 20)], ids=str)
async def test_it_survives_every_size(size: tuple[int, int]) -> None:
    async with desk(FakeEngine(*crowd()), size=size) as at:
        await at.press("3")
        await at.until(lambda: isinstance(at.app.screen, NetworksScreen))
        for key in ("down", "d", "escape", "n", "escape", "c", "escape", "enter", "down", "right", "space", "enter"):
            await at.press(key)
            assert all(len(line) <= size[0] for line in at.text.split("\n")), key


async def test_keys_go_from_link_to_link_and_tell_of_each() -> None:
    async with desk(FakeEngine(*crowd()), size=(100, 60)) as at:
        await at.press("t")
        await at.see("▸ web", "drops 3", "other devices of the host")
        await at.press("right")
        await at.see("▸ db")
        assert at.app.deck.selected is not None and at.app.deck.selected.name == "db"
        await at.press("enter")
        await at.see("the other end: eth0", "state", "drops", "10.89.0.4/24")
        assert isinstance(at.app.screen, LinkFacts)
        await at.press("escape", "up")
        await at.see("▸ boxdeck0")
        await at.press("up")
        await at.see("▸:8080 → web:80")
        assert at.app.deck.selected.name == "web"
        await at.press("enter")
        await at.see("reached at", "every IPv4 address", "made by", "by way of")
        await at.press("escape", "up", "enter")
        await at.see("via 192.0.2.1", "state")
        await at.press("escape", *["down"] * 10)
        await at.see("▸ left0")
        await at.press("enter")
        await at.see("left0 of sleep (4711)", "down", "1400")


async def test_another_selected_container_has_the_cursor_and_its_way_lit() -> None:
    async with desk(FakeEngine(*crowd()), size=(100, 60)) as at:
        await at.press("j", "t")
        await at.see("▸ db")


async def test_sixty_containers_are_lines_that_become_boxes_by_a_key() -> None:
    async with desk(FakeEngine(*(container(n, f"web-{n}") for n in range(60))), size=(80, 24)) as at:
        await at.press("t")
        await at.see("├━ ▸ web-0", "web-30")
        await at.press(*["down"] * 29)
        await at.see("▸ web-29", "web-59")
        await at.press("space")
        await at.see("▸ web-29", "╭───")
        await at.press("space")
        await at.see("─ ▸ web-29")


async def test_a_click_goes_to_a_link_and_a_second_tells_of_it() -> None:
    async with desk(FakeEngine(*crowd()), size=(100, 60)) as at:
        await at.press("t")
        await at.see("▸ web")
        for _ in range(2):
            lines = at.text.split("\n")
            y = next(y for y, line in enumerate(lines) if " db " in line)
            await at.pilot.click(offset=(lines[y].index(" db ") + 1, y))
            await at.see("▸ db")
        await at.see("the other end: eth0")


async def test_a_network_is_made_joined_left_and_removed(engine: Engine) -> None:
    made = await engine.containers.run(ContainerRequest(image="base", command=SLEEP, name="web"))
    async with desk(engine, size=(120, 50)) as at:
        await at.press("3")
        await at.see("networks 1", "bridge", "web")
        await at.press("d")
        await at.hear("bridge is the default network")
        await at.press("n", "enter")
        await at.see("a name is needed")
        await at.press(*"backend", "tab", *"banana", "enter")
        await at.see("banana")
        assert len(await engine.networks.list()) == 1
        await at.type("")
        await at.press("enter")
        await at.see("networks 2", "● bridge", "○ backend")
        await at.until(lambda: at.app.networks.selected_name == "backend")
        await at.press("c")
        await at.see("put a container on backend", "web")
        await at.press("enter")  # the one that is lit is proposed
        await at.see("● backend", "on it       ● web")
        assert [end.network for end in (await engine.containers.get(made.id)).endpoints] == ["bridge", "backend"]
        await at.press("d")
        await at.hear("in use by web")
        await at.press("C", *"web", "enter")
        await at.see("○ backend")
        await at.press("d")
        await at.see("remove backend", "free again")
        await at.press("y")
        await at.see("networks 1")
        await at.press("P")
        await at.hear("nothing to prune")


@pytest.fixture
def pair() -> Iterator[tuple[Box, Box]]:
    """Two namespaces without names, and a veth pair between them."""
    left, right = Box(), Box()
    left.run(f"ip link add name l{left.pid} up type veth peer name r{left.pid} netns {right.pid}")
    right.run(f"ip link set r{left.pid} up")
    yield left, right
    left.end()
    right.end()


@pytest.fixture
def far() -> Iterator[Box]:
    """A namespace for the other ends of many links."""
    box = Box()
    yield box
    box.end()


async def test_a_link_of_sixty_that_goes_down_is_on_the_screen_within_100_ms(
    engine: Engine, far: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_TOPOLOGY_SECONDS", 60)  # nothing but the kernel's word can bring it
    made = await engine.containers.run(ContainerRequest(image="base", command=SLEEP, name="web"))
    assert made.endpoint is not None
    pairs = [
        f"link add name c{far.pid}-{n} up master {made.endpoint.bridge} type veth peer name e{n} netns {far.pid}"
        for n in range(LINKS - 1)
    ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(pairs), text=True, check=True)
    async with desk(engine, size=(120, 50)) as at:
        await at.press("t")
        await at.see("▸ web", f"{LINKS} on it")
        await at.press("space")  # a box for each, which has its link's name
        await at.see(made.endpoint.host_interface)
        drawn = at.app.screen.query_one(TopologyPanel).query_one(Drawn)
        milliseconds, spent = [], []
        for state in ("down", "up") * 4:
            await asyncio.sleep(0.15)
            before = time.process_time()
            process = await asyncio.create_subprocess_exec("ip", "link", "set", made.endpoint.host_interface, state)
            await process.wait()
            began = time.monotonic()
            while is_cut(drawn, made.endpoint.host_interface) != (state == "down"):
                assert time.monotonic() - began < 10, at.text
                await asyncio.sleep(0.002)
            milliseconds.append(round((time.monotonic() - began) * 1000))
            spent.append(round((time.process_time() - before) * 1000))
        assert statistics.median(milliseconds) < 100, milliseconds
        assert min(spent) < 50, spent  # of the processor, whoever else is at work


def is_cut(drawn: Drawn, link: str) -> bool:
    return any(f"{link} \N{BOX DRAWINGS LIGHT DIAGONAL CROSS}" in plain(line) for line in drawn.lines)


async def test_strangers_links_are_on_the_map(engine: Engine, pair: tuple[Box, Box]) -> None:
    left, right = pair
    async with desk(engine, size=(120, 300)) as at:
        await at.press("t")
        await at.until(lambda: isinstance(at.app.screen, TopologyScreen))
        await at.see(f"l{left.pid}", f"── r{left.pid} of sleep ({right.pid})")
