"""``boxdeck image VERB``, and pruning: by question, by force, and killed at any moment."""

from __future__ import annotations

import io
import os
import random
import tarfile
import time
from pathlib import Path

import pytest

from tests.cli.test_terminal import Terminal
from tests.command_line import CommandLine
from tests.engine.images.conftest import Layout

KILLS = int(os.environ.get("BOXDECK_KILLS", "3"))
VERBS = ("ls", "pull", "push", "tag", "rm", "prune", "inspect", "history", "layers", "tree", "which", "load", "save")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Three images with a layer of many files each: ``many:0`` to ``many:2``."""
    layout = Layout(tmp_path / "layout")
    named = []
    for number in range(3):
        image = layout.image(many_files(number), Cmd=["sh"], Labels={"number": str(number)})
        named.append({**image, "annotations": {"org.opencontainers.image.ref.name": f"many:{number}"}})
    return layout.finish(*named)


def many_files(number: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for count in range(600):
            info = tarfile.TarInfo(f"{number}/{count % 30}/{count}")
            info.size = 300
            archive.addfile(info, io.BytesIO(bytes(300)))
    return buffer.getvalue()


def content(boxdeck: CommandLine) -> list[str]:
    paths = boxdeck.paths
    folders = (paths.blobs / "sha256", paths.layers / "sha256", paths.temporary)
    return sorted(path.name for folder in folders for path in folder.iterdir())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_of_itself(boxdeck: CommandLine, verb: str) -> None:
    assert boxdeck.ok("image", verb, "--help").startswith(f"usage: boxdeck image {verb} ")
    assert f"  {verb} " in boxdeck.ok("image", "--help")


def test_the_verbs_are_those_without_image(boxdeck: CommandLine, layout: Path) -> None:
    assert boxdeck.ok("image", "load", "-q", str(layout)) == ""
    boxdeck.ok("image", "tag", "many:0", "further:1")
    assert boxdeck.ok("image", "ls", "-q") == boxdeck.ok("images", "-q")
    assert boxdeck("image", "inspect", "many:0").json == boxdeck("inspect", "--type", "image", "further:1").json
    assert boxdeck.ok("image", "history", "many:0") == boxdeck.ok("history", "many:0")
    assert "no image" in boxdeck("image", "inspect", "nothing").sentence
    lines = boxdeck.ok("image", "rm", "further:1", "many:0", "many:1", "many:2").splitlines()
    assert [line.split(":")[0] for line in lines].count("Deleted") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required"),
        (("nothing",), "choose one of ls, pull"),
        (("prune",), "say so with --force"),
        (("prune", "-f", "--filter", "size=3"), "is not until=TIME"),
        (("prune", "-f", "--filter", "until=never"), "is not a time"),
        (("rm",), "required"),
    ],
)
def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    answer = boxdeck("image", *arguments)
    assert answer.status == 125 and words in answer.sentence


def test_prune_asks_on_a_terminal(boxdeck: CommandLine, layout: Path) -> None:
    boxdeck.ok("load", str(layout))
    for answer, left in ((b"n\r", 3), (b"y\r", 2)):
        terminal = Terminal([*boxdeck.argv, "image", "prune", "--all", "--filter", "label=number=1"])
        try:
            terminal.expect(rb"Go on\? \[y/N\] ")
            terminal.type(answer)
            assert terminal.end() == 0
        finally:
            terminal.close()
        assert boxdeck.ok("images").count("many ") == left
    assert boxdeck.ok("image", "prune", "-f").startswith("Total reclaimed space: ")
    assert boxdeck.ok("images").count("many ") == 2  # since they have names
    boxdeck.ok("rmi", "many:0", "many:2")


def test_images_that_containers_use_stay(boxdeck: CommandLine, layout: Path) -> None:
    boxdeck.ok("load", str(layout))
    boxdeck.ok("create", "--name", "user", "many:1", "sh")
    boxdeck.ok("create", "--name", "other", "base", "sh")
    lines = boxdeck.ok("image", "prune", "-af").splitlines()
    assert [line for line in lines if line.startswith("Untagged")] == ["Untagged: many:0", "Untagged: many:2"]
    boxdeck.ok("rmi", "-f", "many:1")
    assert "Deleted" not in boxdeck.ok("image", "prune", "-f")  # it has no name now, but its container
    boxdeck.ok("rm", "user")
    assert "Deleted" in boxdeck.ok("image", "prune", "-f")
    assert boxdeck.ok("run", "--rm", "base", "echo", "here") == "here"


@pytest.mark.timeout(600)
def test_a_prune_killed_at_any_moment_is_gone_on_with(boxdeck: CommandLine, layout: Path) -> None:
    kept = boxdeck.ok("create", "--name", "kept", "base", "true")
    boxdeck.ok("image", "prune", "-af")
    before = content(boxdeck)
    boxdeck.ok("load", str(layout))
    began = time.monotonic()
    boxdeck.ok("image", "prune", "-af")
    took = time.monotonic() - began
    assert content(boxdeck) == before
    chance = random.Random(os.getpid())
    for _ in range(KILLS):
        boxdeck.ok("load", str(layout))
        prune = boxdeck.start("image", "prune", "-af")
        time.sleep(chance.uniform(0.2 * took, took))
        prune.kill()
        prune.communicate()
        for name in boxdeck.ok("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()[:1]:
            assert boxdeck.ok("image", "tree", name)  # what is listed is whole
        boxdeck.ok("image", "prune", "-af")
        assert content(boxdeck) == before
    assert boxdeck.ok("start", "-a", kept) == ""
