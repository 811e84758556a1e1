"""Pulling from a registry as people do: with a login, in a terminal, interrupted."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_terminal import Terminal
from tests.command_line import CommandLine
from tests.engine.images.conftest import Layout
from tests.engine.registry.served import Handler, Served
from tests.registry import PASSWORD, USER, DockerRegistry

KILLS = int(os.environ.get("BOXDECK_KILLS", "8"))


@pytest.fixture(autouse=True)
def _nobody_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """With passwords, and an image of busybox in it: ``tiny:1``."""
    folder = tmp_path_factory.mktemp("registry")
    started = DockerRegistry(folder / "data", passwords=True)
    push(started, busybox(folder / "layout"), "tiny:1")
    yield started
    started.close()


def busybox(folder: Path) -> Path:
    """A layout with busybox in three layers, one of them large."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("busybox isn't installed: apt-get install busybox-static")
    layout = Layout(folder)
    (folder / "noise").write_bytes(random.Random(7).randbytes(12_000_000))
    plain = [packed(folder, {"bin/busybox": program}), packed(folder, {"noise": str(folder / "noise")})]
    plain.append(packed(folder, {"etc/name": __file__}))
    layers = [gzip.compress(tar, 1) for tar in plain]
    return layout.finish(layout.image(*layers, uncompressed=tuple(plain), Cmd=["/bin/busybox", "cat", "/etc/name"]))


def packed(folder: Path, files: dict[str, str]) -> bytes:
    path = folder / "layer.tar"
    with tarfile.open(path, "w") as archive:
        for name, source in files.items():
            archive.add(source, name)
    return path.read_bytes()


def push(registry: DockerRegistry, layout: Path, name: str) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo isn't installed: apt-get install skopeo")
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}"]
    subprocess.run([*command, f"oci:{layout}", f"docker://{registry.reference(name)}"], check=True)


