"""Which keys do what: ids of all that has a key, presets, and a person's own keys over them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from textual.keys import Keys, key_to_character

from engine.config.app_side import Doubt
from engine.config.model import PRESET
from engine.config.reading import flat
from engine.config.words import resembling
from tui.key_names import CHARACTERS

_FOLDER = Path(__file__).parent / "presets"
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMED = {key.value for key in Keys if not key.value.startswith("<")} | set(CHARACTERS.values())

Keymap = dict[str, str]
"""Keys by the id of what they do, several with commas between them."""


def presets() -> dict[str, Path]:
    """Files of keys that ship, by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}


def preset(name: str) -> Keymap:
    """The keys of a preset; none for a name that isn't one."""
    path = presets().get(name)
    return dict(flat(tomllib.loads(path.read_text()))) if path is not None else {}


def keymap_of(settings: Mapping[str, str]) -> Keymap:
    """What ``[keys]`` says, over the preset that it names; keys as Textual calls them, wrong ones left out."""
    merged = preset(settings.get(PRESET, "")) | {id: keys for id, keys in settings.items() if id != PRESET}
    named = {id: [_textual_name(key) for key in split(keys)] for id, keys in merged.items()}
    return {id: ",".join(keys) for id, keys in named.items() if keys and all(map(_is_key, keys))}


def split(keys: str) -> list[str]:
    """Keys between commas; a comma alone is a key."""
    if keys.strip() == ",":
        return [","]
    return [key.strip() for key in keys.split(",") if key.strip()]


def _textual_name(key: str) -> str:
    """``shift+k`` is what terminals send as ``K``; characters of punctuation have names."""
    *modifiers, last = key.rsplit("+", 1) if len(key) > 1 else [key]
    if modifiers == ["shift"] and len(last) == 1:
        return last.upper()
    return CHARACTERS.get(key, key)


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    known = len(last) == 1 or last in _NAMED or key_to_character(last) is not None
    return known and _MODIFIERS.issuperset(modifiers)


def doubts(settings: Mapping[str, str], ids: Iterable[str]) -> Iterator[Doubt]:
    """What ``[keys]`` says that can't be meant: presets and ids that don't exist, keys that no keyboard has."""
    known = list(ids)
    for id, keys in settings.items():
        if id == PRESET:
            if keys not in presets():
                yield Doubt(("keys", id), f"there is no preset {keys}", resembling(keys, presets()))
        elif id not in known:
            yield Doubt(("keys", id), f"nothing with a key is called {id}", _meant(id, known))
        else:
            yield from _wrong_keys(id, keys)


def _meant(id: str, known: list[str]) -> str:
    near = resembling(id, known)
    return near if near.startswith("did you mean") else "boxdeck config keys lists all ids"


def _wrong_keys(id: str, keys: str) -> Iterator[Doubt]:
    named = [_textual_name(key) for key in split(keys)]
    if not named:
        yield Doubt(("keys", id), f"{id} has no key", "give it one, such as ctrl+k, or take the line out")
    for key in named:
        if not _is_key(key):
            near = resembling(key, sorted(_NAMED)) if len(key) > 2 else ""
            remedy = near if near.startswith("did you mean") else "keys are such as x, X, ctrl+k, f5 or escape"
            yield Doubt(("keys", id), f"there is no key {key}", remedy)
