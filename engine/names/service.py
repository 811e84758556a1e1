"""The process that answers questions for names on all networks of a root.

It is in the host's network namespace, where it asks the host's servers, those on loopback too. It listens in a
namespace of its own that is on every network, so at no address of the host's, and that passes nothing on from one to
the other. One at a time has the lock. It ends when no container needs it, and the next start brings another. Where it
is killed, the recorder brings another within two seconds (`engine.runtime.names_keeper`).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import sqlite3
import struct
import sys
import time
from pathlib import Path
from typing import NoReturn

from engine.linux import namespaces, prctl
from engine.linux.inotify import Inotify
from engine.names.directory import Directory
from engine.names.post import LOCK, Post, folder_of_posts, read
from engine.names.server import PORT, NameServer
from engine.network import resolver, wiring
from engine.network.plan import NetworkPlan
from engine.paths import Paths
from engine.runtime import names_keeper

NAME = "boxdeck-names"
_HOSTS_RESOLVER = Path("/etc/resolv.conf")
_LOOK_SECONDS = 1.0
_NEEDED_SECONDS = 3.0  # after a network was announced for a start
_LOCK_ATTEMPTS = 20
_ARP, _IPV4, _REQUEST = 0x0806, 0x0800, 1  # linux/if_ether.h, linux/if_arp.h
_LOCK_PAUSE_SECONDS = 0.01


def main(root: str, runroot: str) -> NoReturn:
    """Serve until nobody needs it."""
    prctl.set_dumpable(False)
    prctl.set_name(NAME)
    paths = Paths(Path(root), Path(runroot))
    lock = os.open(paths.names / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if _locked(lock):
        names_keeper.note(lock, sys.orig_argv)
        try:
            asyncio.run(Service(paths, lock).run())
        except (OSError, sqlite3.Error):
            names_keeper.note(lock, ())  # the next one would fail as well
    os._exit(0)


def _locked(lock: int) -> bool:
    """Whether we are the one; who only looks whether there is one holds it for a moment, too."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            return True
    return False


class Service:
    """Follows which networks there are.

    Args:
        lock: a descriptor of the lock, held.
    """

    def __init__(self, paths: Paths, lock: int) -> None:
        self._paths = paths
        self._lock = lock
        self._directory = Directory(paths)
        self._served: dict[str, tuple[Post, NameServer]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until nobody needs it.

        Raises:
            OSError: the kernel refuses; another one will try again.
        """
        self._home = _fresh_namespace()
        watch = Inotify([str(self._paths.names)])
        asyncio.get_running_loop().add_reader(watch.fileno(), self._hear, watch)
        while True:
            await self._look()
            if not self._is_needed() and self._is_let_go():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()
            self._changed.clear()

    def _hear(self, watch: Inotify) -> None:
        watch.read()
        self._changed.set()

    async def _look(self) -> None:
        """Serve what has been announced, and no more what is withdrawn."""
        posts = {post.network_id: post for path in folder_of_posts(self._paths) if (post := read(path)) is not None}
        for network_id, (post, server) in list(self._served.items()):
            if posts.get(network_id) != post:
                del self._served[network_id]
                server.close()
                if network_id not in posts:
                    await asyncio.to_thread(wiring.remove, post.plan.host_interface)
        for network_id, post in posts.items():
            if network_id not in self._served:
                with contextlib.suppress(OSError):  # its bridge has gone; the next start announces it anew
                    self._served[network_id] = (post, await self._serve(post))

    async def _serve(self, post: Post) -> NameServer:
        wiring.connect(self._home, NetworkPlan(endpoints=(post.plan,)))
        with namespaces.entered(self._home, "net"):
            datagrams, listener = _bound(post.address)
        directory, network_id = self._directory, post.network_id
        server = NameServer(
            datagrams,
            listener,
            lambda client: directory.view(network_id, client),
            (lambda: ()) if post.is_internal else _hosts_servers,
        )
        await server.open()
        with namespaces.entered(self._home, "net"):
            _say_that_we_are_here(post.plan.container_interface, post.address)
        return server

    def _is_needed(self) -> bool:
        """Whether a container lives on a network of ours, or will in a moment."""
        if not folder_of_posts(self._paths):
            return False
        return self._was_just_announced() or self._directory.has_living(self._served)

    def _was_just_announced(self) -> bool:
        now = time.time()
        for path in folder_of_posts(self._paths):
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime < _NEEDED_SECONDS:
                    return True
        return False

    def _is_let_go(self) -> bool:
        """Give the lock back; False when somebody has relied on us just before, and we have it again."""
        names_keeper.note(self._lock, ())
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        if not (self._was_just_announced() and _locked(self._lock)):
            return True
        names_keeper.note(self._lock, sys.orig_argv)
        return False


def _fresh_namespace() -> int:
    """A descriptor of a new network namespace, in which we aren't."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespaces.unshare(namespaces.CLONE_NEWNET)
        fresh = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        namespaces.setns(home, namespaces.CLONE_NEWNET)
    finally:
        os.close(home)
    return fresh


def _bound(address: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    datagrams = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        datagrams.bind((address, PORT))
        return datagrams, socket.create_server((address, PORT), family=family)
    except OSError:
        datagrams.close()
        raise


def _say_that_we_are_here(interface: str, address: str) -> None:
    """Tell everybody our hardware address (RFC 5227, 2.3): who has asked too early asks again only after a second."""
    if ":" in address:
        return
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, _ARP))
        own, everybody = sock.getsockname()[4], b"\xff" * 6
        addresses = own + socket.inet_aton(address) + everybody + socket.inet_aton(address)
        sock.send(everybody + own + struct.pack("!HHHBBH", _ARP, 1, _IPV4, 6, 4, _REQUEST) + addresses)


def _hosts_servers() -> list[str]:
    try:
        return resolver.upstream(_HOSTS_RESOLVER.read_text(errors="replace"))
    except OSError:
        return []
