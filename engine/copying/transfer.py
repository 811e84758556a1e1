"""One copy from its beginning to its end. Blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, Final

from msgspec.structs import replace

from engine.config.reading import registry_settings
from engine.copying.arrivals import Arrivals
from engine.copying.locate import Located, located
from engine.copying.placer import OpenFolder, Placer
from engine.copying.places import Copied, CopyOptions
from engine.copying.rules import Found, Landing, Spelling, landing
from engine.copying.sides import Side, explained
from engine.copying.tree import FOLDER, LOOK, Item, Step, Tree, kernels
from engine.errors import BoxdeckError, Conflict, ImageError, InvalidRequest, NotFound, Unsupported
from engine.images.monitor import Advance
from engine.images.pack import Packer
from engine.images.streams import decompressed
from engine.images.tar import Entry, Kind, TarReader
from engine.images.unpack import split_name
from engine.linux.credentials import making_files_as
from engine.linux.kernel_files import is_kernels
from engine.linux.paths import make_directories_in_root, open_without_links
from engine.printable import printable
from engine.runtime.userns import host_id
from engine.store.blobs import write_all

_DEVICES: Final = (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE)
_CHUNK_BYTES: Final = 1 << 20
_SENTENCES: Final = 10


class Notes:
    """Sentences on what is left out, the first few."""

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._more = 0

    def add(self, path: str, reason: str) -> None:
        """Note one thing."""
        if len(self._sentences) < _SENTENCES:
            self._sentences.append(f"{printable(path)} is left out: {reason}")
        else:
            self._more += 1

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to tell."""
        more = (f"{self._more} more are left out",) if self._more else ()
        return (*self._sentences, *more)


def copy(source: Side, target: Side, how: CopyOptions, advance: Advance) -> Copied:
    """Copy a file or folder from one side to another.

    Raises:
        BoxdeckError: what can't be.
    """
    notes = Notes()
    spelling = Spelling.of(source.path)
    dress = target.dress(how.archive, how.owner)
    with _found(source, spelling, how.follow_link) as origin, _making_files(target):
        folder, prefix = _land(target, spelling, origin)
        try:
            _require_elsewhere(origin, folder, source)
            with Placer(_folders_below(folder), prefix, dress, advance) as placer:
                _copy_tree(source, target, origin, placer, notes)
        finally:
            os.close(folder)
    return Copied(entries=placer.entries, size_bytes=placer.size_bytes, left_out=notes.sentences)


def pack(source: Side, file: BinaryIO, how: CopyOptions, advance: Advance) -> Copied:
    """Copy a file or folder of a container into a tar archive, with its owners as they are inside.

    Raises:
        BoxdeckError: what can't be.
        BrokenPipeError: whoever read the archive has left.
    """
    notes = Notes()
    spelling = Spelling.of(source.path)
    entries = 0
    counter = _Counter(advance)
    with _found(source, spelling, how.follow_link) as origin, _making_files(source):
        tree = Tree(origin.folder, origin.name, source.owners)
        packer = Packer(file, source.owners, counter)
        top = spelling.name or "."
        for step in _steps(source, tree):
            with suppress(FileNotFoundError, NotADirectoryError):  # the container has just taken it away
                packer.add(step.folder, step.name, f"{top}/{step.path}" if step.path else top)
                entries += 1
        packer.close()
    for path in tree.skipped:
        notes.add(path, "it is the kernel's")
    return Copied(entries=entries, size_bytes=counter.total, left_out=notes.sentences)


def unpack(file: BinaryIO, target: Side, how: CopyOptions, advance: Advance) -> Copied:
    """Copy what is in a tar archive into a folder of a container, through links that are there already.

    Raises:
        ImageError: it is no archive, or a damaged one.
        BoxdeckError: what else can't be.
    """
    notes = Notes()
    dress = target.dress(how.archive, how.owner)
    reader = TarReader(decompressed(Arrivals(file, advance), registry_settings().limits))
    with _making_files(target):
        with explained(target, "written"), located(target.root, Spelling.of(target.path).path, True) as place:
            if not place.is_folder:
                raise NotFound(f"there is no folder {target.words()}", "an archive needs one that exists")
        with explained(target, "written"), Placer(_folders_through_links(target), "", dress, advance) as placer:
            for entry in reader:
                if entry.kind in _DEVICES:
                    notes.add(entry.name, "devices can't be copied")
                else:
                    placer.add(_unpacked(entry, reader))
            placer.finish()
    return Copied(entries=placer.entries, size_bytes=placer.size_bytes, left_out=notes.sentences)


@contextmanager
def _found(source: Side, spelling: Spelling, follow: bool) -> Iterator[Located]:
    """The source, which must be there."""
    follow = follow or spelling.is_folder
    with ExitStack() as stack:
        with explained(source, "read"):
            found = stack.enter_context(located(source.root, spelling.path, follow))
        if found.mode is None:
            raise NotFound(f"there is no {source.words()}", "check how it is written")
        if spelling.is_folder and not found.is_folder:
            raise Conflict(f"{source.words()} is no folder", "leave out the slash at its end")
        with explained(source, "read"):
            _require_not_kernels(found)
        yield found


def _require_not_kernels(found: Located) -> None:
    descriptor = os.open(found.name, LOOK, dir_fd=found.folder)
    try:
        if is_kernels(descriptor):
            raise kernels(found.name)
    finally:
        os.close(descriptor)


