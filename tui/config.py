"""A person's settings: ``~/.config/boxdeck/config.toml``, every field optional."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.errors import InvalidRequest


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the app.

    Attributes:
        theme: the name of the theme to start with.
        keymap: keys by the id of what they do, such as ``"container.stop" = "x"``; help shows the ids.
        shell: what ``e`` starts in a container; nothing for the user's own shell there, bash, ash or sh.
    """

    theme: str = "boxdeck-dark"
    keymap: dict[str, str] = {}
    shell: tuple[str, ...] = ()


def config_folder() -> Path:
    """Where a person's settings and themes live (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "boxdeck"


def load_config(path: Path | None = None) -> Config:
    """Read the settings; without a file, the defaults.

    Raises:
        InvalidRequest: the file can't be read or says something that isn't a setting.
    """
    path = path or config_folder() / "config.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Config)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise InvalidRequest(f"{path} can't be read ({error.strerror})", "see who may read it") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} isn't right ({error})", "correct it, or remove it for the defaults") from error
