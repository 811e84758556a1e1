"""Images of skopeo's, umoci's, podman's and ours mean the same files to all of them."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.command_line import CHECKOUT, CommandLine
from tests.conftest import needs_root
from tests.engine.images.conftest import Layout, member, tar
from tests.peers import trees
from tests.peers.conftest import require
from tests.peers.daemons import Docker
from tests.peers.image_tools import Podman, our_copy, run, skopeo_copy, umoci_copy, umoci_made
from tests.registry import DockerRegistry

if TYPE_CHECKING:
    from tests.engine.images.conftest import MakeMember, MakeTar

__all__ = ["member", "tar"]  # fixtures

pytestmark = [pytest.mark.peer, pytest.mark.apart, pytest.mark.timeout(600)]

_PODMANS = "localhost/podmans:1"
_OURS = "ours:1"
_CHANGE = f"cd {CHECKOUT} && {sys.executable} -m tests.peers.trees $at"
_OUR_CHANGE = """
rm etc/gone
rm -r opt/gone opt/replaced opt/folder-to-file opt/file-to-folder
mkdir opt/replaced opt/file-to-folder
chown 1:2 opt/replaced
chown 7:8 etc/kept
chmod u+x etc/listed
chmod 700 bin/wall
for file in etc/changed etc/new opt/replaced/new opt/folder-to-file opt/file-to-folder/inner; do echo new > $file; done
ln -sf ping bin/relative
ln etc/new opt/new-as-well
mkfifo dev/pipe
touch -d @1700000000 etc/new
"""


class Known(NamedTuple):
    """An image, and what its maker says is in it."""

    name: str
    tree: trees.Tree


@pytest.fixture(scope="module", autouse=True)
def _nobody_is_known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    path = tmp_path_factory.mktemp("known") / "auth.json"
    path.write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_AUTH_FILE", str(path))
        yield


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    started = DockerRegistry(tmp_path_factory.mktemp("registry"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def umocis(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Of two layers; its name is skopeo's."""
    folder = tmp_path_factory.mktemp("umoci")
    umoci_made(folder / "layout", "1", (trees.plant, trees.change))
    return Known(f"oci:{folder}/layout:1", trees.describe(umoci_copy(folder / "layout", "1", folder / "files")))


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    return Podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def podmans(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Of two layers, the second by commit."""
    folder = tmp_path_factory.mktemp("podmans")
    podman("import", str(packed(folder, {})), "localhost/lower:1")
    podman.changed("localhost/lower:1", _CHANGE, _PODMANS)
    return Known(_PODMANS, trees.describe(podman.copy(_PODMANS, folder / "files")))


@pytest.fixture
def ours(boxdeck: CommandLine, tmp_path: Path) -> Iterator[Known]:
    """Of two layers, the second by a container that ran."""
    busybox = require("busybox", "busybox-static")
    boxdeck.ok("import", str(packed(tmp_path, {"bin/busybox": busybox})), "lower:1")
    boxdeck.ok("run", "--name", "changing", "lower:1", "/bin/busybox", "sh", "-ec", _OUR_CHANGE)
    boxdeck.ok("commit", "changing", _OURS)
    boxdeck.ok("rm", "changing")
    yield Known(_OURS, trees.describe(our_copy(boxdeck, _OURS, tmp_path / "ours")))
    boxdeck.ok("rmi", "-f", _OURS, "lower:1")


def packed(folder: Path, more: dict[str, str]) -> Path:
    """A tar by GNU tar of the lower layer's files."""
    tree, archive = folder / "tree", folder / "tree.tar"
    tree.mkdir()
    trees.plant(tree)
    for name, source in more.items():
        shutil.copy(source, tree / name)
    run("tar", "--xattrs", "--xattrs-include=*", "--format=pax", "-cf", str(archive), "-C", str(tree), ".")
    return archive


def check(boxdeck: CommandLine, name: str, known: Known, tmp_path: Path) -> None:
    """An image here is what its maker says."""
    found = trees.describe(our_copy(boxdeck, name, tmp_path / "found"))
    boxdeck.ok("rmi", "-f", name)
    assert trees.differences(known.tree, found) == []


# Theirs


@pytest.mark.parametrize(
    "options",
    [(), ("--format", "v2s2"), ("--dest-compress-format", "zstd"), ("--dest-decompress",)],
    ids=["oci", "docker schema 2", "zstd", "plain"],
)
def test_what_umoci_made_is_pulled(
    boxdeck: CommandLine, registry: DockerRegistry, umocis: Known, tmp_path: Path, options: tuple[str, ...]
) -> None:
    name = registry.reference(f"umoci/{len(''.join(options))}:1")
    if options == ("--dest-decompress",):  # which skopeo can do in folders only
        skopeo_copy(umocis.name, f"dir:{tmp_path}/plain", *options)
        skopeo_copy(f"dir:{tmp_path}/plain", f"docker://{name}", "--dest-compress=false", "--preserve-digests")
    else:
        skopeo_copy(umocis.name, f"docker://{name}", *options)
    boxdeck.ok("pull", name)
    check(boxdeck, name, umocis, tmp_path)


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_what_umoci_made_is_loaded(boxdeck: CommandLine, umocis: Known, tmp_path: Path, kind: str) -> None:
    skopeo_copy(umocis.name, f"{kind}:{tmp_path}/some:{'' if kind == 'oci' else 'some:'}1")
    assert boxdeck.ok("load", str(tmp_path / "some")) == "Loaded image: some:1"
    check(boxdeck, "some:1", umocis, tmp_path)


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_what_podman_saved_is_loaded(
    boxdeck: CommandLine, podman: Podman, podmans: Known, tmp_path: Path, form: str
) -> None:
    podman("save", "-q", "--format", form, "-o", str(tmp_path / "saved"), podmans.name)
    assert boxdeck.ok("load", str(tmp_path / "saved")) == f"Loaded image: {podmans.name}"
    check(boxdeck, podmans.name, podmans, tmp_path)


@pytest.mark.parametrize(("form", "compression"), [("oci", "gzip"), ("oci", "zstd"), ("v2s2", "gzip")])
def test_what_podman_pushed_is_pulled(
    boxdeck: CommandLine, podman: Podman, podmans: Known, registry: DockerRegistry, tmp_path: Path,
    form: str, compression: str,
) -> None:  # fmt: skip
    name = registry.reference(f"podman/{form}-{compression}:1")
    options = ("--tls-verify=false", "--format", form, "--compression-format", compression)
    podman("push", "-q", *options, podmans.name, name)
    boxdeck.ok("pull", name)
    check(boxdeck, name, podmans, tmp_path)


@pytest.mark.parametrize(("form", "word"), [("oci", "oci.image.index"), ("v2s2", "docker.distribution.manifest.list")])
def test_a_list_of_podman_s_for_several_machines_is_pulled(
    boxdeck: CommandLine, podman: Podman, podmans: Known, registry: DockerRegistry, tmp_path: Path, form: str, word: str
) -> None:
    name = registry.reference(f"list/{form}:1")
    podman("manifest", "create", f"localhost/{form}:1")
    for more in (("--arch", "s390x"), ()):  # the same files, as a list doesn't mind
        podman("manifest", "add", *more, f"localhost/{form}:1", f"containers-storage:{podmans.name}")
    options = ("--all", "-q", "--tls-verify=false", "--format", form)
    podman("manifest", "push", *options, f"localhost/{form}:1", f"docker://{name}")
    assert word in run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}")
    boxdeck.ok("pull", name)
    check(boxdeck, name, podmans, tmp_path)


