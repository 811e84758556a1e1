"""Where an interpreter without site-packages (``python -I -S``, which starts quickly) finds what it imports of ours."""

from __future__ import annotations

from pathlib import Path

import msgspec


def import_folders() -> list[str]:
    """For its ``sys.path``: the folders that our package and msgspec are in, the latter with all that we depend on."""
    packages = (Path(__file__).parent, Path(msgspec.__file__).parent)
    return list(dict.fromkeys(str(package.parent) for package in packages))
