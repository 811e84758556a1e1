"""Answers the questions of one network: of its own containers by itself, of all else by asking the host's servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence

from engine.names import message
from engine.names.message import Question
from engine.names.zone import Zone

PORT = 53
_PATIENCE_SECONDS = 2.0  # with one server; glibc's resolver gives us five
_MOST_FORWARDED = 512  # questions at once, of all containers of a network
_MOST_CONNECTIONS = 128
_IDLE_SECONDS = 10.0
_LENGTH = struct.Struct("!H")  # before a message over TCP (RFC 1035, 4.2.2)
_OVER_TCP = 65535
_NOT_TO_BE_HAD = (message.SERVER_FAILURE, message.NOT_IMPLEMENTED, message.REFUSED)  # glibc's resolver goes on as well


class NameServer:
    """Serves one network on sockets that are bound already; needs a running event loop.

    Args:
        datagrams, listener: of the network's address for names, UDP and TCP.
        zones: the names that a container knows, by its address on the network, as they are now: those of the network
            first, then those of others that it is on.
        servers: the host's name servers as they are now; none for a network without a way out.
    """

    def __init__(
        self,
        datagrams: socket.socket,
        listener: socket.socket,
        zones: Callable[[str], Sequence[Zone]],
        servers: Callable[[], Sequence[str]],
    ) -> None:
        self._datagrams = datagrams
        self._listener = listener
        self._zones = zones
        self._servers = servers
        self._forwarded = 0
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._tcp: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to answer."""
        for sock in (self._datagrams, self._listener):
            sock.setblocking(False)
        asyncio.get_running_loop().add_reader(self._datagrams, self._receive)
        self._tcp = await asyncio.start_server(self._converse, sock=self._listener)

    def close(self) -> None:
        """Stop answering."""
        asyncio.get_running_loop().remove_reader(self._datagrams)
        if self._tcp is not None:
            self._tcp.close()
        for task in self._tasks:
            task.cancel()
        self._datagrams.close()
        self._listener.close()

    def _receive(self) -> None:
        for _ in range(64):  # then others have their turn
            try:
                query, sender = self._datagrams.recvfrom(4096)
            except OSError:
                return
            question = message.parse(query)
            if question is None:
                self._reject(query, sender)
                continue
            known = self._known(query, question, sender[0], question.limit)
            if known is not None:
                self._reply(known, sender)
            elif self._forwarded < _MOST_FORWARDED:
                self._keep(asyncio.ensure_future(self._forward_datagram(query, question, sender)))

    def _known(self, query: bytes, question: Question, client: str, limit: int) -> bytes | None:
        zones = self._zones(client)
        for zone in zones:
            values = zone.find(question)
            if values is not None:
                return message.answer(query, question, values, limit)
        if any(zone.is_of_the_stopped(question) for zone in zones):
            return message.refusal(query, question, message.NO_SUCH_NAME)
        return None

    def _reject(self, query: bytes, sender: tuple[str, int]) -> None:
        rejection = message.rejection(query)
        if rejection is not None:
            self._reply(rejection, sender)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _reply(self, answer: bytes, receiver: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # it asks again
            self._datagrams.sendto(answer, receiver)

    # What others know

    async def _forward_datagram(self, query: bytes, question: Question, sender: tuple[str, int]) -> None:
        self._reply(await self._asked(query, question, sender[0], _ask_by_datagram), sender)

    async def _asked(self, query: bytes, question: Question, client: str, ask: _Ask) -> bytes:
        """The answer of the first server that has one; where none has, what the first of them said."""
        servers = next(iter(self._zones(client))).servers_of(client) or self._servers()
        if not servers:
            return message.refusal(query, question, message.NO_SUCH_NAME)
        self._forwarded += 1
        refused: bytes | None = None
        try:
            for server in servers:
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        answer = await ask(server, query, question)
                    if message.code(answer) not in _NOT_TO_BE_HAD:
                        return answer
                    refused = refused or answer
        finally:
            self._forwarded -= 1
        return refused or message.refusal(query, question, message.SERVER_FAILURE)

    # Over TCP

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._connections += 1
        client = writer.get_extra_info("peername")[0]
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                while True:
                    async with asyncio.timeout(_IDLE_SECONDS):
                        query = await _read_framed(reader)
                    question = message.parse(query)
                    if question is None:
                        return
                    answer = self._known(query, question, client, _OVER_TCP)
                    if answer is None:
                        answer = await self._asked(query, question, client, _ask_by_connection)
                    writer.write(_LENGTH.pack(len(answer)) + answer)
                    await writer.drain()
        finally:
            self._connections -= 1
            writer.close()


_Ask = Callable[[str, bytes, Question], Awaitable[bytes]]


async def _ask_by_datagram(server: str, query: bytes, question: Question) -> bytes:
    """Ask with a number and from a port of our own choice, so that nobody else can answer."""
    loop, identity = asyncio.get_running_loop(), os.urandom(2)
    with socket.socket(_family(server), socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)
        sock.connect((server, PORT))
        await loop.sock_sendall(sock, identity + query[2:])
        while True:
            answer = await loop.sock_recv(sock, _OVER_TCP)
            if answer[:2] == identity and answer[12 : question.end].lower() == query[12 : question.end].lower():
                return query[:2] + answer[2:]


async def _ask_by_connection(server: str, query: bytes, _question: Question) -> bytes:
    reader, writer = await asyncio.open_connection(server, PORT)
    try:
        writer.write(_LENGTH.pack(len(query)) + query)
        return await _read_framed(reader)
    finally:
        writer.close()


async def _read_framed(reader: asyncio.StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(length)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
