"""Lists of images as docker filters them, and imports with changes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from engine.cli.image_filters import filtered, image_filter
from engine.model import Image, ImageConfig
from tests.command_line import CommandLine

DAY = 86_400 * 10**9


def image(number: int, *references: str, **labels: str) -> Image:
    return Image(
        id=f"sha256:{number:064}", references=references, manifest_digest="", layers=(), size_bytes=0,
        config=ImageConfig(labels=labels), created_unix_ns=number * DAY,
    )  # fmt: skip


IMAGES = (
    image(3, "localhost:5000/team/app:2", "app:2", of="team", stage="test"),
    image(2, "app:1", of="team"),
    image(1),
)
NAMED = {"app:1": IMAGES[1]}


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ([], [3, 2, 1]),
        (["dangling=true"], [1]),
        (["dangling=false"], [3, 2]),
        (["label=of"], [3, 2]),
        (["label=of=team", "label=stage"], [3]),
        (["label=of=nobody"], []),
        (["reference=app"], [3, 2]),
        (["reference=app:1"], [2]),
        (["reference=*"], [3, 2]),
        (["reference=*/*/app"], [3]),
        (["reference=*pp:[12]"], [3, 2]),
        (["reference=nothing"], []),
        (["reference=app:1", "reference=*/team/*"], [3, 2]),
        (["before=app:1"], [1]),
        (["since=app:1"], [3]),
        (["until=172800.5"], [2, 1]),
        (["dangling=false", "label=stage"], [3]),
    ],
)
def test_filters_choose(filters: list[str], numbers: list[int]) -> None:
    found = filtered(IMAGES, [image_filter(text) for text in filters], NAMED)
    assert [each.created_unix_ns // DAY for each in found] == numbers


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("images", "-f", "size=3"), "is not dangling=…"),
        (("images", "-f", "dangling=perhaps"), "neither true nor false"),
        (("images", "-f", "before=nothing"), "no image 'nothing'"),
        (("import", "-c", "MAKE coffee", "/nowhere", "x"), "begin it with one of CMD"),
    ],
)
def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    answer = boxdeck(*arguments)
    assert answer.status == 125 and words in answer.sentence


def test_an_import_takes_changes_and_is_found_by_them(boxdeck: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("file"), io.BytesIO())
    changes = ("-c", 'CMD ["/bin/other", "x"]', "-c", "LABEL made=here", "-c", "VOLUME /data", "-c", "USER 7:8")
    made = boxdeck.ok("import", *changes, "-m", "from a test", str(path), "changed:1").strip()
    (seen,) = boxdeck("image", "inspect", "changed:1").json
    assert (seen["Config"]["Cmd"], seen["Config"]["User"]) == (["/bin/other", "x"], "7:8")
    assert seen["Config"]["Labels"] == {"made": "here"}
    (step,) = boxdeck("history", "--format", "json", "changed:1").json
    assert (step["Comment"], step["Size"]) == ("from a test", "0B") and step["CreatedSince"].endswith(" ago")
    (step,) = boxdeck("history", "--human=false", "--format", "json", "changed:1").json
    assert step["Size"] == "0" and step["CreatedSince"].startswith("20") and step["CreatedSince"].endswith("Z")
    for options in (("-f", "label=made=here"), ("changed",), ("changed:*",), ("-f", "reference=changed:1", "-a")):
        assert boxdeck.ok("images", "-q", "--no-trunc", *options) == made
    assert boxdeck.ok("images", "-q", "-f", "dangling=true") == ""
    heading, line = boxdeck.ok("images", "--digests", "changed").splitlines()
    assert "DIGEST" in heading and "sha256:" in line
    boxdeck.ok("rmi", made)
