"""What an engine and the process that unpacks for it say to each other: a datagram each."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from engine.linux import trace

MESSAGE_BYTES = 64 << 10
"""No message is longer."""


class Done(Struct, tag=True, frozen=True):
    """It is all there: the digest of the uncompressed archive and the bytes of all its files.

    Attributes:
        pid: of the process that has unpacked it.
        calls: what it has asked of the kernel.
    """

    diff_id: str
    size_bytes: int
    pid: int = 0
    calls: list[trace.Noted] = []  # a Struct copies it


class Failed(Struct, tag=True, frozen=True):
    """Why it isn't: a name from `engine.errors`, and what an error there has; the rest as for `Done`."""

    kind: str
    cause: str
    remedy: str
    pid: int = 0
    calls: list[trace.Noted] = []  # a Struct copies it


Message = Done | Failed

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """As it is sent."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """What was sent."""
    return _decoder.decode(data)
