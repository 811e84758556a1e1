"""Which shared libraries programs need and where they are, by the rules of ld.so(8), without executing anything."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.images.elf import Elf, parse_elf

CACHE: Final = Path("/etc/ld.so.cache")
_CACHE_MAGIC: Final = b"glibc-ld.so.cache1.1"
_CACHE_HEADER_BYTES: Final = 48
_CACHE_ENTRY: Final = struct.Struct("=iIIIQ")  # struct file_entry_new: flags, key, value, osversion, hwcap

_TRIPLETS: Final = {  # e_machine and bits to Debian's folder name
    (62, 64): "x86_64-linux-gnu",
    (183, 64): "aarch64-linux-gnu",
    (3, 32): "i386-linux-gnu",
    (40, 32): "arm-linux-gnueabihf",
    (243, 64): "riscv64-linux-gnu",
    (21, 64): "powerpc64le-linux-gnu",
    (22, 64): "s390x-linux-gnu",
}


class MissingLibrary(Exception):
    """A program needs a library that this machine doesn't have; its message is the library's name."""


class Placed(Struct, frozen=True):
    """A file of this machine and its place in an image.

    Attributes:
        source: where it is here, links resolved.
        target: where it goes, absolute, with merged /usr (``/lib/x`` becomes ``/usr/lib/x``).
    """

    source: Path
    target: str


class _Loaded(Struct, frozen=True, kw_only=True):
    """An object while its needs are resolved, with the RPATHs that it inherits from who loads it."""

    elf: Elf
    placed: Placed
    inherited: tuple[tuple[Path, str], ...] = ()


def merged(path: str) -> str:
    """A path as a system with merged /usr has it."""
    path = os.path.normpath(path)
    top = path.split("/")[1] if path.startswith("/") else ""
    return f"/usr{path}" if top in ("bin", "sbin", "lib", "lib32", "lib64", "libx32") else path


class LibraryFinder:
    """Finds libraries; reads every file once."""

    def __init__(self, cache: Path = CACHE) -> None:
        self._cache_file = cache
        self._headers: dict[Path, Elf | None] = {}

    def closure(self, program: Placed) -> tuple[Placed, ...]:
        """The dynamic linker and all libraries that a program needs, directly or not; empty for a static one.

        Raises:
            MissingLibrary: one of them isn't here.
        """
        elf = self._elf(program.source)
        if elf is None or not (elf.needed or elf.interpreter):
            return ()
        found: dict[str, Placed] = {}
        if elf.interpreter:
            found[os.path.basename(elf.interpreter)] = self._interpreter(elf.interpreter)
        queue = [_Loaded(elf=elf, placed=program)]
        while queue:
            loaded = queue.pop(0)
            for name in (n for n in loaded.elf.needed if n not in found):
                library = self._find(name, loaded)
                found[name] = library.placed
                queue.append(library)
        return tuple(found.values())

    def _interpreter(self, path: str) -> Placed:
        if not os.path.isfile(path):
            raise MissingLibrary(path)
        return Placed(Path(os.path.realpath(path)), merged(path))

    def _find(self, name: str, wanting: _Loaded) -> _Loaded:
        """The first library of that name, and of the same machine, in the order that ld.so(8) gives."""
        rpaths = (*_expanded(wanting.elf.rpath, wanting.placed), *wanting.inherited)
        own = () if wanting.elf.runpath else rpaths
        for source, target in self._candidates(name, wanting, own):
            elf = self._elf(source)
            if elf is not None and (elf.machine, elf.bits) == (wanting.elf.machine, wanting.elf.bits):
                placed = Placed(Path(os.path.realpath(source)), merged(target))
                return _Loaded(elf=elf, placed=placed, inherited=rpaths)
        raise MissingLibrary(name)

    def _candidates(
        self, name: str, wanting: _Loaded, rpaths: Iterable[tuple[Path, str]]
    ) -> Iterator[tuple[Path, str]]:
        if "/" in name:
            yield Path(name), name
            return
        defaults = default_folders(wanting.elf)
        for source, target in (*rpaths, *_expanded(wanting.elf.runpath, wanting.placed)):
            yield source / name, f"{target}/{name}"
        for path in self._cache.get(name, ()):
            folder = os.path.dirname(path)
            yield Path(path), f"{folder if folder in defaults else _home(defaults)}/{name}"
        for folder in defaults:
            yield Path(folder, name), f"{folder}/{name}"

    def _elf(self, path: Path) -> Elf | None:
        if path not in self._headers:
            try:
                self._headers[path] = parse_elf(path.read_bytes())
            except OSError:
                self._headers[path] = None
        return self._headers[path]

    @cached_property
    def _cache(self) -> dict[str, tuple[str, ...]]:
        try:
            return parse_cache(self._cache_file.read_bytes())
        except OSError:
            return {}


def default_folders(elf: Elf) -> tuple[str, ...]:
    """Folders that the dynamic linker searches by itself, for this kind of machine."""
    triplet = _TRIPLETS.get((elf.machine, elf.bits))
    multiarch = (f"/lib/{triplet}", f"/usr/lib/{triplet}") if triplet else ()
    wide = ("/lib64", "/usr/lib64") if elf.bits == 64 else ()
    return (*multiarch, *wide, "/lib", "/usr/lib")


def parse_cache(data: bytes) -> dict[str, tuple[str, ...]]:
    """Names and paths of ld.so.cache in its format of glibc 2.2 and later; empty when it is something else.

    Variants for newer processors (a value in hwcap) are left out: images are for any machine of the kind.
    """
    start = data.find(_CACHE_MAGIC)
    if start < 0:
        return {}
    found: dict[str, list[str]] = {}
    try:
        (count,) = struct.unpack_from("=I", data, start + len(_CACHE_MAGIC))
        for number in range(count):
            offset = start + _CACHE_HEADER_BYTES + number * _CACHE_ENTRY.size
            _, key, value, _, hwcap = _CACHE_ENTRY.unpack_from(data, offset)
            if not hwcap:
                found.setdefault(_string(data, start + key), []).append(_string(data, start + value))
    except (struct.error, ValueError):
        return {}
    return {name: tuple(paths) for name, paths in found.items()}


def _string(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode("utf-8", "surrogateescape")


def _home(defaults: tuple[str, ...]) -> str:
    """Where a library goes that was in a folder which only this machine's cache knows of."""
    return next((folder for folder in defaults if os.path.isdir(folder)), defaults[-1])


def _expanded(folders: Iterable[str], owner: Placed) -> tuple[tuple[Path, str], ...]:
    """Folders with ``$ORIGIN`` put in: here, and in the image. Those with other tokens are left out."""
    pairs = []
    for folder in folders:
        plain = folder.replace("${ORIGIN}", "$ORIGIN")
        source = plain.replace("$ORIGIN", str(owner.source.parent))
        target = plain.replace("$ORIGIN", os.path.dirname(owner.target))
        if "$" not in source and source.startswith("/"):
            pairs.append((Path(os.path.normpath(source)), os.path.normpath(target)))
    return tuple(pairs)
