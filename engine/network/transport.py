"""Ready-made netlink messages on their way to the kernel and back (netlink(7)), with the standard library alone.

The kernel works on a request inside sendmsg(2), so its answer is there when the call returns: nothing here
waits for longer than the work itself takes, and an event loop's thread may call it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, takewhile
from typing import Any

from engine.linux import trace

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12

# linux/netlink.h
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NLM_F_REQUEST = 0x01
_NLM_F_ACK = 0x04
_NLM_F_DUMP_INTR = 0x10
_NLM_F_CAPPED = 0x100
_NLM_F_DUMP = 0x300
_NLM_F_ACK_TLVS = 0x200
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_NLMSGERR_ATTR_MSG = 1

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence number, port
_ERROR = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: length, type

_RECEIVE_BYTES = 65536  # the kernel fills at most 32 KiB at a time (netlink_dump)
_ANSWER_BYTES = 4096  # more than one answer about one thing takes
_DUMP_ATTEMPTS = 10
_USUAL_BUFFER_BYTES = 64 * 1024  # for sending; net.core.wmem_default is three times as much
_SO_SNDBUFFORCE = 32

_sequence = count(1)


class Message:
    """One message from the kernel.

    Attributes:
        type: such as RTM_NEWLINK.
        payload: what follows the header.
    """

    __slots__ = ("flags", "payload", "sequence", "type")

    def __init__(self, kind: int, flags: int, sequence: int, payload: memoryview) -> None:
        self.type = kind
        self.flags = flags
        self.sequence = sequence
        self.payload = payload


def open_socket(protocol: int = NETLINK_ROUTE) -> socket.socket:
    """A netlink socket of the network namespace that the calling thread is in; the kernel explains its errors to it."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    _explain_errors(sock)
    return sock


def send_requests(sock: socket.socket, requests: Iterable[bytes]) -> None:
    """Send messages one after the other, each when the one before has been acknowledged.

    Raises:
        OSError: the kernel refused one; with its errno and, where it gave one, its own explanation
            (NETLINK_EXT_ACK). Later requests aren't sent.
    """
    _explain_errors(sock)
    for request in requests:
        with _noted(sock, request):
            sequence = _send(sock, request, _NLM_F_REQUEST | _NLM_F_ACK)
            for message in _receive(sock):
                if message.sequence == sequence and message.type == _NLMSG_ERROR:
                    _raise_if_refused(message)
                    break


def send_together(sock: socket.socket, requests: Sequence[bytes]) -> None:
    """Send messages in one go; a refusal doesn't keep those after it from being carried out.

    Raises:
        OSError: as `send_requests`, for the first that was refused.
    """
    if not requests:
        return
    _explain_errors(sock)
    stamped = [_stamp(request, _NLM_F_REQUEST | _NLM_F_ACK, next(_sequence)) for request in requests]
    pending = {_HEADER.unpack_from(request)[3] for request in stamped}
    refused = None
    with _noted(sock, *stamped):
        sock.sendto(b"".join(stamped), (0, 0))
        for message in _receive(sock):
            if message.type == _NLMSG_ERROR and message.sequence in pending:
                pending.discard(message.sequence)
                refused = refused or _refusal(message)
            if not pending:
                break
        if refused is not None:
            raise refused


def send_transaction(sock: socket.socket, begin: bytes, requests: Iterable[bytes], end: bytes) -> None:
    """Send a netfilter batch: all its requests take effect together or none does.

    Raises:
        OSError: as `send_requests`, for the first request that was refused.
    """
    first = _stamp(begin, _NLM_F_REQUEST, next(_sequence))
    stamped = [_stamp(request, _NLM_F_REQUEST | _NLM_F_ACK, next(_sequence)) for request in requests]
    last = _stamp(end, _NLM_F_REQUEST, next(_sequence))
    batch = b"".join((first, *stamped, last))
    if len(batch) > _USUAL_BUFFER_BYTES:  # a message has to fit into it (netlink_sendmsg)
        sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 2 * len(batch))
    pending = {_HEADER.unpack_from(request)[3] for request in stamped}
    own = pending | {_HEADER.unpack_from(request)[3] for request in (first, last)}
    with _noted(sock, first, *stamped, last):
        sock.sendto(batch, (0, 0))
        for message in _receive(sock):  # also what is left of an earlier transaction that was refused
            if message.type == _NLMSG_ERROR and message.sequence in own:
                _raise_if_refused(message)
                pending.discard(message.sequence)
            if not pending:
                return