@contextmanager
def _making_files(side: Side) -> Iterator[None]:
    """Have new files belong to a side's root until they get their owners; with as little power as copying needs."""
    with making_files_as(host_id(side.uid_mappings, 0) or 0, host_id(side.gid_mappings, 0) or 0):
        yield


def _land(target: Side, source: Spelling, origin: Located) -> tuple[int, str]:
    """A descriptor of the folder that copies go to, and what the top of them is called there; empty for the folder."""
    spelling = Spelling.of(target.path)
    with explained(target, "written"), located(target.root, spelling.path, follow=True) as place:
        found = Found.FOLDER if place.is_folder else Found.NOTHING if place.mode is None else Found.OTHER
        chosen = landing(source, origin.is_folder, spelling, found, target.words())
        if chosen is Landing.ITSELF:
            return os.open(".", FOLDER, dir_fd=place.folder), place.name
        return os.open(place.name, FOLDER, dir_fd=place.folder), source.name if chosen is Landing.INSIDE else ""


def _require_elsewhere(origin: Located, folder: int, source: Side) -> None:
    """Refuse to copy a folder into itself, which would never end."""
    if not origin.is_folder:
        return
    top = os.stat(origin.name, dir_fd=origin.folder, follow_symlinks=False)
    above = os.dup(folder)
    try:
        while not os.path.samestat(here := os.fstat(above), top):
            upper = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
            os.close(above)
            above = upper
            if os.path.samestat(here, os.fstat(above)):  # the root
                return
    finally:
        os.close(above)
    raise InvalidRequest(f"{source.words()} can't be copied into itself", "choose a place outside of it")


def _folders_below(folder: int) -> OpenFolder:
    return lambda path: open_without_links(folder, path or ".", FOLDER)


def _folders_through_links(target: Side) -> OpenFolder:
    """Folders of an archive, whose names mean what they would inside; those that are missing are made."""

    def open_folder(path: str) -> int:
        found = make_directories_in_root(target.root, f"{target.path}/{path}")
        try:
            return os.open(".", FOLDER, dir_fd=found)
        finally:
            os.close(found)

    return open_folder


def _copy_tree(source: Side, target: Side, origin: Located, placer: Placer, notes: Notes) -> None:
    tree = Tree(origin.folder, origin.name, source.owners)
    for step in _steps(source, tree):
        with ExitStack() as stack:
            item = _item(source, tree, step, stack, notes)
            if item is not None:
                with explained(target, "written"):
                    placer.add(item)
    with explained(target, "written"):
        placer.finish()
    for path in tree.skipped:
        notes.add(path, "it is the kernel's")


def _steps(source: Side, tree: Tree) -> Iterator[Step]:
    steps = iter(tree)
    while True:
        with explained(source, "read"):
            step = next(steps, None)
        if step is None:
            return
        yield step


def _item(source: Side, tree: Tree, step: Step, stack: ExitStack, notes: Notes) -> Item | None:
    """What is at a step; None for what can't be copied for what it is, or has just gone."""
    with explained(source, "read"):
        try:
            item = stack.enter_context(tree.opened(step))
        except FileNotFoundError as error:
            _leave_out(source, step, notes, str(error.strerror) if error.filename == step.path else "")
            return None
    if item.entry.kind in _DEVICES:
        _leave_out(source, step, notes, "devices can't be copied")
        return None
    return item


def _leave_out(source: Side, step: Step, notes: Notes, reason: str) -> None:
    if not step.path:
        raise _nothing_to_copy(source, reason)
    if reason:
        notes.add(step.path, reason)


def _nothing_to_copy(source: Side, reason: str) -> BoxdeckError:
    if reason:
        return Unsupported(f"{source.words()} can't be copied: {reason}", "name a file, folder, link or fifo")
    return NotFound(f"there is no {source.words()} any more", "see what is there")


class _Counter:
    """Passes bytes on and adds them up."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self.total = 0

    def __call__(self, amount: int) -> None:
        self.total += amount
        self._advance(amount)


class _Unread:
    """The content of an archive's latest entry."""

    def __init__(self, reader: TarReader, entry: Entry) -> None:
        self._reader = reader
        self._entry = entry

    def write_to(self, target: int, advance: Advance) -> None:
        """Write it into an empty file, with the holes that the archive knows of."""
        for offset, length in self._entry.extents if self._entry.extents is not None else ((0, self._entry.size),):
            os.lseek(target, offset, os.SEEK_SET)
            self._write(target, length, advance)
        os.ftruncate(target, self._entry.size)

    def _write(self, target: int, size: int, advance: Advance) -> None:
        while size and (data := self._reader.read(min(_CHUNK_BYTES, size))):
            write_all(target, data)
            size -= len(data)
            advance(len(data))


def _unpacked(entry: Entry, reader: TarReader) -> Item:
    parent, name = split_name(entry.name)
    twin = "/".join(filter(None, split_name(entry.link))) if entry.kind is Kind.HARD_LINK else ""
    if entry.kind is Kind.HARD_LINK and not twin:
        raise ImageError(f"the hard link {entry.name!r} of the archive points to the root", "make the archive anew")
    fitted = replace(entry, name=f"{parent}/{name}".strip("/"))
    return Item(fitted, _Unread(reader, entry) if entry.kind is Kind.FILE else None, twin)
