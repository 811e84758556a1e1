"""Docker's ``--mount``: words separated by commas, as values (docker run(1))."""

from __future__ import annotations

import csv
import os.path
from typing import get_args

from engine.compile.notation import size_bytes
from engine.errors import InvalidRequest
from engine.options import BindMount, Propagation, TmpfsMount, VolumeMount

_PROPAGATION: frozenset[str] = frozenset(get_args(Propagation))
_CONSISTENCY = ("default", "consistent", "cached", "delegated")  # of macOS; here all are the same
_TRUE, _FALSE = ("", "1", "t", "true"), ("0", "f", "false")
_KINDS = ("bind", "volume", "tmpfs")
_RECURSION = ("enabled", "disabled", "writable", "readonly")


def mount(text: str) -> BindMount | TmpfsMount | VolumeMount:
    """``type=bind,source=…,target=…[,readonly]``, ``type=volume,…`` or ``type=tmpfs,target=…[,tmpfs-size=…]``.

    Raises:
        InvalidRequest: it isn't one.
    """
    words = _Words(text)
    kind = words.take("type") or "volume"
    if kind not in _KINDS:
        raise InvalidRequest(f"mounts of type {kind} are not possible", "choose type=bind, type=volume or type=tmpfs")
    target = words.take("target", "destination", "dst")
    if not target:
        raise InvalidRequest(f"{text!r} doesn't say where to mount", "add target=/in/the/container")
    words.one_of(_CONSISTENCY, "consistency")
    made = _made(kind, target, words)
    words.end(kind)
    return made


def _made(kind: str, target: str, words: _Words) -> BindMount | TmpfsMount | VolumeMount:
    if kind == "bind":
        return _bind(target, words)
    return _volume(target, words) if kind == "volume" else _tmpfs(target, words)


class _Words:
    """What is said, each taken once; a comma within a value is written with quotes around the whole word."""

    def __init__(self, text: str) -> None:
        self._text = text
        parts = next(csv.reader([text]), [])
        self._values = {name.lower(): value for name, _, value in (part.partition("=") for part in parts)}

    def take(self, *names: str) -> str:
        """The value of the first of these names that is there."""
        found = [self._values.pop(name) for name in names if name in self._values]
        return found[0] if found else ""

    def flag(self, *names: str) -> bool:
        """Whether one of these names is there, and not as false."""
        name = next((name for name in names if name in self._values), "")
        if not name:
            return False
        value = self._values.pop(name).lower()
        if value not in _TRUE + _FALSE:
            raise self.wrong(name, value, ("true", "false"))
        return value in _TRUE

    def one_of(self, known: tuple[str, ...], name: str) -> str:
        """The value of a name, or the first that is possible."""
        value = self.take(name) or known[0]
        if value not in known:
            raise self.wrong(name, value, known)
        return value

    def wrong(self, name: str, value: str, known: tuple[str, ...]) -> InvalidRequest:
        """What is said of a value that can't be."""
        return InvalidRequest(f"{name}={value} in {self._text!r} is not possible", f"choose {', '.join(known)}")

    def end(self, kind: str) -> None:
        """See that nothing is left."""
        for name in self._values:
            if (other := name.partition("-")[0]) in _KINDS and other != kind:
                raise InvalidRequest(f"{name!r} in {self._text!r} is for mounts of type {other}", "leave it out")
            raise InvalidRequest(
                f"{name!r} in {self._text!r} is not an option of this mount", "see: boxdeck run --help"
            )


def _bind(target: str, words: _Words) -> BindMount:
    source = words.take("source", "src")
    if not source:
        raise InvalidRequest("a bind mount has no source", "write it as type=bind,source=/host,target=/container")
    read_only = words.flag("readonly", "ro")
    propagation = words.one_of(("rprivate", *sorted(_PROPAGATION - {"rprivate"})), "bind-propagation")
    recursion = words.one_of(_RECURSION, "bind-recursive")
    if recursion in ("writable", "readonly") and not read_only:
        raise InvalidRequest(f"bind-recursive={recursion} is for mounts that are read-only", "add readonly")
    if recursion == "readonly" and propagation != "rprivate":
        raise InvalidRequest("bind-recursive=readonly needs bind-propagation=rprivate", "leave bind-propagation out")
    return BindMount(
        source=os.path.abspath(os.path.expanduser(source)), destination=target, read_only=read_only,
        recursive=recursion != "disabled" and not words.flag("bind-nonrecursive"),
        writable_below=recursion == "writable",
        propagation=propagation,  # type: ignore[arg-type]  # it is one of them
    )  # fmt: skip


def _volume(target: str, words: _Words) -> VolumeMount:
    if (driver := words.take("volume-driver")) not in ("", "local"):
        raise InvalidRequest(f"there is no volume driver {driver!r}", "leave it out: all volumes are local")
    if option := words.take("volume-opt"):
        remedy = "mount what it says on this machine, and show it with type=bind"
        raise InvalidRequest(f"volumes take no options such as volume-opt={option}", remedy)
    return VolumeMount(
        name=words.take("source", "src"), destination=target, read_only=words.flag("readonly", "ro"),
        copies=not words.flag("volume-nocopy"), subpath=words.take("volume-subpath"),
    )  # fmt: skip


def _tmpfs(target: str, words: _Words) -> TmpfsMount:
    if source := words.take("source", "src"):
        raise InvalidRequest(f"a tmpfs has no source, such as {source}", "leave it out")
    options = []
    if size := words.take("tmpfs-size"):
        options.append(f"size={size_bytes(size)}")
    if mode := words.take("tmpfs-mode"):
        if not (set(mode) <= set("01234567") and len(mode) <= 5):
            raise InvalidRequest(f"tmpfs-mode={mode} is not a mode", "write it in octal digits, such as 1770")
        options.append(f"mode={mode}")
    if words.flag("readonly", "ro"):
        options.append("ro")
    return TmpfsMount(destination=target, options=tuple(options))
