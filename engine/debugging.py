"""A container beside another one, with the tools that that one lacks."""

from __future__ import annotations

from engine.model import Container, ContainerRequest
from engine.options import Security

LABEL = "boxdeck.debug"
"""Of the containers made here: the id of the container that is looked into."""

# /proc/1/root is the other's root: its pid 1 is ours, too (proc(5); reading the link takes CAP_SYS_PTRACE)
_SHELL = ("sh", "-c", "cd /proc/1/root; command -v bash >/dev/null && exec bash || exec sh")


def debug_request(container: Container, command: tuple[str, ...] = (), *, tty: bool = True) -> ContainerRequest:
    """A container of the image ``base`` in another one's network, pid, IPC and user namespaces.

    Its working directory is the other's root; it is removed when it ends.

    Args:
        container: runs.
        command: replaces a shell.
    """
    request, joined = container.request, f"container:{container.id}"
    return ContainerRequest(
        image="base",
        command=command or _SHELL,
        network=request.network if request.network == "host" else joined,
        pid=request.pid if request.pid == "host" else joined,
        ipc=request.ipc if request.ipc == "host" else joined if request.ipc != "none" else "private",
        security=Security(cap_add=("SYS_PTRACE",)),
        tty=tty,
        interactive=True,
        auto_remove=True,
        env=("TERM=xterm-256color", "COLORTERM=truecolor"),
        labels={LABEL: container.id},
    )
