"""Where copies end up: docker's rules (docker cp(1), "Description"), from values to values."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from engine.errors import Conflict, InvalidRequest, NotFound


class Spelling(Struct, frozen=True):
    """What the spelling of a path says.

    Attributes:
        path: without slashes at its end.
        name: its last part; empty where that isn't a name.
        is_folder: it ends with ``/``, so that it can only be a folder.
        contents: it ends with ``/.`` or is such a thing itself: what is in the folder is meant.
    """

    path: str
    name: str
    is_folder: bool
    contents: bool

    @classmethod
    def of(cls, path: str) -> Spelling:
        """Look at a path.

        Raises:
            InvalidRequest: it is empty, or no path can be spelled like that.
        """
        if not path or "\0" in path:
            raise InvalidRequest(f"{path!r} is no path", "name a file or folder, such as web:/etc/hosts")
        bare = path.rstrip("/") or "/"
        last = bare.rpartition("/")[2]
        contents = last in ("", ".", "..")
        return cls(bare, "" if contents else last, contents or path.endswith("/"), contents)


class Found(Enum):
    """What is at the target's path, links followed."""

    FOLDER = "folder"
    OTHER = "file"
    NOTHING = "nothing"


class Landing(Enum):
    """Where the source goes.

    INSIDE: into the folder at the target's path, under its own name.
    ITSELF: to the target's path.
    MERGED: what is in it, into the folder at the target's path.
    """

    INSIDE = "inside"
    ITSELF = "itself"
    MERGED = "merged"


def landing(source: Spelling, source_is_folder: bool, target: Spelling, found: Found, words: str) -> Landing:
    """Apply the rules.

    Args:
        words: what the target is called in sentences.

    Raises:
        NotFound: the target is to be a folder, and isn't there.
        Conflict: a folder can't be copied over a file.
    """
    if found is Found.FOLDER:
        return Landing.MERGED if source_is_folder and not source.name else Landing.INSIDE
    if found is Found.OTHER and source_is_folder:
        raise Conflict(f"a folder can't be copied over the file {words}", "choose a folder, or a new name")
    if found is Found.OTHER and target.is_folder:
        raise Conflict(f"{words} is no folder", "leave out the slash at its end to replace the file")
    if target.is_folder and not source_is_folder:
        raise NotFound(f"the folder {words} doesn't exist", "make it first, or leave out the slash at its end")
    return Landing.ITSELF
