"""What an engine and the process that unpacks for it say to each other: a datagram each."""

from __future__ import annotations

import msgspec
from msgspec import Struct

MESSAGE_BYTES = 64 << 10
"""No message is longer."""


class Done(Struct, tag=True, frozen=True):
    """It is all there: the digest of the uncompressed archive and the bytes of all its files."""

    diff_id: str
    size_bytes: int


class Failed(Struct, tag=True, frozen=True):
    """Why it isn't: a name from `engine.errors`, and what an error there has."""

    kind: str
    cause: str
    remedy: str


Message = Done | Failed

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """As it is sent."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """What was sent."""
    return _decoder.decode(data)