@contextmanager
def _noted(sock: socket.socket, *requests: bytes) -> Iterator[None]:
    """Note that requests were sent and answered, as one call (`engine.linux.trace`)."""
    begun, result = trace.now(), 0
    try:
        yield
    except OSError as error:
        result = -(error.errno or 0)
        raise
    finally:
        trace.note(begun, "sendto", (sock.proto, *requests), result)


def dump(sock: socket.socket, request: bytes) -> list[Message]:
    """Everything that the kernel lists for a request (NLM_F_DUMP); a list that changed meanwhile is asked for again.

    Raises:
        OSError: as `send_requests`; EBUSY when the list never stood still.
    """
    for _ in range(_DUMP_ATTEMPTS):
        sequence = _send(sock, request, _NLM_F_REQUEST | _NLM_F_DUMP)
        found, consistent = _collect(sock, sequence)
        if consistent:
            return found
    raise OSError(errno.EBUSY, "the kernel's list kept changing while it was read")


def ask(sock: socket.socket, request: bytes) -> memoryview | None:
    """The payload of the kernel's one answer to a question; None when there is no such thing.

    Raises:
        OSError: as `send_requests`, but for ENOENT.
    """
    sequence = _send(sock, request, _NLM_F_REQUEST | _NLM_F_ACK)
    answer: memoryview | None = None
    for message in _receive(sock):
        if message.sequence != sequence:
            continue
        if message.type == _NLMSG_ERROR:  # also what ends a good answer
            if _ERROR.unpack_from(message.payload)[0] == -errno.ENOENT:
                return None
            _raise_if_refused(message)
            return answer
        answer = message.payload
    return answer


Row = tuple[Any, ...]


