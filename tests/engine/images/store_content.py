"""What is in a store of images, and what other programs say of it."""

from __future__ import annotations

import os
import subprocess

from engine.paths import Paths


def folders(paths: Paths) -> list[list[str]]:
    """What is in the blobs', the layers' and the temporary folder."""
    return [
        sorted(os.listdir(path)) if path.is_dir() else []
        for path in (paths.blobs / "sha256", paths.layers / "sha256", paths.temporary)
    ]


NOTHING: list[list[str]] = [[], [], []]
"""What is in them before anything comes in."""


def run(*command: str) -> str:
    """What a program prints, which must succeed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
