"""What is copied, where to and how: words of the engine's face."""

from __future__ import annotations

from typing import BinaryIO

from msgspec import Struct

from engine.errors import InvalidRequest


class HostPath(Struct, frozen=True):
    """A file or folder of this machine; a relative path begins in the working directory."""

    path: str


class ContainerPath(Struct, frozen=True):
    """A file or folder of a container, named by name, id or beginning of its id; paths begin at its root."""

    container: str
    path: str


class Archive(Struct, frozen=True):
    """A tar archive: open for reading as a source, for writing as a target; need not be seekable, and stays open."""

    file: BinaryIO


Place = HostPath | ContainerPath | Archive


def parse(text: str) -> HostPath | ContainerPath:
    """``CONTAINER:PATH`` or a path of this machine: docker's rule, by which ``./a:b`` and ``/a:b`` are the latter.

    Raises:
        InvalidRequest: there is no path after the container's name.
    """
    container, colon, path = text.partition(":")
    if not colon or not container or container.startswith((".", "/")):
        return HostPath(text)
    if not path:
        raise InvalidRequest(f"{text!r} names no path", f"write one, such as {container}:/etc")
    return ContainerPath(container, path)


class CopyOptions(Struct, frozen=True, kw_only=True):
    """How to copy.

    Attributes:
        archive: keep owners, by number as they are inside, set-user-id bits, file capabilities and access control
            lists. Otherwise files that go into a container belong to its root, and those that come out to the calling
            user (with sudo, to whoever used it).
        follow_link: if the source itself is a symbolic link, copy what it leads to.
        owner: ``name|uid[:group|gid]`` that everything gets; names are the target's. Empty for the rule above.
    """

    archive: bool = False
    follow_link: bool = False
    owner: str = ""


class Copied(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        entries: files, folders and all others.
        size_bytes: of the files, holes included.
        left_out: a sentence for each thing that couldn't be copied for what it is; the first few.
    """

    entries: int
    size_bytes: int
    left_out: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How many, such as ``3 files and folders``."""
        return "1 file or folder" if self.entries == 1 else f"{self.entries} files and folders"
