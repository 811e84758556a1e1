"""A store of its own for every test, and makers of archives, honest and hostile."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.images.images import Images
from engine.images.unpack import Unpacked, unpack
from engine.oci.image_spec import go_architecture
from engine.paths import Paths
from engine.store.database import Database
from tests.engine.registry.served import Served

MTIME = 1_600_000_000


@pytest.fixture(autouse=True)
def _root_only() -> None:
    if os.geteuid() != 0:
        pytest.skip("unpacking owners and devices needs root")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "root", tmp_path / "run")


@pytest.fixture
def database(paths: Paths) -> Iterator[Database]:
    database = Database(paths.database)
    yield database
    database.close()


@pytest.fixture
def images(paths: Paths, database: Database) -> Images:
    return Images(paths, database)


Member = tuple[tarfile.TarInfo, bytes]
MakeMember = Callable[..., Member]
MakeTar = Callable[..., bytes]
UnpackTo = Callable[[bytes], Unpacked]


@pytest.fixture
def member() -> MakeMember:
    """Makes one entry: ``member("etc/hosts", b"…")``, ``member("bin", link="usr/bin", type=tarfile.SYMTYPE)``."""

    def make(name: str, content: bytes = b"", type: bytes = tarfile.REGTYPE, link: str = "", **more: object) -> Member:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size, info.mtime = type, link, len(content), MTIME
        info.mode = 0o755 if type == tarfile.DIRTYPE else 0o644
        for key, value in more.items():
            setattr(info, key, value)
        return info, content

    return make


@pytest.fixture
def tar() -> MakeTar:
    """Makes a tar of members, in pax format unless told otherwise."""

    def make(*members: Member, format: int = tarfile.PAX_FORMAT) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.fixture
def unpack_to(target: Path) -> UnpackTo:
    """Unpacks a tar into `target`."""

    def run(data: bytes) -> Unpacked:
        descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return unpack(io.BytesIO(data), descriptor)
        finally:
            os.close(descriptor)

    return run


class Layout:
    """An OCI layout written by hand, with nothing of the engine in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return f"sha256:{digest}"

    def document(self, value: object, media_type: str) -> dict[str, object]:
        data = json.dumps(value).encode()
        return {"mediaType": media_type, "digest": self.blob(data), "size": len(data)}

    def image(
        self, *layers: bytes, architecture: str | None = None, uncompressed: tuple[bytes, ...] = (), **config: object
    ) -> dict[str, object]:
        """Write an image and return its descriptor. `uncompressed`: the plain tars of layers that are compressed."""
        document = {
            "architecture": architecture or go_architecture(os.uname().machine),
            "os": "linux",
            "created": "2024-02-29T12:00:00.5Z",
            "config": config,
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(p).hexdigest()}" for p in (uncompressed or layers)],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.document(document, "application/vnd.oci.image.config.v1+json"),
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": self.blob(p), "size": len(p)}
                for p in layers
            ],
        }
        return self.document(manifest, "application/vnd.oci.image.manifest.v1+json")

    def index(self, *descriptors: dict[str, object]) -> dict[str, object]:
        value = {"schemaVersion": 2, "manifests": list(descriptors)}
        return self.document(value, "application/vnd.oci.image.index.v1+json")

    def finish(self, *descriptors: dict[str, object]) -> Path:
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": list(descriptors)}))
        return self.folder

    def packed(self, to: Path) -> Path:
        with tarfile.open(to, "w:gz" if to.suffix == ".gz" else "w") as archive:
            archive.add(self.folder, ".")
        return to


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def nobody_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials or settings of this machine's, and quick further tries."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setenv("BOXDECK_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr("engine.registry.transport._FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def served(layout: Layout) -> Iterator[Served]:
    """A registry of our own that serves the layout, and breaks its word where a test wants it."""
    registry = Served(layout.folder)
    yield registry
    registry.close()


@pytest.fixture
def layer(tar: MakeTar, member: MakeMember) -> bytes:
    """A layer that compresses badly and isn't small."""
    return tar(member("noise", random.Random(1).randbytes(3_000_000)), member("hello", b"hello\n"))
