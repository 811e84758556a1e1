"""skopeo, umoci and podman on images, each on folders of its own; and copies of what their images hold."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.command_line import CommandLine
from tests.peers.conftest import require

_IN_A_NAMESPACE = ("unshare", "--mount", "--propagation", "private", "sh", "-ec")
_QUIET = "mount -t tmpfs -o mode=755 tmpfs /run;"


def run(*command: str) -> str:
    """A program's output.

    Raises:
        AssertionError: it fails.
    """
    require(command[0], {"podman": "podman"}.get(command[0], command[0]))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.strip()


def skopeo_copy(source: str, target: str, *options: str) -> None:
    """``skopeo copy`` with registries that have no certificates."""
    run("skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", *options, source, target)


class Podman:
    """podman's images, without containers that run."""

    def __init__(self, folder: Path) -> None:
        self._flags = [
            "podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--tmpdir", str(folder / "tmp"),
            "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        ]  # fmt: skip

    def __call__(self, *arguments: str) -> str:
        require("podman", "podman")
        return run(*_IN_A_NAMESPACE, f'{_QUIET} exec "$@"', "sh", *self._flags, *arguments)

    def changed(self, base: str, change: str, name: str) -> None:
        """Commit a container of `base` in which nothing has run, after a command has changed its files.

        Args:
            change: of a shell, with the root file system's place in ``$at``.
        """
        script = 'at=$("$@" mount changing) && {change} && "$@" umount changing && "$@" commit -q changing {name}'
        self("create", "--name", "changing", base, "nothing")
        run(*_IN_A_NAMESPACE, f"{_QUIET} {script.format(change=change, name=name)}", "sh", *self._flags)
        self("rm", "changing")

    def copy(self, name: str, to: Path) -> Path:
        """The files of an image."""
        to.mkdir()
        script = f'at=$("$@" image mount {name}) && cp -a "$at/." {to}'
        run(*_IN_A_NAMESPACE, f"{_QUIET} {script}", "sh", *self._flags)
        return to


def umoci_made(layout: Path, tag: str, steps: Sequence[Callable[[Path], None]]) -> None:
    """An image of umoci's with a layer for each step."""
    if not layout.exists():
        run("umoci", "init", "--layout", str(layout))
    image, bundle = f"{layout}:{tag}", layout.with_name(f"{layout.name}-{tag}")
    run("umoci", "new", "--image", image)
    run("umoci", "unpack", "--image", image, str(bundle))
    for step in steps:
        step(bundle / "rootfs")
        run("umoci", "repack", "--refresh-bundle", "--image", image, str(bundle))


def umoci_copy(layout: Path, tag: str, to: Path) -> Path:
    """The files of an image as umoci unpacks them."""
    run("umoci", "unpack", "--image", f"{layout}:{tag}", str(to))
    return to / "rootfs"


def our_copy(boxdeck: CommandLine, name: str, to: Path) -> Path:
    """The files of an image of ours, as overlayfs shows them."""
    layers = boxdeck("inspect", "--type", "image", name).json[0]["RootFS"]["Layers"]
    empty = to.with_name(f"{to.name}-empty")
    for folder in (to, empty):
        folder.mkdir()
    lowers = ":".join([str(empty), *(str(boxdeck.paths.layer(layer)) for layer in reversed(layers))])
    run(*_IN_A_NAMESPACE, f"mount -t overlay -o ro,lowerdir={lowers} o {empty} && cp -a {empty}/. {to}")
    return to
