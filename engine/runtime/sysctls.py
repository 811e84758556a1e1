"""Kernel parameters of a container's own namespaces (config-linux.md, "Sysctl")."""

from __future__ import annotations

import os

from engine.errors import InvalidRequest, RuntimeFailure
from engine.linux import procfs
from engine.oci.linux_spec import Linux, Namespace, NamespaceType

# What belongs to a namespace (Documentation/admin-guide/sysctl, ipc_sysctl.c, mq_sysctl.c, utsname_sysctl.c, ucount.c).
_OF_IPC = frozenset(
    f"kernel.{name}"
    for name in ("msgmax", "msgmnb", "msgmni", "msg_next_id", "sem", "sem_next_id", "shmall", "shmmax", "shmmni",
                 "shm_next_id", "shm_rmid_forced")
)  # fmt: skip
_OF_UTS = frozenset({"kernel.hostname", "kernel.domainname"})
_OF_PID = frozenset({"kernel.ns_last_pid"})
_PREFIXES: tuple[tuple[str, NamespaceType], ...] = (("net.", "network"), ("fs.mqueue.", "ipc"), ("user.", "user"))


def path_of(name: str) -> str:
    """The file of a parameter below /proc/sys: ``net.ipv4.ip_forward``, or ``net/ipv4/conf/eth0.1/forwarding``.

    As sysctl(8) reads them: whichever of dot and slash comes first separates, the other stands for itself.
    """
    first = next((character for character in name if character in "./"), ".")
    return name if first == "/" else name.translate({ord("."): "/", ord("/"): "."})


def require_own(linux: Linux) -> None:
    """Refuse parameters of the host, or of a namespace that the container shares with it.

    Raises:
        InvalidRequest: naming the parameter.
    """
    for name in linux.sysctl:
        kind = _namespace_of(path_of(name).replace("/", "."))
        if kind is None or ".." in path_of(name).split("/"):
            raise InvalidRequest(f"the sysctl {name} is the host's own and not a namespace's", "set it on the host")
        if _is_hosts(linux.namespace(kind), kind):
            raise InvalidRequest(
                f"the sysctl {name} would change the host: the container has no {kind} namespace of its own",
                f"take it out, or give the container a {kind} namespace",
            )


def _namespace_of(name: str) -> NamespaceType | None:
    for names, kind in ((_OF_IPC, "ipc"), (_OF_UTS, "uts"), (_OF_PID, "pid")):
        if name in names:
            return kind  # type: ignore[return-value]
    return next((kind for prefix, kind in _PREFIXES if name.startswith(prefix)), None)


def _is_hosts(namespace: Namespace | None, kind: NamespaceType) -> bool:
    if namespace is None:
        return True
    if not namespace.path:
        return False
    entry = {"network": "net"}.get(kind, kind)
    try:
        return os.path.samefile(namespace.path, f"/proc/self/ns/{entry}")
    except OSError:
        return False  # whoever joins it will say that it isn't there


def write_all(root: int, sysctl: dict[str, str]) -> None:
    """Write parameters through a procfs that is one, without crossing what may be mounted over it (CVE-2025-52881).

    Args:
        root: descriptor of the container's root; its /proc is used, or a new one that nobody sees.

    Raises:
        RuntimeFailure: the kernel doesn't have or doesn't take one, or something is mounted over it.
    """
    if not sysctl:
        return
    top = procfs.open_top("proc", root)
    try:
        for name, value in sysctl.items():
            _write(top, name, value)
    finally:
        os.close(top)


def _write(top: int, name: str, value: str) -> None:
    try:
        procfs.write(top, f"sys/{path_of(name)}", value)
    except OSError as error:
        raise RuntimeFailure(
            f"the sysctl {name} can't be set to {value!r} ({os.strerror(error.errno or 0).lower()})",
            "see whether this kernel has it and takes that value",
        ) from error
