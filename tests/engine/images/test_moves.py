"""Images that go elsewhere: pushed, saved, tagged; and how they came to be."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest, NotFound, RegistryError, StoreError
from engine.images.images import Images
from engine.images.steps import assign
from engine.oci.image_spec import History
from engine.paths import Paths
from engine.store.database import Database
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.registry import DockerRegistry


@pytest.fixture(autouse=True)
def _nobody_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    started = DockerRegistry(tmp_path / "registry")
    yield started
    started.close()


@pytest.fixture
async def name(images: Images, layout: Layout, tar: MakeTar, member: MakeMember) -> str:
    """An image in the store, of two layers, one of them compressed."""
    plain = (tar(member("one", b"1" * 1000)), tar(member("two", b"2")))
    image = layout.image(gzip.compress(plain[0]), plain[1], uncompressed=plain, Cmd=["sh"])
    layout.finish({**image, "annotations": {"org.opencontainers.image.ref.name": "made:1"}})
    (loaded,) = await images.load(layout.folder)
    return loaded.references[0]


async def elsewhere(tmp_path: Path) -> Images:
    paths = Paths(tmp_path / "other", tmp_path / "other-run")
    return Images(paths, Database(paths.database))


def run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} isn't installed: apt-get install {command[0]}")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# Pushing


async def test_what_is_pushed_can_be_pulled_and_has_the_same_digests(
    images: Images, name: str, registry: DockerRegistry, tmp_path: Path
) -> None:
    image = await images.get(name)
    target = registry.reference("some/where:2")
    assert await images.push(name, target) == image.manifest_digest
    pulled = await (await elsewhere(tmp_path)).pull(target)
    assert (pulled.id, pulled.layers, pulled.manifest_digest) == (image.id, image.layers, image.manifest_digest)


async def test_others_understand_what_is_pushed(images: Images, name: str, registry: DockerRegistry) -> None:
    await images.push(name, registry.reference("app:1"))
    seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{registry.reference('app:1')}"))
    assert seen["Digest"] == (await images.get(name)).manifest_digest


async def test_what_is_there_isn_t_sent_again(images: Images, name: str, registry: DockerRegistry) -> None:
    await images.push(name, registry.reference("app:1"))
    before = len(registry.requests())
    await images.push(name, registry.reference("app:2"))
    assert {line.split()[0] for line in registry.requests()[before:]} <= {"GET", "HEAD", "PUT"}


async def test_layers_are_taken_from_a_neighbour(images: Images, name: str, registry: DockerRegistry) -> None:
    await images.push(name, registry.reference("first:1"))
    await images.tag(name, registry.reference("first:1"))
    before = len(registry.requests())
    job = images.push(name, registry.reference("second:1"))
    told = [progress.what async for progress in job]
    await job
    assert "Taken from first" in told and "Pushing" not in told
    assert not [line for line in registry.requests()[before:] if line.startswith("PATCH")]


async def test_a_large_layer_goes_in_chunks(
    images: Images, layout: Layout, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    tar: MakeTar, member: MakeMember,
) -> None:  # fmt: skip
    monkeypatch.setattr("engine.registry.upload._CHUNK_BYTES", 100_000)
    layout.finish(layout.image(tar(member("large", b"x" * 350_000))))
    (image,) = await images.load(layout.folder)
    await images.push(image.id, registry.reference("large:1"))
    assert sum("/blobs/uploads/" in line and line.startswith("PATCH") for line in registry.requests()) >= 4
    assert (await (await elsewhere(tmp_path)).pull(registry.reference("large:1"))).id == image.id


async def test_a_registry_that_isn_t_there_is_named(images: Images, name: str) -> None:
    with pytest.raises(RegistryError, match="can't be reached"):
        await images.push(name, "127.0.0.1:1/app")


# Saving


async def saved(images: Images, *references: str) -> bytes:
    file = io.BytesIO()
    await images.save(references, file)
    return file.getvalue()


async def test_what_is_saved_can_be_loaded_and_is_the_same(images: Images, name: str, tmp_path: Path) -> None:
    image = await images.get(name)
    path = tmp_path / "saved.tar"
    path.write_bytes(await saved(images, name))
    (loaded,) = await (await elsewhere(tmp_path)).load(path)
    assert (loaded.id, loaded.manifest_digest, loaded.references) == (image.id, image.manifest_digest, (name,))


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
async def test_others_understand_what_is_saved(images: Images, name: str, tmp_path: Path, transport: str) -> None:
    path = tmp_path / "saved.tar"
    path.write_bytes(await saved(images, name))
    seen = json.loads(run("skopeo", "inspect", "--config", f"{transport}:{path}"))
    assert seen["config"]["Cmd"] == ["sh"]


async def test_a_folder_is_a_layout_for_us_and_others(images: Images, name: str, tmp_path: Path) -> None:
    image, folder = await images.get(name), tmp_path / "saved"
    await images.save((name,), folder)
    (loaded,) = await (await elsewhere(tmp_path)).load(folder)
    assert (loaded.id, loaded.manifest_digest, loaded.references) == (image.id, image.manifest_digest, (name,))
    seen = json.loads(run("skopeo", "inspect", "--config", f"oci:{folder}"))
    assert seen["config"]["Cmd"] == ["sh"]


async def test_a_folder_that_is_there_is_left_alone(images: Images, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "file").write_text("mine")
    with pytest.raises(StoreError, match="can't be written"):
        await images.save((name,), folder)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("mine")] == ["mine"]
    assert (folder / "file").read_text() == "mine"


async def test_half_a_folder_is_none(images: Images, name: str, tmp_path: Path, paths: Paths) -> None:
    max(paths.blobs.glob("sha256/*"), key=lambda path: path.stat().st_size).unlink()
    with pytest.raises(StoreError, match="can't be read"):
        await images.save((name,), tmp_path / "half")
    assert [path for path in tmp_path.iterdir() if path.name.startswith("half")] == []


async def test_what_images_share_is_saved_once(
    images: Images, name: str, layout: Layout, tar: MakeTar, member: MakeMember
) -> None:
    await images.tag(name, "again:1")
    with tarfile.open(fileobj=io.BytesIO(await saved(images, name, "again:1"))) as archive:
        names = archive.getnames()
        assert len(names) == len(set(names))
        (entry,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert entry["RepoTags"] == [name, "again:1"]


async def test_what_isn_t_there_can_t_be_saved(images: Images) -> None:
    with pytest.raises(NotFound):
        await saved(images, "nothing")


# Names and steps


async def test_a_further_name_takes_itself_from_another(images: Images, name: str) -> None:
    image = await images.tag(name, "other")
    assert image.references == ("other:latest", name) if name > "other" else (name, "other:latest")
    with pytest.raises(InvalidRequest):
        await images.tag(name, "other@sha256:" + "0" * 64)
    with pytest.raises(NotFound):
        await images.tag("nothing", "other")


async def test_steps_know_their_layers(images: Images, name: str) -> None:
    (second, first) = await images.history(name)
    assert (first.size_bytes, second.size_bytes) == (1000, 1)
    assert (first.diff_id, second.diff_id) == (await images.get(name)).layers


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 8))
def test_every_layer_has_one_step(empty: list[bool], count: int) -> None:
    layers = [f"sha256:{number}" for number in range(count)]
    history = [History(created_by=str(number), empty_layer=is_empty) for number, is_empty in enumerate(empty)]
    found = assign(history, layers)
    assert [diff_id for _, diff_id in found if diff_id] == layers
    assert [step for step, _ in found if step.created_by is not None] == history
    assert not [step for step, diff_id in found if step.empty_layer and diff_id]
