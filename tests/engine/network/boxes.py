"""Stand-ins for containers: processes in network namespaces, and rows in the store."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.linux import namespaces
from engine.network import wiring
from engine.network.networks import Networks
from engine.network.plan import NetworkPlan

SETTLE_SECONDS = 5.0


class Box:
    """A process in a network namespace of its own, as a shim sees its container."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        home = os.stat("/proc/self/ns/net").st_ino
        await_true(lambda: os.stat(f"/proc/{self._process.pid}/ns/net").st_ino != home)
        self.namespace = os.open(f"/proc/{self._process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets and processes made here belong to the box."""
        with namespaces.entered(self.namespace, "net"):
            yield

    def run(self, command: str) -> str:
        """What a shell command prints inside."""
        with self.inside():
            return shell(command)

    def apply(self, plan: NetworkPlan) -> None:
        """What the shim does with a plan."""
        wiring.connect(self.namespace, plan)
        wiring.describe(plan)

    def listen(self, address: str) -> socket.socket:
        """A TCP server inside."""
        with self.inside():
            return socket.create_server((address, 8080))

    def connect(self, address: str) -> socket.socket:
        """A TCP client inside, connected."""
        with self.inside():
            client = socket.socket()
        client.settimeout(SETTLE_SECONDS)
        client.connect((address, 8080))
        return client

    def end(self) -> None:
        """Kill the process; the namespace goes when its last user does."""
        self._process.kill()
        self._process.wait()
        os.close(self.namespace)


def shell(command: str) -> str:
    """What a shell command prints."""
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout


def await_true(condition: Callable[[], bool]) -> None:
    """Wait for something that the kernel does in its own time."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def add_container(networks: Networks, number: int) -> str:
    """The id of a container that has a row in the engine's store."""
    container_id = f"{number:08x}".ljust(64, "0")
    networks._database.execute(
        "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, '', 'created', x'00')",
        (container_id, f"box-{number}"),
    )
    return container_id
