"""Recordings on their way and on the disk: what each process has noted is one part, and a file is a row of parts.

A process that is about to become a container's program can't write to a folder of ours. It puts its part into memory
that it shares with whoever forked it (`Room`), who writes it down when there is time.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec import Struct

from engine.linux import trace

REMOVED = "removed"  # the folder for recordings of containers that are no more
MOST_BYTES = 256 * 1024  # of one part
_MADV_POPULATE_WRITE = 23  # linux/mman.h, since Linux 5.14
_USUAL_BYTES = 32 * 1024
_SWITCH = "BOXDECK_XRAY"
_LENGTH = struct.Struct("=I")
_PATIENCE_SECONDS = 0.5  # for an init that hasn't executed yet
_LOOK_SECONDS = 0.01


def is_on() -> bool:
    """Whether starts and execs are recorded; a launcher inherits it from its engine."""
    return os.environ.get(_SWITCH) == "1"


def switch_on() -> None:
    """Record those that this process and its launcher make from now on; before the launcher's first start."""
    os.environ.setdefault(_SWITCH, "1")


class Heading(Struct, tag="heading", array_like=True, frozen=True):
    """What an action was, by the engine that asked for it.

    Attributes:
        action: such as ``start``.
        subject, name: the id of what it was done to, and its name then.
        began_unix_ns: when it began.
        error: why it failed; empty when it didn't.
    """

    action: str
    subject: str
    name: str
    began_unix_ns: int
    error: str = ""


class Part(Struct, tag="part", array_like=True, frozen=True):
    """What one process has noted.

    Attributes:
        process: engine, launcher, shim, maker, init or exec.
        pid: as the process itself sees it.
        calls: see `engine.linux.trace.Noted`.
    """

    process: str
    pid: int
    calls: list[trace.Noted]


def _plain(value: object) -> object:
    """What is left of an argument that is a pointer to memory of ours."""
    return type(value).__name__


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder: msgspec.msgpack.Decoder[Heading | Part] = msgspec.msgpack.Decoder(Heading | Part)


def encode(part: Heading | Part) -> bytes:
    """A part with its length before it; without its calls if it were too long."""
    text = _encoder.encode(part)
    if len(text) > MOST_BYTES and isinstance(part, Part):
        text = _encoder.encode(Part(part.process, part.pid, part.calls[: len(part.calls) // 4]))
    return _LENGTH.pack(len(text)) + text


def decode(content: bytes) -> Iterator[Heading | Part]:
    """The parts in a file; what was cut off by a kill is left out."""
    at = 0
    while at + _LENGTH.size <= len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        with suppress(msgspec.MsgspecError):
            yield _decoder.decode(memoryview(content)[at : at + length])
        at += length


def append(path: str, content: bytes) -> None:
    """Add parts to a recording, whose folder is there; what can't be written is missed by nobody who works."""
    with suppress(OSError):
        descriptor = _open(path)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:  # the container has been removed meanwhile
        return os.open(aside(path), flags, 0o600)


def aside(path: str) -> str:
    """Where a recording is when what it was made of has been removed."""
    folder, name = os.path.split(path)
    top, subject = os.path.split(folder)
    return f"{top}/{REMOVED}/{subject}/{name}"


class Room:
    """Memory that a child shares with whoever forks it: what it puts there stays when it becomes another program."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, MOST_BYTES)  # shared; pages come when they are written to

    def warm(self) -> None:
        """In the child, while nobody waits: have the pages that it will probably write to."""
        with suppress(OSError, ValueError):
            self._memory.madvise(_MADV_POPULATE_WRITE, 0, _USUAL_BYTES)

    def begin(self, process: str) -> None:
        """In the child: note what it does from now on, to be put here by `engine.linux.trace.hand_over`."""
        before = trace.calls.get()
        if before is None:
            return
        noted = before[-1:]  # the clone that it comes from, seen from here
        trace.calls.set(noted)

        def put() -> None:
            self._put(Part(process, os.getpid(), noted))
            noted.clear()

        trace.deliver = put

    def _put(self, part: Part) -> None:
        """Like a file: the first four bytes say how much there is. Copies cost pages, so there is only one."""
        buffer = bytearray(_LENGTH.size)
        _encoder.encode_into(part, buffer, _LENGTH.size)
        _LENGTH.pack_into(buffer, 0, len(buffer) - _LENGTH.size)
        (used,) = _LENGTH.unpack_from(self._memory)
        begin = _LENGTH.size + used
        if begin + len(buffer) <= MOST_BYTES:
            self._memory[begin : begin + len(buffer)] = buffer
            _LENGTH.pack_into(self._memory, 0, used + len(buffer))

    def content(self) -> bytes:
        """What is here so far."""
        (used,) = _LENGTH.unpack_from(self._memory)
        return self._memory[_LENGTH.size : _LENGTH.size + used]

    def await_content(self, child: int) -> bytes:
        """What the child has handed over by the time that it is another program, or has ended; within a moment."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _is_a_fork(child) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return self.content()

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()


def _is_a_fork(pid: int) -> bool:
    """Whether a process still runs what we do."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/exe"), os.stat("/proc/self/exe"))
    except OSError:  # it has ended
        return False


class Before(NamedTuple):
    """What launcher and shim had noted when a maker was forked, which got a copy of it.

    It is encoded by the maker, at the end: in those that stay, that would take memory which forks share.
    """

    launcher: int
    shim: int
    calls: list[trace.Noted]

    @classmethod
    def take(cls, launcher: int) -> Before:
        """In the maker: set aside what isn't its own."""
        noted = trace.calls.get() or []
        before = cls(launcher, os.getppid(), noted[:])
        noted.clear()
        return before

    def encoded(self) -> bytes:
        """Both parts; the launcher's is the clone of the shim."""
        if not self.calls:
            return b""
        first, rest = self.calls[:1], self.calls[1:]
        return encode(Part("launcher", self.launcher, first)) + encode(Part("shim", self.shim, rest))


def take_part(process: str) -> bytes:
    """What this process has noted so far, and none of it again."""
    noted = trace.calls.get()
    if not noted:
        return b""
    content = encode(Part(process, os.getpid(), noted))
    noted.clear()
    return content