# Ours


def test_what_was_pushed_is_read_by_skopeo_umoci_and_podman(
    boxdeck: CommandLine, ours: Known, podman: Podman, registry: DockerRegistry, tmp_path: Path
) -> None:
    name = registry.reference("ours/pushed:1")
    boxdeck.ok("push", ours.name, name)
    skopeo_copy(f"docker://{name}", f"oci:{tmp_path}/layout:1")
    found = trees.describe(umoci_copy(tmp_path / "layout", "1", tmp_path / "umoci"))
    assert trees.differences(ours.tree, found) == []
    podman("pull", "-q", "--tls-verify=false", name)
    found = trees.describe(podman.copy(name, tmp_path / "podman"))
    podman("rmi", name)
    assert trees.differences(ours.tree, found) == []


def test_what_was_saved_is_read_by_skopeo_umoci_and_podman(
    boxdeck: CommandLine, ours: Known, podman: Podman, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.tar"
    boxdeck.ok("save", "-o", str(saved), ours.name)
    for kind in ("oci-archive", "docker-archive"):
        skopeo_copy(f"{kind}:{saved}", f"oci:{tmp_path}/layout:{kind}")
        found = trees.describe(umoci_copy(tmp_path / "layout", kind, tmp_path / kind))
        assert trees.differences(ours.tree, found) == []
    boxdeck.ok("save", "--format", "oci-dir", "-o", str(tmp_path / "folder"), ours.name)
    found = trees.describe(umoci_copy(tmp_path / "folder", "1", tmp_path / "from-folder"))
    assert trees.differences(ours.tree, found) == []
    name = podman("load", "-q", "-i", str(saved)).rpartition("Loaded image: ")[2]
    found = trees.describe(podman.copy(name, tmp_path / "podman"))
    podman("rmi", name)
    assert trees.differences(ours.tree, found) == []


def test_what_was_saved_goes_through_docker_and_back(
    boxdeck: CommandLine, ours: Known, docker: Docker, tmp_path: Path
) -> None:
    saved, again = tmp_path / "saved.tar", tmp_path / "again.tar"
    boxdeck.ok("save", "-o", str(saved), ours.name)
    assert docker.ok("load", "--input", str(saved)) == f"Loaded image: {ours.name}"
    assert docker.ok("run", "--rm", "--network", "none", ours.name, "/bin/busybox", "cat", "/etc/new") == "new"
    docker.ok("save", "--output", str(again), ours.name)
    docker.ok("rmi", ours.name)
    before = boxdeck("inspect", ours.name).json[0]["RootFS"]
    assert boxdeck.ok("load", str(again)) == f"Loaded image: {ours.name}"
    assert boxdeck("inspect", ours.name).json[0]["RootFS"] == before
    assert trees.differences(ours.tree, trees.describe(our_copy(boxdeck, ours.name, tmp_path / "back"))) == []


def test_what_a_container_changed_is_what_the_image_holds(boxdeck: CommandLine, ours: Known) -> None:
    """So that the others agree on something: layers of ours hide, replace and own what they should."""
    assert b"etc/gone" not in ours.tree and not any(name.startswith(b"opt/gone") for name in ours.tree)
    assert b"opt/replaced/old" not in ours.tree and ours.tree[b"opt/replaced"]["owner"] == (1, 2)
    assert ours.tree[b"opt/new-as-well"]["first"] == b"etc/new"
    assert ours.tree[b"etc/new"]["time"] == 1_700_000_000 and ours.tree[b"etc/kept"]["owner"] == (7, 8)
    assert ours.tree[b"etc/listed"]["attributes"] == {"system.posix_acl_access": trees.access_list(77, 88, owner=7)}
    assert ours.tree[b"bin/su"]["mode"] == 0o4755 and ours.tree[b"bin/ping"]["attributes"]


def test_folders_that_a_layer_does_not_name_are_everybody_s_alike(
    boxdeck: CommandLine, podman: Podman, registry: DockerRegistry, tar: MakeTar, member: MakeMember, tmp_path: Path
) -> None:
    """Also where a lower layer gives such a folder another mode and owner: every layer is unpacked by itself."""
    layout = Layout(tmp_path / "layout")
    folder = member("named", type=tarfile.DIRTYPE, mode=0o1770, uid=5, gid=6)
    lower = tar(folder, member("named/old"), member("bin", type=tarfile.DIRTYPE))
    descriptor = layout.image(lower, tar(member("named/new"), member("unnamed/deep/new")))
    layout.finish({**descriptor, "annotations": {"org.opencontainers.image.ref.name": "1"}})
    name = registry.reference("unnamed:1")
    skopeo_copy(f"oci:{layout.folder}:1", f"docker://{name}")
    boxdeck.ok("pull", name)
    ours = trees.describe(our_copy(boxdeck, name, tmp_path / "ours"))
    boxdeck.ok("rmi", name)
    assert {key: (ours[key]["mode"], ours[key]["owner"]) for key in (b"named", b"unnamed", b"unnamed/deep")} == {
        b"named": (0o755, (0, 0)), b"unnamed": (0o755, (0, 0)), b"unnamed/deep": (0o755, (0, 0)),
    }  # fmt: skip
    podman("pull", "-q", "--tls-verify=false", name)
    theirs = trees.describe(podman.copy(name, tmp_path / "podman"))
    podman("rmi", name)
    assert [line for line in trees.differences(theirs, ours) if ": time " not in line] == []  # of when it was unpacked
