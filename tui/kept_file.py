"""Small files that outlive the app, in ``~/.local/state/boxdeck``: for their owner alone, and whole at any time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

Kept = TypeVar("Kept")


def state_folder() -> Path:
    """Where they live (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local/state") / "boxdeck"


def read(path: Path, kind: type[Kept]) -> Kept | None:
    """What was kept; None where there is nothing, or nothing that can be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write(text: bytes, path: Path) -> None:
    """Keep JSON, in one step, for this user alone: filters and variables may say what others needn't know."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):  # a home that can't be written to isn't worth a word
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside.touch(mode=0o600)
        aside.write_bytes(msgspec.json.format(text, indent=1) + b"\n")
        aside.replace(path)
