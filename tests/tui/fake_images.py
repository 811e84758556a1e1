"""Images that only look like some: for layouts that need many of them, and for pulls that stand still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.errors import InvalidRequest, NotFound, RegistryError
from engine.images.explorer import Explorer, OwnLayer
from engine.jobs import Job
from engine.model import HistoryStep, Image, ImageConfig, Progress
from engine.oci.image_spec import History
from engine.paths import Paths

if TYPE_CHECKING:
    from tests.tui.fake_engine import FakeEngine

MIB = 1 << 20
NOW = time.time_ns()
STEPS = (
    "/bin/sh -c #(nop) ADD file:4bba6e1d in / ",
    "/bin/sh -c apt-get update && apt-get install -y nginx",
    "RUN /bin/sh -c rm -rf /var/lib/apt # buildkit",
    "COPY site /srv # buildkit",
)


def diff_id(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int, *references: str, layers: int = 4, **changes: Any) -> Image:
    """An image with layers that others with more of them share."""
    made = Image(
        id=f"sha256:{number * 7919 + 0xB0A7:064x}"[:7] + f"{number * 104_729 + 0xC0FFEE:012x}" + "0" * 52,
        references=references,
        manifest_digest=diff_id(number + 900),
        layers=tuple(diff_id(each) for each in range(1, layers + 1)),
        config=ImageConfig(
            entrypoint=("/docker-entrypoint.sh",),
            command=("nginx", "-g", "daemon off;"),
            env=("PATH=/usr/bin:/bin", "NGINX=1.27"),
            working_dir="/srv",
            labels={"maintainer": "somebody\x1b[31m"},
        ),
        created_unix_ns=NOW - number * 86_400 * 10**9,
        size_bytes=(number + 1) * 31 * MIB,
    )
    return replace(made, **changes)


def gallery() -> list[Image]:
    return [
        image(1, "nginx:1.27", "web:latest"),
        image(2, "postgres:16", layers=3),
        image(3, "registry.lan:5000/team/backend:2024-11", layers=2),
        image(4, "base:latest", layers=1),
        image(5, layers=1),
    ]


class FakeImages:
    """A few images, one that must be assembled, and one registry that answers slowly."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.all = gallery()
        self.paths: Paths | None = None
        self.gate = asyncio.Event()
        self.pulled: list[tuple[str, str | None]] = []
        self.removed: list[str] = []

    async def list(self) -> tuple[Image, ...]:
        self._engine.read.append("images")
        return tuple(self.all)

    async def get(self, reference: str) -> Image:
        return next(each for each in self.all if reference in (each.id, *each.references))

    def is_base(self, reference: str) -> bool:
        return reference == "base"

    def ensure(self, reference: str) -> Job[Image]:
        async def work(report: Callable[[Progress], None]) -> Image:
            if reference not in ("base", "debian:12", *(name for each in self.all for name in each.references)):
                raise NotFound(f"there is no image {reference}", "load one, or use base")
            for step in range(5):
                report(Progress(what="assembling base", done=step, total=5))
                await asyncio.sleep(0.1)
            return self.all[0]

        return Job(work)

    def pull(self, reference: str, platform: str | None = None) -> Job[Image]:
        """Two layers half way until the gate opens."""

        async def work(report: Callable[[Progress], None]) -> Image:
            self.pulled.append((reference, platform))
            if reference.startswith("nowhere"):
                raise RegistryError("the registry nowhere can't be reached", "see whether it runs")
            for part, what, done in (("aa11", "Downloading", 12), ("bb22", "Unpacking", 30), ("cc33", "Ready", 0)):
                report(Progress(what=what, part=part, done=done * MIB, total=40 * MIB if done else 0))
            await self.gate.wait()
            made = image(len(self.all) + 10, f"{reference}:latest", created_unix_ns=NOW)
            self.all.append(made)
            return made

        return Job(work)

    async def remove(self, reference: str, force: bool = False) -> tuple[str, ...]:
        self.removed.append(reference)
        self.all = [each for each in self.all if each.id != reference]
        return ()

    async def tag(self, reference: str, name: str) -> Image:
        if " " in name:
            raise InvalidRequest(f"{name!r} isn't a name", "such as web:2")
        found = next(each for each in self.all if each.id == reference)
        self.all[self.all.index(found)] = replace(found, references=(*found.references, name))
        return found

    async def history(self, reference: str) -> tuple[HistoryStep, ...]:
        return tuple(
            HistoryStep(created_unix_ns=NOW, instruction=words, diff_id=diff_id(number), size_bytes=number * MIB)
            for number, words in reversed(list(enumerate(STEPS, 1)))
        )

    def explore(self, reference: str) -> Job[Explorer]:
        """Of folders that a test has made."""

        async def work(report: Callable[[Progress], None]) -> Explorer:
            self._engine.read.append("explore")
            if self.paths is None:
                raise NotFound("there is no such image any more", "look again")
            report(Progress(what="Reading layers", done=4))
            found = next(each for each in self.all if each.id == reference)
            history = [History(created_by=words) for words in STEPS[: len(found.layers)]]
            return await asyncio.to_thread(Explorer, self.paths, found.layers, history)

        return Job(work)


class FakeLayers:
    """One layer of a container's own, on the disk."""

    def __init__(self, images: FakeImages) -> None:
        self._images = images
        self.looks = 0

    @property
    def upper(self) -> Path:
        assert self._images.paths is not None
        return self._images.paths.root / "upper"

    def explore(self, reference: str) -> Job[Explorer]:
        async def work(report: Callable[[Progress], None]) -> Explorer:
            if self._images.paths is None:
                raise NotFound("there is no such image any more", "look again")
            self.upper.mkdir(exist_ok=True)
            own = OwnLayer(str(self.upper), lambda uid, gid: (uid, gid))
            explorer = Explorer(self._images.paths, (diff_id(1), diff_id(2)), (), own)
            renew = explorer.renew

            def counted() -> bool:
                self.looks += 1
                return renew()

            explorer.renew = counted  # type: ignore[method-assign]
            return explorer

        return Job(work)


def make_layers(folder: Path) -> Paths:
    """Four layers: the second adds and changes, the third removes, the fourth adds one file."""
    paths = Paths(folder / "root", folder / "run")
    one, two, three, four = (paths.layer(diff_id(number)) for number in range(1, 5))
    for name, size in (("etc/passwd", 900), ("etc/group", 400), ("usr/bin/env", 40_000), ("usr/lib/libc.so", 2 * MIB)):
        _write(one / name, size)
    for name, size in (("etc/passwd", 950), ("usr/sbin/nginx", 1 * MIB), ("var/lib/apt/lists/all", 3 * MIB)):
        _write(two / name, size)
    _write(three / "var/lib/.keep", 0)
    (three / "var/lib/.keep").unlink()
    _whiteout(three / "var/lib/apt")
    _write(four / "srv/index\x1b[31m.html", 120)
    _write(four / "srv/style.css", 80)
    return paths


def write_own_layer(folder: Path) -> None:
    """What a container has written: a file changed, and one added."""
    _write(folder / "etc/passwd", 960)
    _write(folder / "srv/orders/today", 7 * MIB)


def _write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def _whiteout(path: Path) -> None:
    import os
    import stat

    os.mknod(path, stat.S_IFCHR, 0)
