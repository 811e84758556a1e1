"""What the image `base` consists of on this machine, entry by entry; only busybox is run, to list its commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.errors import ImageError
from engine.images.base_files import FILES, FOLDERS, LINKS
from engine.images.base_tools import (
    COREUTILS,
    EVERYDAY,
    LOCALE_FOLDER,
    PREFERRED,
    SCRIPTS,
    SEARCHED,
    SHELLS,
    TERMINALS,
    TERMINFO_FOLDERS,
)
from engine.images.elf import MAGIC
from engine.images.libraries import LibraryFinder, MissingLibrary, Placed, merged

_BUSYBOX: Final = "busybox"
_BUSYBOX_SECONDS: Final = 5


class Node(Struct, frozen=True, kw_only=True):
    """One entry: a symbolic link, a file made anew or a copy, by which of the fields is set; otherwise a folder."""

    mode: int
    link: str = ""
    content: bytes | None = None
    source: Path | None = None


def collect_nodes() -> dict[str, Node]:
    """All entries by their names in the archive, in order, folders before what they hold.

    Raises:
        ImageError: this machine has no shell that could be copied.
    """
    collector = _Collector()
    collector.add_skeleton()
    collector.add_shell()
    missing = [name for name in (*COREUTILS, *EVERYDAY) if not collector.add_tool(name)]
    collector.add_from_busybox(missing)
    collector.add_terminals()
    collector.add_locale()
    return collector.sorted()


class _Collector:
    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._finder = LibraryFinder()

    def sorted(self) -> dict[str, Node]:
        """The entries so far in the order of their names, which puts a folder before what it holds."""
        return dict(sorted(self._nodes.items()))

    def add_skeleton(self) -> None:
        """What is made anew."""
        for name, mode in FOLDERS.items():
            self._nodes[name] = Node(mode=mode)
        for name, target in LINKS.items():
            self._nodes[name] = Node(mode=0o777, link=target)
        for name, text in FILES.items():
            self._add_file(name, Node(mode=0o644, content=text.encode()))

    def add_shell(self) -> None:
        """The shells that are here; ``sh`` is the one thing that can't be missing."""
        found = [name for name in SHELLS if self.add_tool(name)]
        if "sh" not in found and "sh" not in self.add_from_busybox(("sh",)):
            raise ImageError(
                "the image base can't be assembled: this machine has no shell that could be copied",
                "install dash or busybox, or load another image",
            )

    def add_tool(self, name: str) -> bool:
        """A command with its libraries, if it is here and complete."""
        for candidate in PREFERRED.get(name, (name,)):
            program = find_program(candidate)
            if program is not None and self._add_program(program, name):
                return True
        return False

    def add_from_busybox(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the commands that busybox, if there is one here, can stand in for."""
        offered = busybox_applets()
        chosen = tuple(name for name in names if name in offered)
        if not chosen or not self.add_tool(_BUSYBOX):
            return ()
        place = next(folder for folder in ("usr/bin", "usr/sbin") if f"{folder}/{_BUSYBOX}" in self._nodes)
        for name in chosen:
            self._nodes[f"{place}/{name}"] = Node(mode=0o777, link=_BUSYBOX)
        return chosen

    def add_terminals(self) -> None:
        """Descriptions of terminals, where this machine's ncurses looks for them."""
        for name in TERMINALS:
            for folder in TERMINFO_FOLDERS:
                path = next((p for p in _terminfo_paths(folder, name) if p.is_file()), None)
                if path is not None:
                    self._add_copy(Placed(path.resolve(), merged(str(path))), 0o644)
                    break

    def add_locale(self) -> None:
        """The locale that knows UTF-8, if it is kept as files here."""
        for folder, _, names in os.walk(LOCALE_FOLDER):
            for name in names:
                path = Path(folder, name)
                self._add_copy(Placed(path.resolve(), str(path)), 0o644)

    def _add_program(self, program: Placed, name: str) -> bool:
        placed = Placed(program.source, f"{os.path.dirname(program.target)}/{name}")
        with program.source.open("rb") as file:
            start = file.read(len(MAGIC))
        if start[:2] == b"#!" and name in SCRIPTS:
            self._add_copy(placed, 0o755)
            return True
        return start == MAGIC and self._add_with_libraries(placed)

    def _add_with_libraries(self, placed: Placed) -> bool:
        try:
            libraries = self._finder.closure(placed)
        except MissingLibrary:
            return False
        self._add_copy(placed, 0o755)
        for library in libraries:
            self._add_copy(library, 0o755 if os.access(library.source, os.X_OK) else 0o644)
        return True

    def _add_copy(self, placed: Placed, mode: int) -> None:
        """Permission bits are given, not copied: no program is set-user-id in an image."""
        self._add_file(placed.target.lstrip("/"), Node(mode=mode, source=placed.source))

    def _add_file(self, name: str, node: Node) -> None:
        parent = os.path.dirname(name)
        while parent and parent not in self._nodes:
            self._nodes[parent] = Node(mode=0o755)
            parent = os.path.dirname(parent)
        if name.startswith("usr/lib64/"):
            self._nodes.setdefault("lib64", Node(mode=0o777, link="usr/lib64"))
        self._nodes[name] = node


def find_program(name: str) -> Placed | None:
    """An executable file of this name in a folder that packages own; links (Debian's alternatives) are resolved."""
    for folder in SEARCHED:
        path = Path(folder, name)
        if path.is_file() and os.access(path, os.X_OK):
            return Placed(Path(os.path.realpath(path)), f"{merged(folder)}/{name}")
    return None


def busybox_applets() -> frozenset[str]:
    """What this machine's busybox can do; nothing when there is none."""
    busybox = find_program(_BUSYBOX)
    if busybox is None:
        return frozenset()
    try:
        listed = subprocess.run(
            [busybox.source, "--list"], capture_output=True, timeout=_BUSYBOX_SECONDS, check=True, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(listed.stdout.split())


def _terminfo_paths(folder: str, name: str) -> tuple[Path, Path]:
    """The two ways of term(5): by first letter, or by its number where case doesn't matter in file names."""
    return Path(folder, name[0], name), Path(folder, f"{ord(name[0]):02x}", name)
