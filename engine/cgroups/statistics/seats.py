"""Which of a container's cgroups counts what only the very cgroup with the processes does."""

from __future__ import annotations

import os

from engine.cgroups.folders import PAYLOAD


def in_seat(folder: str, file: str) -> str:
    """The file's path in the cgroup for the processes one level down, or in the cgroup itself where there is none.

    What happens in cgroups that a container has made below is counted by these alone.
    """
    path = f"{folder}/{PAYLOAD}/{file}"
    return path if os.path.exists(path) else f"{folder}/{file}"
