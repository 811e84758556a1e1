"""``boxdeck cp`` beside ``docker cp`` and ``podman cp``: the same files end up in the same places, both ways."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from engine import Engine
from engine.copying.places import parse
from engine.errors import BoxdeckError
from tests.command_line import CommandLine
from tests.peers.conftest import require
from tests.peers.daemons import Docker
from tests.peers.image import NAME
from tests.peers.podman import RUN, Podman
from tests.peers.quarters import Quarters

pytestmark = [pytest.mark.peer, pytest.mark.apart]

SOURCES = ("file", "file/", "dir", "dir/", "dir/.", "link", "dirlink", "dirlink/", "missing")
TARGETS = ("new", "new/", "file", "file/", "dir", "dirlink", "no/new")
CASES = tuple(product(SOURCES, TARGETS))
# Podman follows links among the sources, wants a folder that ends with a slash to exist, and takes a file that ends so.
IN_PODMAN = tuple(
    (source, target)
    for source, target in CASES
    if "link" not in source and source != "file/" and not (source.startswith("dir") and target.endswith("/"))
)

Copy = Callable[[str, str], bool]
Tree = dict[str, tuple[str, int, str]]
Cases = tuple[tuple[str, str], ...]
Outcomes = dict[tuple[str, str, str], tuple[bool, Tree]]


def furnish(folder: Path, text: str) -> None:
    """What sources and targets look like before."""
    (folder / "dir" / "sub").mkdir(parents=True)
    (folder / "file").write_text(f"{text} file")
    (folder / "file").chmod(0o640)
    (folder / "dir" / text).write_text(f"{text} in dir")
    (folder / "dir" / "sub" / text).write_text(f"{text} in sub")
    (folder / "link").symlink_to("file")
    (folder / "dirlink").symlink_to("dir")


def tree(folder: Path) -> Tree:
    """What is in a folder: type, mode and content by path."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode & 0o777
        if path.is_symlink():
            found[str(path.relative_to(folder))] = ("link", 0o777, os.readlink(path))
        elif path.is_dir():
            found[str(path.relative_to(folder))] = ("folder", mode, "")
        else:
            found[str(path.relative_to(folder))] = ("file", mode, path.read_text())
    return found


def outcomes(copy: Copy, argv: list[str], folder: Path, cases: Cases = CASES) -> Outcomes:
    """What every case did with one tool, into its container `box` and out of it.

    Args:
        copy: the tool; tells whether it worked.
        argv: the tool as a command, for an archive on its standard output.
    """
    source, rooms, out = folder / "source", folder / "rooms", folder / "out"
    furnish(source, "new")
    for number in range(len(cases)):
        furnish(rooms / str(number), "old")
        furnish(out / str(number), "old")
    assert copy(str(rooms), "box:/") and copy(str(source), "box:/")
    worked = {}
    for number, (name, target) in enumerate(cases):
        worked["in", name, target] = copy(f"{source}/{name}", f"box:/rooms/{number}/{target}")
        worked["out", name, target] = copy(f"box:/source/{name}", f"{out}/{number}/{target}")
    archive = subprocess.run([*argv, "box:/rooms", "-"], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder / "in", filter="fully_trusted")
    found: Outcomes = {}
    for number, case in enumerate(cases):
        found["in", *case] = worked["in", *case], tree(folder / "in" / "rooms" / str(number))
        found["out", *case] = worked["out", *case], tree(out / str(number))
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Outcomes:
    """What Boxdeck makes of all cases."""
    folder = tmp_path_factory.mktemp("ours")
    boxdeck = CommandLine(folder)
    boxdeck.ok("load", str(tiny))
    boxdeck.ok("create", "--name", "box", "--network", "none", NAME)
    try:
        with asyncio.Runner() as runner:

            async def copy(source: str, target: str) -> bool:
                try:
                    async with Engine.open(str(boxdeck.paths.root), str(boxdeck.paths.runroot)) as engine:
                        await engine.files.copy(parse(source), parse(target))
                except BoxdeckError:
                    return False
                return True

            return outcomes(lambda *words: runner.run(copy(*words)), [*boxdeck.argv, "cp", "-q"], folder)
    finally:
        boxdeck.ok("system", "reset", "--force")


def test_docker_puts_files_in_the_same_places(ours: Outcomes, docker: Docker, tmp_path: Path) -> None:
    docker.ok("create", "--name", "box", NAME)
    try:
        theirs = outcomes(lambda *words: docker("cp", *words).returncode == 0, docker.argv("cp"), tmp_path)
    finally:
        docker.ok("rm", "box")
    assert differences(ours, theirs) == {}


def test_podman_puts_files_in_the_same_places(
    ours: Outcomes,
    quarters: Quarters,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    boxdeck_oci: str,
    tiny: Path,
) -> None:
    require("podman", "podman")
    podman = Podman(quarters, tmp_path_factory.mktemp("podman"), boxdeck_oci)
    podman.ok("load", "-i", str(tiny))
    podman.ok("create", "--name", "box", *RUN, NAME)
    try:
        theirs = outcomes(lambda *words: podman("cp", *words).returncode == 0, podman.argv("cp"), tmp_path, IN_PODMAN)
    finally:
        podman.ok("rm", "box")
    assert differences(ours, theirs) == {}


def differences(ours: Outcomes, theirs: Outcomes) -> dict[tuple[str, str, str], object]:
    return {case: (ours[case], theirs[case]) for case in theirs if ours[case] != theirs[case]}
