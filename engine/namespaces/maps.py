"""Who is who in a new user namespace: its maps, written by somebody who stayed outside (user_namespaces(7))."""

from __future__ import annotations

import os

from engine.errors import RuntimeFailure
from engine.model import IdRange
from engine.namespaces.program import Narrator


def write_maps(process: str, ranges: tuple[IdRange, ...], say: Narrator) -> None:
    """Give a process's user namespace its maps; without ranges our own ids are themselves there.

    Args:
        process: a pid, as an entry of /proc.

    Raises:
        RuntimeFailure: the kernel refuses them.
    """
    uids = ranges or (IdRange(inside=os.geteuid(), outside=os.geteuid(), length=1),)
    gids = ranges or (IdRange(inside=os.getegid(), outside=os.getegid(), length=1),)
    if os.geteuid() != 0:  # without privilege one's own group may be mapped only by who gives up setgroups(2)
        _write(f"/proc/{process}/setgroups", "deny", say)
        gids = tuple(IdRange(inside=each.inside, outside=os.getegid(), length=each.length) for each in gids)
    _write(f"/proc/{process}/uid_map", _text(uids), say)
    _write(f"/proc/{process}/gid_map", _text(gids), say)


def _text(ranges: tuple[IdRange, ...]) -> str:
    return "".join(f"{each.inside} {each.outside} {each.length}\n" for each in ranges)


def _write(path: str, text: str, say: Narrator) -> None:
    say(f"write({path}, {text!r})")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RuntimeFailure(
            f"{path} can't be written ({os.strerror(error.errno or 0).lower()})",
            "ranges may not overlap, and without root only one's own id can be mapped: --map-root",
        ) from error


class MapWriter:
    """A child that stays in the old user namespace and writes our maps once we have left it."""

    def __init__(self, ranges: tuple[IdRange, ...], say: Narrator) -> None:
        go, self._ready = os.pipe()
        self._answer, answer = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ready)
            if os.read(go, 1):
                os.write(answer, _attempt(str(parent), ranges, say))
            os._exit(0)
        os.close(go)
        os.close(answer)

    def finish(self) -> None:
        """Have them written.

        Raises:
            RuntimeFailure: as for `write_maps`.
        """
        os.write(self._ready, b"!")
        os.close(self._ready)
        sentence = os.read(self._answer, 4096)
        os.close(self._answer)
        os.waitpid(self._pid, 0)
        if sentence:
            raise RuntimeFailure(sentence.decode())


def _attempt(process: str, ranges: tuple[IdRange, ...], say: Narrator) -> bytes:
    try:
        write_maps(process, ranges, say)
    except RuntimeFailure as error:
        return str(error).encode()
    return b""
