"""Where settings are kept (XDG Base Directory Specification)."""

from __future__ import annotations

import os
from pathlib import Path

MACHINE_FILE = Path("/etc/boxdeck/config.toml")
"""Settings for everybody on this machine; a person's own go before them."""


def config_folder() -> Path:
    """Where a person's settings, themes and credentials live."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "boxdeck"


def own_file() -> Path:
    """A person's settings: ``$BOXDECK_CONFIG``, or ``config.toml`` in their folder; it needn't be there."""
    named = os.environ.get("BOXDECK_CONFIG")
    return Path(named) if named else config_folder() / "config.toml"


def files() -> tuple[Path, ...]:
    """What is read, later ones going before earlier ones; ``$BOXDECK_CONFIG`` is read alone."""
    return (own_file(),) if os.environ.get("BOXDECK_CONFIG") else (MACHINE_FILE, own_file())
