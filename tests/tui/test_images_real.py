"""Images on a real engine: pulled from a real registry over a slow line, removed, explored; a container's own layer."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import NotFound
from engine.model import Container, ContainerRequest, ExecRequest
from tests.engine.images.conftest import Layout
from tests.registry import DockerRegistry
from tests.tui.driving import desk
from tests.tui.sluice import Sluice

QUIET = ("sh", "-c", "sleep 1000 & wait")
MIB = 1 << 20


def layer(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    started = DockerRegistry(tmp_path / "registry")
    yield started
    started.close()


@pytest.fixture
async def line(
    engine: Engine, registry: DockerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sluice]:
    """A slow line to a registry that has an image of two layers of 4 MiB, the second of which changes a file."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setenv("BOXDECK_CONFIG", str(tmp_path / "config.toml"))
    noise = random.Random(7)
    layout = Layout(tmp_path / "layout")
    one = layer(first=noise.randbytes(4 * MIB), greeting=b"hello\n")
    two = layer(second=noise.randbytes(4 * MIB), greeting=b"hello, world\n")
    layout.finish(
        {**layout.image(one, two, Cmd=["sh"]), "annotations": {"org.opencontainers.image.ref.name": "made:1"}}
    )
    (image,) = await engine.images.load(layout.folder)
    await engine.images.push(image.id, registry.reference("team/app:1"))
    await engine.images.remove(image.id, force=True)
    slow = Sluice(registry.port, 512 * 1024)
    yield slow
    slow.close()
    for left in await engine.images.list():
        if "base:latest" not in left.references:
            await engine.images.remove(left.id, force=True)


async def is_here(engine: Engine, name: str) -> bool:
    try:
        return bool(await engine.images.get(name))
    except NotFound:
        return False


async def test_a_pull_is_cancelled_and_the_next_one_goes_on_with_it(
    engine: Engine, registry: DockerRegistry, line: Sluice
) -> None:
    name = f"{line.host}/team/app:1"
    async with desk(engine, size=(140, 40)) as at:
        await at.press("2", "p")
        await at.see("pull an image")
        await at.type(name)
        await at.press("enter")
        await at.see(f"◌ {name}", "downloading", "/ 4.0M")
        await at.until(lambda: min((part.done for part in pull_parts(at.app)), default=0) > MIB // 2)
        await at.press("c")
        await at.see("cancelled; what has arrived is kept")
        assert not await is_here(engine, name)
        assert " 206 " not in registry.log.read_text()
        line.open()
        await at.press("p")
        await at.see("pull an image")
        await at.press("enter")
        await at.hear(f"{name} was pulled")
        assert await is_here(engine, name)
        assert registry.log.read_text().count(" 206 ") == 2  # both layers went on where they were
        await at.see("layers 2 · 8.0M", "greeting", "second")
        await at.press("enter", "down")
        await at.see("files with layer 2 · +1 ~1", "wasted 6B")
        await at.press("escape", "d")
        await at.see(f"remove {name}")
        await at.press("y")
        await at.see_no("team/app")
    assert not await is_here(engine, name)


async def test_the_run_form_pulls_what_isn_t_here_and_escape_stops_it(engine: Engine, line: Sluice) -> None:
    name = f"{line.host}/team/app:1"
    async with desk(engine, size=(120, 36)) as at:
        await at.press("n")
        await at.type(name)
        await at.press("enter")
        await at.see(f"◌ {name}", "downloading", "/ 4.0M", "esc stops it")
        await at.press("escape")
        await at.see("cancelled; what has arrived is kept", "run a container")
        assert not await is_here(engine, name)
        line.open()
        await at.press("enter")
        await at.see("sh")
        await at.until(lambda: "-error" in at.app.screen.query_one("#status").classes)  # the image has no shell
        assert await is_here(engine, name)
    assert await engine.containers.list(all_states=True) == ()


def pull_parts(app: object) -> list[object]:
    latest = app.images.pulls.latest  # type: ignore[attr-defined]
    return list(latest.parts.values()) if latest is not None and len(latest.parts) == 2 else []


async def test_a_registry_that_isn_t_there_is_named(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.see("pull an image")
        await at.type("localhost:1/nothing:1")
        await at.press("enter")
        await at.see("✕ localhost:1/nothing:1", "can't be reached")


async def run(engine: Engine, name: str) -> Container:
    return await engine.containers.run(ContainerRequest(image="base", name=name, command=QUIET, network="none"))


async def do(engine: Engine, container: Container, script: str) -> None:
    """Run something in a container and wait for its end."""
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    assert await session.wait() == 0


async def test_what_a_container_changes_is_seen_as_it_does_it(engine: Engine) -> None:
    container = await run(engine, "scribe")
    async with desk(engine, size=(140, 40)) as at:
        await at.see("scribe")
        await at.press("f")
        await at.see("files of scribe", "changes of its own layer")
        await do(engine, container, "mkdir -p /srv/notes; echo one > /srv/notes/first; rm /etc/passwd")
        await at.see("▸ notes/", "passwd")
        await at.press("slash", *"passwd", "enter", "end")
        await at.see("/etc/passwd", "gone by  the container's own layer", "hides    layer 1")
        await at.press("escape")
        await at.press("slash", *"first", "enter", "end")
        await at.see("/srv/notes/first · file · 4B")
        await do(engine, container, "rm /srv/notes/first")
        await at.see("no file has such a name")
        await at.press("escape", "escape")
        await at.see("CPU %")


async def test_base_is_here_and_says_who_uses_it(engine: Engine) -> None:
    container = await run(engine, "user")
    async with desk(engine, size=(120, 36)) as at:
        await at.press("2")
        await at.see("base:latest", "1 / 1", "layers 1")
        await at.press("d")
        await at.see("user uses it")
        await at.press("escape")
        await engine.containers.remove(container.id, force=True)
        await at.see_no("1 / 1")
