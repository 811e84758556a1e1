"""Settings, keys and what is wrong about them, as ``boxdeck config`` has them in JSON."""

from __future__ import annotations

from engine.cli.documents import Document


class SettingDocument(Document, frozen=True, kw_only=True):
    """``boxdeck config show``: the value as TOML has it."""

    setting: str
    value: str
    origin: str


class MistakeDocument(Document, frozen=True, kw_only=True):
    """``boxdeck config check``: the line is counted from 1, and None where a file isn't TOML at all."""

    file: str
    line: int | None
    cause: str
    remedy: str


class KeyDocument(Document, frozen=True, kw_only=True):
    """``boxdeck config keys``: keys with blanks between them."""

    id: str
    keys: str
    origin: str
    does: str
