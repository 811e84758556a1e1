"""load, import, rmi on the command line."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine


@pytest.fixture
def root_tar(boxdeck: CommandLine, tmp_path: Path) -> Iterator[Path]:
    """A root file system with a shell, and a file that nothing else has."""
    layer = Path(boxdeck("inspect", boxdeck_container(boxdeck)).json[0]["GraphDriver"]["Data"]["LowerDir"])
    boxdeck.remove_all()
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(layer, ".")
        info = tarfile.TarInfo("./marker")
        info.size = 6
        archive.addfile(info, io.BytesIO(b"marked"))
    yield path
    boxdeck.remove_all()
    boxdeck("rmi", "-f", "other")


def boxdeck_container(boxdeck: CommandLine) -> str:
    return boxdeck.ok("create", "base", "true")


def test_an_imported_root_runs(boxdeck: CommandLine, root_tar: Path) -> None:
    image_id = boxdeck.ok("import", str(root_tar), "other:1.0")
    assert image_id.startswith("sha256:")
    assert boxdeck.ok("run", "--rm", "other:1.0", "cat", "/marker") == "marked"
    assert boxdeck.ok("run", "--rm", image_id[7:19], "cat", "/marker") == "marked"
    lines = boxdeck.ok("rmi", "other:1.0").splitlines()
    assert lines[0] == "Untagged: other:1.0"
    assert lines[-1].startswith("Deleted: sha256:")


@pytest.mark.parametrize("compress", [("cat",), ("gzip", "-1"), ("xz", "-0")])
def test_import_reads_standard_input_and_compressed_files(
    boxdeck: CommandLine, root_tar: Path, compress: tuple[str, ...]
) -> None:
    with open(root_tar, "rb") as file:
        packed = subprocess.run(compress, stdin=file, capture_output=True, check=True).stdout
    subprocess.run([*boxdeck.argv, "import", "-", "other"], input=packed, capture_output=True, check=True)
    assert boxdeck.ok("run", "--rm", "other", "cat", "/marker") == "marked"
    assert "imported from stdin\n" in boxdeck.ok("history", "other") + "\n"


def test_a_nameless_image_from_standard_input_is_called_after_it(boxdeck: CommandLine, tmp_path: Path) -> None:
    boxdeck.ok("save", "--format", "oci-dir", "-o", str(tmp_path / "layout"), "base")
    index = tmp_path / "layout" / "index.json"
    document = json.loads(index.read_text())
    for manifest in document["manifests"]:
        del manifest["annotations"]
    index.write_text(json.dumps(document))
    packed = subprocess.run(["tar", "-C", str(index.parent), "-c", "."], capture_output=True, check=True).stdout
    subprocess.run([*boxdeck.argv, "load", "-q"], input=packed, check=True)
    assert boxdeck.ok("rmi", "stdin") == "Untagged: stdin:latest"


def test_what_is_no_image_on_standard_input_leaves_nothing(boxdeck: CommandLine) -> None:
    answer = boxdeck("load")
    assert (answer.status, "index.json" in answer.sentence, "stdin" in answer.sentence) == (125, True, False)
    assert list(boxdeck.paths.temporary.iterdir()) == []


def test_an_image_in_use_is_kept(boxdeck: CommandLine, root_tar: Path) -> None:
    boxdeck.ok("import", str(root_tar), "other")
    boxdeck.ok("run", "-d", "--name", "user", "other", "sleep", "99")
    assert "in use" in boxdeck("rmi", "other").sentence
    assert boxdeck.ok("exec", "user", "cat", "/marker") == "marked"


def test_a_damaged_tar_leaves_no_image(boxdeck: CommandLine, root_tar: Path) -> None:
    data = root_tar.read_bytes()
    root_tar.write_bytes(data[: len(data) // 2])
    answer = boxdeck("import", str(root_tar), "other")
    assert answer.status == 125
    assert answer.sentence
    assert "other" not in boxdeck.ok("images")
    assert not list(boxdeck.paths.temporary.glob("*"))
