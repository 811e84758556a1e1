"""Both ends of a copy: a root to look below, the ids there, and what it is called in sentences."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from engine.copying.dress import Dress
from engine.copying.roots import Entrance
from engine.errors import BoxdeckError, Conflict, NotFound, StoreError, Unsupported
from engine.identities import caller
from engine.images.users import resolve_user
from engine.linux.paths import open_in_root, open_regular
from engine.oci.linux_spec import IdMapping
from engine.printable import printable
from engine.runtime.userns import inside_id

_NOBODY: Final = 65534  # what the kernel shows in a user namespace for ids that it doesn't have
_ACCOUNTS_LIMIT_BYTES: Final = 1 << 20
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Side(Struct, frozen=True):
    """The machine or a container.

    Attributes:
        root: descriptor of its root directory.
        path: what is meant there; a relative one of the machine's begins in the working directory.
        container: its name; empty for the machine.
        newcomer: uid and gid, as it knows them, of files that nobody says more of.
        is_asleep: whether it is a container that doesn't run.
        check: raises when the root isn't good any more.
    """

    root: int
    path: str
    container: str = ""
    newcomer: tuple[int, int] = (0, 0)
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    is_asleep: bool = False
    check: Callable[[], None] = lambda: None

    def words(self, path: str | None = None) -> str:
        """A path, or what is meant, as sentences have it: ``/etc/hosts of web``."""
        shown = printable(self.path if path is None else path)
        return f"{shown} of {self.container}" if self.container else shown

    def owners(self, uid: int, gid: int) -> tuple[int, int]:
        """From ids on the disk to those that this side knows."""
        inside = inside_id(self.uid_mappings, uid), inside_id(self.gid_mappings, gid)
        return _NOBODY if inside[0] is None else inside[0], _NOBODY if inside[1] is None else inside[1]

    def dress(self, keeps_owners: bool, wanted: str) -> Dress:
        """What copies get that arrive here.

        Args:
            wanted: ``name|uid[:group|gid]``; empty for nobody in particular.

        Raises:
            InvalidRequest: there is nobody of that name.
        """
        owner = None if keeps_owners else self.newcomer
        if wanted:
            user = resolve_user(wanted, self._accounts("passwd"), self._accounts("group"))
            owner = user.uid, user.gid
        return Dress(owner, self.uid_mappings, self.gid_mappings)

    def _accounts(self, name: str) -> bytes:
        try:
            folder = open_in_root(self.root, "/etc", os.O_PATH | os.O_DIRECTORY)
            try:
                with open(open_regular(folder, name), "rb") as file:
                    return file.read(_ACCOUNTS_LIMIT_BYTES)
            finally:
                os.close(folder)
        except OSError:
            return b""


def of_machine(root: int, path: str) -> Side:
    """This machine, where copies belong to the calling user."""
    return Side(root, path if path.startswith("/") else f"{os.getcwd()}/{path}", newcomer=caller())


def of_container(entrance: Entrance, root: int, path: str) -> Side:
    """A container, where copies belong to root."""
    return Side(
        root,
        path if path.startswith("/") else f"/{path}",
        container=entrance.container.name,
        uid_mappings=entrance.linux.uid_mappings,
        gid_mappings=entrance.linux.gid_mappings,
        is_asleep=entrance.process is None,
        check=entrance.check,
    )


@contextmanager
def explained(side: Side, verb: str) -> Iterator[None]:
    """Say in a sentence why something of a side can't be done.

    Args:
        verb: ``read`` or ``written``.
    """
    try:
        yield
    except OSError as error:
        side.check()
        raise _sentence(side, verb, error) from error


def _sentence(side: Side, verb: str, error: OSError) -> BoxdeckError:
    where = side.words()
    if error.errno == errno.ENOENT:
        if verb == "written":
            return NotFound(f"there is no folder that {where} could be in", "make it first")
        return NotFound(f"there is no {where}", "check how it is written")
    if error.errno == errno.ENOTDIR:
        return Conflict(f"{where} would be in something that is no folder", "choose another path")
    if error.errno == errno.ELOOP:
        return Conflict(f"{where} leads through a link that isn't followed, or too many", "name its target instead")
    if error.errno == errno.EROFS:
        perhaps = "start it first, if it is to be in memory, or " if side.is_asleep else ""
        return Conflict(f"{where} is on a read-only file system", f"{perhaps}choose another path")
    if error.errno in _FULL:
        return StoreError(f"{where} can't be written: the disk is full", "free some space")
    if error.errno == errno.ENAMETOOLONG:
        return Unsupported(f"a path in {where} is longer than the kernel takes", "copy a folder further down")
    reason = os.strerror(error.errno or 0).lower()
    return StoreError(f"{where} can't be {verb} ({reason})", "see to its permissions and its file system")
