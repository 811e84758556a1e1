"""The engine's hand on the process that answers questions for names (`engine.names`): told of networks, and started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys

import msgspec

from engine.errors import Unsupported
from engine.import_folders import import_folders
from engine.model import Endpoint, Network
from engine.names.post import LOCK, Post, folder_of_posts
from engine.network import addresses, interface
from engine.network.templates import TemplateFile
from engine.paths import Paths

_BOOTSTRAP = (
    "import sys; sys.path[:0] = sys.argv[3:]; sys.modules['typing_extensions'] = None;"
    " from engine.names.service import main; main(sys.argv[1], sys.argv[2])"
)


class NameService:
    """Says on which networks names are to be served, by a file each, and has a process that does."""

    def __init__(self, paths: Paths, templates: TemplateFile) -> None:
        self._paths = paths
        self._templates = templates

    async def announce(self, network: Network) -> None:
        """Have a network's names served, if it has any; quick when they are."""
        server = addresses.name_server_of(network)
        index = interface.index_of(network.bridge)
        if not server or index is None:
            return
        plan = await self._templates.endpoint(self._endpoint(network, server), index, _mtu(network), ())
        post = Post(network_id=network.id, address=server, is_internal=network.internal, plan=plan)
        self._write(post)
        if not self.is_served():
            self._start()

    def withdraw(self, network: Network) -> None:
        """Have a network's names served no more."""
        (self._paths.names / network.id).unlink(missing_ok=True)

    def end(self) -> None:
        """Have no names served."""
        for path in folder_of_posts(self._paths):
            path.unlink(missing_ok=True)

    def _endpoint(self, network: Network, server: str) -> Endpoint:
        subnet = network.ipv6 if ":" in server else network.ipv4
        assert subnet is not None
        own = f"{server}/{subnet.subnet.partition('/')[2]}"
        return Endpoint(
            network=network.name,
            bridge=network.bridge,
            host_interface=self._paths.names_interface(network.id),
            container_interface=f"names{network.id[:6]}",
            address="" if ":" in server else own,
            address6=own if ":" in server else "",
            gateway="",
            mac=f"02:4e:{':'.join(network.id[place : place + 2] for place in range(0, 8, 2))}",
        )

    def _write(self, post: Post) -> None:
        """Write what isn't written yet; a newer time says that it is needed still."""
        path, content = self._paths.names / post.network_id, msgspec.msgpack.encode(post)
        with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
            if file.read() == content:
                os.utime(file.fileno())
                return
        self._paths.names.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_name(f"{post.network_id}.{os.getpid()}")
        aside.write_bytes(content)
        aside.replace(path)

    def is_served(self) -> bool:
        """Whether somebody answers questions for names."""
        try:
            descriptor = os.open(self._paths.names / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # nothing has been announced
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _start(self) -> None:
        """Start a process that ends by itself when no container needs it; a shell in between makes it nobody's child.

        Raises:
            Unsupported: it can't be started.
        """
        words = [str(self._paths.root), str(self._paths.runroot), *import_folders()]
        null = subprocess.DEVNULL
        try:
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-I", "-S", "-c", _BOOTSTRAP, *words],
                stdin=null, stdout=null, stderr=null, cwd="/", start_new_session=True, check=True,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unsupported(f"names can't be served ({error})", "look at dmesg: perhaps memory ran out") from error


def _mtu(network: Network) -> int:
    return interface.mtu_of(network.bridge)
