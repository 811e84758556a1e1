"""The folder of one container: its state file, a copy of its config.json, the socket that its init waits on.

Only its owner may enter (CVE-2021-41091). Who changes something holds its lock, which the kernel drops with its
holder; a folder without a complete record and without a holder is what a killed ``create`` has left.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from engine.errors import Conflict, InvalidRequest, NotFound, RuntimeFailure
from engine.runtime.oci.record import Record

if TYPE_CHECKING:
    from engine.oci.runtime_spec import Spec

_SECCOMP_CACHE = "@seccomp"  # beside the containers' folders; no container can have this name
_STATE = "state.json"
_CONFIG = "config.json"
_LONGEST_ID = 255  # NAME_MAX
_PATIENCE_SECONDS = 10.0
_MEANINGFUL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")


class Folder:
    """The folder of a container that exists.

    Attributes:
        path: absolute.

    Raises:
        NotFound: it doesn't.
        InvalidRequest: the id can't be one.
    """

    def __init__(self, root: str, container_id: str) -> None:
        self.path = _path(root, container_id)
        self._id = container_id
        if not os.path.isdir(self.path):
            raise self._missing()

    @classmethod
    def make(cls, root: str, container_id: str) -> Folder:
        """A folder for a new container.

        Raises:
            Conflict: the id is in use.
            InvalidRequest: it can't be one.
            RuntimeFailure: the root takes no folders.
        """
        path = _path(root, container_id)
        try:
            os.makedirs(root, mode=0o700, exist_ok=True)
            os.mkdir(path, 0o700)
        except FileExistsError as error:
            raise Conflict(
                f"a container {container_id!r} exists already", f"delete it with: boxdeck-oci delete {container_id}"
            ) from error
        except OSError as error:
            raise RuntimeFailure(f"{path} can't be made ({error.strerror})", "choose another --root") from error
        return cls(root, container_id)

    def _missing(self) -> NotFound:
        return NotFound(f"container {self._id!r} does not exist", f"its state would be in {self.path}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            NotFound: the container was deleted before we had it.
            Conflict: somebody else holds it for long.
        """
        descriptor = self._open()
        try:
            self._lock(descriptor)
            self._check(descriptor)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # said aloud: a child that is forked meanwhile holds it, too
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.0005
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise Conflict(
                        f"container {self._id!r} is being changed by another command",
                        "see what that waits for: a hook?",
                    ) from error
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise self._missing() from error

    def _check(self, descriptor: int) -> None:
        """Another container of that id may have come after this one's folder was opened."""
        try:
            same = os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            same = False
        if not same:
            raise self._missing()

    def record(self) -> Record:
        """What is kept.

        Raises:
            NotFound: nothing yet, or it was deleted.
        """
        try:
            with open(f"{self.path}/{_STATE}", "rb") as file:
                return msgspec.json.decode(file.read(), type=Record)
        except FileNotFoundError as error:
            raise self._missing() from error
        except msgspec.MsgspecError as error:
            raise RuntimeFailure(
                f"the state of container {self._id!r} can't be read ({error})", "delete it with --force"
            ) from error

    def keep(self, record: Record) -> None:
        """Replace the record as a whole."""
        aside = f"{self.path}/.{_STATE}"
        with open(aside, "wb") as file:
            file.write(msgspec.json.encode(record))
        os.rename(aside, f"{self.path}/{_STATE}")

    def keep_config(self, text: bytes) -> None:
        """Copy the config.json: what happens to the bundle's later means nothing (runtime.md, "Create")."""
        with open(f"{self.path}/{_CONFIG}", "wb") as file:
            file.write(text)

    def spec(self) -> Spec:
        """The config.json that the container was made from.

        Raises:
            NotFound: it was deleted.
        """
        from engine.oci.runtime_spec import decode

        try:
            with open(f"{self.path}/{_CONFIG}", "rb") as file:
                return decode(file.read())
        except FileNotFoundError as error:
            raise self._missing() from error

    @property
    def seccomp_cache(self) -> str:
        """Where compiled filters of all containers of this root are kept."""
        return os.path.join(os.path.dirname(self.path), _SECCOMP_CACHE)

    @property
    def owner(self) -> int:
        """The user whose container it is."""
        return os.stat(self.path).st_uid

    def remove(self) -> None:
        """Remove all of it; there are no folders in it."""
        with suppress(FileNotFoundError):  # somebody else removes it at this moment
            for name in os.listdir(self.path):
                os.unlink(f"{self.path}/{name}")
            os.rmdir(self.path)


def names(root: str) -> list[str]:
    """The ids of all containers below a root."""
    try:
        return sorted(name for name in os.listdir(root) if _MEANINGFUL.issuperset(name))
    except FileNotFoundError:
        return []


def _path(root: str, container_id: str) -> str:
    if not container_id or container_id in (".", "..") or not _MEANINGFUL.issuperset(container_id):
        raise InvalidRequest(f"{container_id!r} can't be a container's id", "use letters, digits and _ . + -")
    if len(container_id) > _LONGEST_ID:
        raise InvalidRequest(
            f"an id of {len(container_id)} characters is too long",
            f"{_LONGEST_ID} is the longest that a folder can have",
        )
    return f"{root}/{container_id}"
