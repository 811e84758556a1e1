"""What a maker tells the launcher over a pipe of its own: that it has a request, and what its start was like."""

from __future__ import annotations

import os

import msgspec
from msgspec import Struct

from engine.linux.memory import Ranges
from engine.runtime.dev_folder import Plan
from engine.runtime.file_system_mount import FileSystem

_TAKEN = b"T"
_READ_SIZE = 1 << 12


class Forecast(Struct, frozen=True, kw_only=True, array_like=True):
    """What a start was like, and so the next one will be.

    Attributes:
        flags: the namespaces that were made, as CLONE_NEW flags.
        maker_pages, init_pages: memory of the launcher that both wrote to; None as long as that isn't known.
        shim_pages: what a shim wrote to until its container ran; empty as long as that isn't known.
        dev: what a /dev was made of; None as long as none was.
        file_systems: what init could have made before it was told what for.
    """

    flags: int
    maker_pages: Ranges | None = None
    init_pages: Ranges | None = None
    shim_pages: Ranges = b""
    dev: Plan | None = None
    file_systems: tuple[FileSystem, ...] = ()


class Experience(Struct, frozen=True, kw_only=True, array_like=True):
    """What a maker tells of its start.

    Attributes:
        flags: as in `Forecast`.
        pages: of maker and init, as in `Forecast`; None where the maker has been told them. Hearing them again at each
            start would have the launcher write to memory that all shims share with it.
        dev, file_systems: as in `Forecast`; None where that was right.
        bundle: of the container; empty where there was a forecast.
    """

    flags: int
    pages: tuple[Ranges, Ranges] | None
    dev: Plan | None
    file_systems: tuple[FileSystem, ...] | None
    bundle: str = ""


def tell_taken(pipe: int) -> None:
    """Say that this spare has a request now."""
    _tell(pipe, _TAKEN)


def tell_experience(pipe: int, experience: Experience) -> None:
    """Say that a start is through, and what it was like; the last word."""
    _tell(pipe, _encoder.encode(experience))
    os.close(pipe)


def _tell(pipe: int, word: bytes) -> None:
    try:
        while word:
            word = word[os.write(pipe, word) :]
    except OSError:  # the launcher has gone
        return


def has_taken(pipe: int) -> bool:
    """Whether the next word is that a request was taken; False also for one that has ended without a word."""
    return os.read(pipe, 1) == _TAKEN


def hear_experience(pipe: int) -> Experience | None:
    """The last word; None when there is none."""
    said = b""
    while part := os.read(pipe, _READ_SIZE):
        said += part
    return _decoder.decode(said) if said else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Experience)
