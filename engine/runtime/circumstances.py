"""What surrounds a container that is being born, beside its ``config.json``."""

from __future__ import annotations

import socket
from typing import NamedTuple

from engine.cgroups.manager import Cgroup
from engine.network.plan import NetworkPlan
from engine.oci.runtime_spec import Spec
from engine.oci.state import StatusWord, encode
from engine.xray.parts import Room


class Circumstances(NamedTuple):
    """What the caller decides about a container beside its ``config.json``.

    Attributes:
        container_id: for the state that hooks get.
        bundle: the folder that relative paths of the spec begin in.
        cgroup: init is born in it, or joins it when it is told to proceed.
        network: what to send to the kernel for its interfaces; None leaves its network as it is.
        stdio: what becomes its 0, 1 and 2; None when the spec wants a terminal.
        listener: where init waits for `Start`, when the caller ends before the container does. Without one
            `Start` comes over `Living.sync`, and init dies with the caller.
        seccomp_cache: the folder of compiled filters; None compiles anew.
        pivot: change the root by pivot_root(2), and not by moving a mount and chroot(2).
        new_keyring: give it a session keyring of its own.
        preserved: how many descriptors from 3 on are left open for the process.
        for_parent: whether the caller acts for its own parent, whose child init is to be.
        room: where init leaves what it has asked of the kernel; None when nobody wants to know.
    """

    container_id: str
    bundle: str
    cgroup: Cgroup
    network: NetworkPlan | None = None
    stdio: tuple[int, int, int] | None = None
    listener: socket.socket | None = None
    seccomp_cache: str | None = None
    pivot: bool = True
    new_keyring: bool = True
    preserved: int = 0
    for_parent: bool = False
    room: Room | None = None

    def state(self, status: StatusWord, pid: int, spec: Spec) -> bytes:
        """The container's state as hooks get it on their standard input."""
        return encode(self.container_id, status, pid, self.bundle, spec.annotations)