class PackedDump:
    """As `dump`, asked again and again, of messages that all have the same layout: a tenth of the work.

    Args:
        sock: where to ask.
        request: what.
        payload: what each message's payload begins with, ``=`` first; shorter messages are left out.
    """

    def __init__(self, sock: socket.socket, request: bytes, payload: struct.Struct) -> None:
        self._sock = sock
        self._request = request
        self._least = self._whole = struct.Struct(f"={_HEADER.size}s{payload.format.lstrip('=')}")
        self._buffer = memoryview(bytearray(_RECEIVE_BYTES))

    def read(self) -> list[Row]:
        """Of each message its header, and what its payload begins with.

        Raises:
            OSError: as `dump`.
        """
        for _ in range(_DUMP_ATTEMPTS):
            found, consistent = self._collect(_send(self._sock, self._request, _NLM_F_REQUEST | _NLM_F_DUMP))
            if consistent:
                return found
        raise OSError(errno.EBUSY, "the kernel's list kept changing while it was read")

    def _collect(self, sequence: int) -> tuple[list[Row], bool]:
        found: list[Row] = []
        consistent = True
        while True:
            text, at = self._buffer[: self._sock.recv_into(self._buffer)], 0
            while at < len(text):
                length, kind, flags, number, _ = _HEADER.unpack_from(text, at)
                alike: list[Row] = []
                if number == sequence:
                    consistent = consistent and not flags & _NLM_F_DUMP_INTR
                    if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                        _raise_if_refused(Message(kind, flags, number, text[at + _HEADER.size : at + length]))
                        return found, consistent
                    alike = self._alike(text[at:], _aligned(length))
                    found += alike
                at += _aligned(length) * max(len(alike), 1) or _HEADER.size

    def _alike(self, text: memoryview, size: int) -> list[Row]:
        """The messages of that size at the beginning that have one and the same header."""
        if size < self._least.size:
            return []
        if size != self._whole.size:
            self._whole = struct.Struct(f"{self._least.format}{size - self._least.size}x")
        header = bytes(text[: _HEADER.size])
        rows = self._whole.iter_unpack(text[: len(text) // size * size])
        return list(takewhile(lambda row: row[0] == header, rows))


class PackedQuestions:
    """Several questions with one short answer each, sent in one go, again and again: cheaper than a dump for a few.

    Args:
        sock: where to ask; nobody may be left waiting for answers there.
        requests: what.
        payload: what each answer's payload begins with, ``=`` first.
    """

    def __init__(self, sock: socket.socket, requests: Sequence[bytes], payload: struct.Struct) -> None:
        self._sock = sock
        self._requests = b"".join(_stamp(each, _NLM_F_REQUEST, next(_sequence)) for each in requests)
        self._count = len(requests)
        self._answer = struct.Struct(f"=4xH10x{payload.format.lstrip('=')}")
        self._buffer = memoryview(bytearray(_ANSWER_BYTES))

    def read(self) -> list[Row]:
        """Of each answer its message's type, and what its payload begins with; without those who have gone.

        Raises:
            OSError: as `send_requests`, but for ENODEV.
        """
        if self._count:
            self._sock.send(self._requests)
        answers = [self._receive() for _ in range(self._count)]  # each comes in a datagram of its own
        return [answer for answer in answers if answer is not None]

    def _receive(self) -> Row | None:
        length = self._sock.recv_into(self._buffer)
        answer = self._answer.unpack_from(self._buffer)
        if answer[0] != _NLMSG_ERROR:
            return answer
        _, kind, flags, sequence, _ = _HEADER.unpack_from(self._buffer)
        refusal = _refusal(Message(kind, flags, sequence, self._buffer[_HEADER.size : length]))
        if refusal is not None and refusal.errno != errno.ENODEV:
            raise refusal
        return None


def _collect(sock: socket.socket, sequence: int) -> tuple[list[Message], bool]:
    found: list[Message] = []
    consistent = True
    for message in _receive(sock):
        if message.sequence != sequence:
            continue
        consistent = consistent and not message.flags & _NLM_F_DUMP_INTR
        if message.type in (_NLMSG_ERROR, _NLMSG_DONE):  # both begin with an error number, mostly 0
            _raise_if_refused(message)
            break
        found.append(message)
    return found, consistent


def _send(sock: socket.socket, request: bytes, flags: int) -> int:
    sequence = next(_sequence)
    sock.sendto(_stamp(request, flags, sequence), (0, 0))
    return sequence


def _stamp(request: bytes, flags: int, sequence: int) -> bytes:
    _, kind, own_flags, _, _ = _HEADER.unpack_from(request)
    return _HEADER.pack(len(request), kind, own_flags | flags, sequence, 0) + request[_HEADER.size :]


def _receive(sock: socket.socket) -> Iterator[Message]:
    while True:
        view = memoryview(sock.recv(_RECEIVE_BYTES))
        offset = 0
        while offset + _HEADER.size <= len(view):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(view, offset)
            yield Message(kind, flags, sequence, view[offset + _HEADER.size : offset + length])
            offset += _aligned(max(length, _HEADER.size))


def request(kind: int, flags: int, body: bytes) -> bytes:
    """A message of our own making, ready to be sent."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute of a message (struct nlattr)."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(payload: memoryview, offset: int) -> Iterator[tuple[int, memoryview]]:
    """The attributes (type without its flag bits, value) that follow a fixed part of `offset` bytes."""
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, payload[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def chosen_attributes(payload: memoryview, offset: int, wanted: Collection[int]) -> dict[int, memoryview]:
    """Those of `attributes` that are wanted, for who is told much more than he asks: half the work.

    Args:
        wanted: their types.
    """
    found: dict[int, memoryview] = {}
    unpack, last = _ATTRIBUTE.unpack_from, len(payload) - _ATTRIBUTE.size
    while offset <= last:
        length, kind = unpack(payload, offset)
        if length < _ATTRIBUTE.size:
            break
        if kind & 0x3FFF in wanted:
            found[kind & 0x3FFF] = payload[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def _raise_if_refused(message: Message) -> None:
    refused = _refusal(message)
    if refused is not None:
        raise refused


def _refusal(message: Message) -> OSError | None:
    (negative,) = _ERROR.unpack_from(message.payload)
    if not negative:
        return None
    reason = os.strerror(-negative)
    explanation = _explanation(message)
    return OSError(-negative, f"{reason} ({explanation})" if explanation else reason)


def _explanation(message: Message) -> str:
    """The kernel's own words on an error; empty where it has none (netlink "extended ACK")."""
    if not message.flags & _NLM_F_ACK_TLVS:
        return ""
    request_length = _HEADER.unpack_from(message.payload, _ERROR.size)[0]
    echoed = _HEADER.size if message.flags & _NLM_F_CAPPED else _aligned(request_length)
    for kind, value in attributes(message.payload, _ERROR.size + echoed):
        if kind == _NLMSGERR_ATTR_MSG:
            return bytes(value).rstrip(b"\0").decode(errors="replace")
    return ""


def _explain_errors(sock: socket.socket) -> None:
    sock.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
    sock.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