def log_in(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    boxdeck.ok("login", "-u", USER, "--password-stdin", registry.host, input=f"{PASSWORD}\n")


def test_run_pulls_what_isn_t_here(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    log_in(boxdeck, registry)
    name = registry.reference("tiny:1")
    assert "no image" in boxdeck("run", "--rm", "--pull", "never", name).sentence
    assert boxdeck.ok("run", "--rm", name) == Path(__file__).read_text().strip()
    assert boxdeck.ok("run", "--rm", "--pull", "always", name, "/bin/busybox", "echo", "again") == "again"
    boxdeck.ok("rmi", name)


def test_who_isn_t_logged_in_is_told_how(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    assert f"boxdeck login {registry.host}" in boxdeck("pull", registry.reference("tiny:1")).sentence
    wrong = boxdeck("login", "-u", USER, "--password-stdin", registry.host, input="wrong\n")
    assert wrong.status == 125 and "doesn't let us in" in wrong.sentence
    log_in(boxdeck, registry)
    image = boxdeck.ok("pull", registry.reference("tiny:1")).strip()
    assert image.startswith("sha256:")
    assert "Removed" in boxdeck.ok("logout", registry.host)
    assert "boxdeck login" in boxdeck("pull", registry.reference("tiny:1")).sentence
    boxdeck.ok("rmi", image)


@pytest.mark.timeout(600)
def test_a_registry_with_tls_and_passwords(
    boxdeck: CommandLine, registry: DockerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = DockerRegistry(tmp_path / "closed", passwords=True, tls=True)
    config = tmp_path / "config.toml"
    monkeypatch.setenv("BOXDECK_CONFIG", str(config))
    try:
        log_in(boxdeck, registry)
        image = boxdeck.ok("pull", registry.reference("tiny:1")).strip()
        name = closed.reference("team/tiny:1")
        boxdeck.ok("tag", image, name)
        config.write_text("[registries]\ninsecure = []\n")
        assert "isn't trusted" in boxdeck("push", name).sentence
        config.write_text(f'[registries]\ninsecure = ["{closed.host}"]\n')
        assert f"boxdeck login {closed.host}" in boxdeck("push", name).sentence
        log_in(boxdeck, closed)
        boxdeck.ok("push", name)
        boxdeck.ok("rmi", "--force", image)
        assert boxdeck.ok("pull", name).strip() == image
        assert boxdeck.ok("tags", closed.reference("team/tiny")) == "1"
        assert boxdeck.ok("search", "-q", f"{closed.host}/tin") == closed.reference("team/tiny")
        boxdeck.ok("rmi", "--force", image)
    finally:
        closed.close()


def test_a_search_is_shown(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    log_in(boxdeck, registry)
    assert boxdeck.ok("search", f"{registry.host}/tiny").splitlines()[1].split() == [registry.reference("tiny"), "0"]
    assert boxdeck("search", "--format", "json", f"{registry.host}/nothing").json == []
    assert "needs a word" in boxdeck("search", "").sentence
    assert "is not a number from 1 to 100" in boxdeck("search", "--limit", "0", "x").sentence


def test_bars_are_shown_in_a_terminal(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    log_in(boxdeck, registry)
    terminal = Terminal([*boxdeck.argv, "pull", registry.reference("tiny:1")])
    try:
        terminal.expect(rb"[0-9a-f]{12}  Downloading +\xe2\x96\x95.* / 12MB")
        terminal.expect(rb"\x1b\[Jsha256:[0-9a-f]{64}\r\n")  # after all that was shown meanwhile is gone
        assert terminal.end() == 0
    finally:
        terminal.close()
    boxdeck.ok("rmi", registry.reference("tiny:1"))


def test_a_pull_that_is_interrupted_ends_at_once_and_without_a_word(boxdeck: CommandLine, tmp_path: Path) -> None:
    served, over = Served(busybox(tmp_path / "layout")), threading.Event()
    (image,) = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]

    def keep_silent(request: Handler) -> bool:
        if "/blobs/" in request.path:
            request.begin(200, 1000)
            over.wait(30)
        return "/blobs/" in request.path

    served.twist = keep_silent
    terminal = Terminal([*boxdeck.argv, "pull", served.tag(image)])
    try:
        terminal.expect(rb"Fetching the image's config")
        time.sleep(0.5)  # in which it has come to wait for what doesn't come
        terminal.type(b"\x03")
        began = time.monotonic()
        assert terminal.end() == 130 and time.monotonic() - began < 5
        with pytest.raises(AssertionError):
            terminal.expect(rb"Traceback|Error|exception", seconds=0.5)
    finally:
        over.set()
        terminal.close()
        served.close()
    assert not list(boxdeck.paths.downloads.glob("*"))  # a config is small, there is nothing to go on with


def test_tags_are_listed(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    log_in(boxdeck, registry)
    assert boxdeck.ok("tags", registry.reference("tiny")) == "1"
    assert json.loads(boxdeck.ok("tags", "--format", "json", registry.reference("tiny"))) == ["1"]
    assert "no repository" in boxdeck("tags", registry.reference("nothing")).sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pull", "Not/A/Name"), "lower case"),
        (("pull", "127.0.0.1:1/image"), "can't be reached (Connection refused): check"),
        (("pull", "image", "--platform", "linux/a/b/c"), "not a platform"),
        (("login", "--password-stdin", "localhost:1"), "needs a name"),
        (("login", "-u", "me", "--password-stdin", "no host"), "invalid image reference"),
    ],
)
def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    answer = boxdeck(*arguments, input="")
    assert answer.status == 125 and words in answer.sentence


@pytest.mark.timeout(300 + 60 * KILLS)
def test_a_pull_killed_at_any_moment_is_gone_on_with(boxdeck: CommandLine, registry: DockerRegistry) -> None:
    log_in(boxdeck, registry)
    name = registry.reference("tiny:1")
    began = time.monotonic()
    image = boxdeck.ok("pull", name).strip()
    took = time.monotonic() - began
    chance = random.Random(os.getpid())
    for _ in range(KILLS):
        boxdeck.ok("rmi", name)
        pull = boxdeck.start("pull", name)
        time.sleep(chance.uniform(0.05, took))
        pull.kill()
        pull.communicate()
        assert boxdeck.ok("pull", "-q", name).strip() == name
        assert boxdeck.ok("images", "-q", "--no-trunc").split().count(image) == 1
        assert boxdeck.ok("run", "--rm", name) == Path(__file__).read_text().strip()
        assert list(boxdeck.paths.downloads.glob("*")) == []
    boxdeck.ok("rmi", name)


def test_an_image_is_tagged_pushed_saved_and_explained(
    boxdeck: CommandLine, registry: DockerRegistry, tmp_path: Path
) -> None:
    log_in(boxdeck, registry)
    name, other = registry.reference("tiny:1"), registry.reference("other/tiny:2")
    image = boxdeck.ok("pull", name)
    boxdeck.ok("tag", name, other)
    assert boxdeck.ok("push", other).startswith(f"{other}: digest: sha256:")
    assert boxdeck.ok("tags", other.rpartition(":")[0]) == "2"
    boxdeck.ok("save", "-o", str(tmp_path / "tiny.tar"), name, other)
    steps = json.loads(boxdeck.ok("history", "--format", "json", name))
    assert [step["Size"] for step in steps][1] == "12MB"
    boxdeck.ok("rmi", "--force", image)
    assert boxdeck.ok("load", "-i", str(tmp_path / "tiny.tar")).splitlines() == [
        f"Loaded image: {reference}" for reference in sorted((name, other))
    ]
    boxdeck.ok("rmi", "--force", image)
    assert "can't be written" in boxdeck("save", "-o", "/nowhere/x.tar", "base").sentence
