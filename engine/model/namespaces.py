"""Namespaces of containers and of the machine, and commands in them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.model.process import ProcessInfo

NamespaceKind = Literal["mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time"]


class NamespaceInfo(Struct, frozen=True, kw_only=True):
    """One namespace that a container is in.

    Attributes:
        inode: its number, as ``readlink /proc/PID/ns/…`` shows it.
        is_host: whether it is the one that the engine itself lives in.
        shared_with: names of other containers in the same namespace.
    """

    kind: NamespaceKind
    inode: int
    is_host: bool
    shared_with: tuple[str, ...] = ()


class IdRange(Struct, frozen=True, kw_only=True):
    """One line of /proc/PID/uid_map (user_namespaces(7)): ids inside, ids outside, how many."""

    inside: int
    outside: int
    length: int

    @property
    def words(self) -> str:
        """As people read it: ``0 → 200000 (65536)``."""
        return f"{self.inside} → {self.outside} ({self.length})"

    def inside_of(self, outside: int) -> int | None:
        """What an id outside is inside; None for one that isn't in this range."""
        return self.inside + outside - self.outside if 0 <= outside - self.outside < self.length else None


class ContainerNamespaces(Struct, frozen=True, kw_only=True):
    """A running container's namespaces, id maps and processes (parents before children)."""

    container_id: str
    container_name: str
    namespaces: tuple[NamespaceInfo, ...]
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    processes: tuple[ProcessInfo, ...] = ()


class NamespaceTree(Struct, frozen=True, kw_only=True):
    """The host's own namespaces and those of every running container."""

    host: tuple[NamespaceInfo, ...]
    containers: tuple[ContainerNamespaces, ...]


class NamespaceEntry(Struct, frozen=True, kw_only=True):
    """One namespace of the machine, whoever is in it (namespaces(7), ioctl_nsfs(2)).

    Attributes:
        inode: its number, as ``readlink /proc/PID/ns/…`` shows it.
        is_host: whether it is the one that the engine itself lives in.
        owner_inode: the user namespace whose capabilities count in it; for a user namespace its parent. None for the
            first user namespace, and where the owner is out of our sight.
        owner_uid: who made the owning user namespace (for a user namespace: who made it), as a uid of ours.
        parent_inode: of a pid or user namespace: the one that it was made in; None for other kinds and for the first.
        processes: how many processes are in it; threads that went elsewhere count for where they are.
        pid: of the first of them; None when nobody is in it.
        command: of that process.
        containers: names of the containers that it belongs to.
        held_by: what else keeps it alive: ``mount /run/netns/blue``, ``fd 5 of 1234``, ``children of 1234``,
            ``namespaces below it``.
        uid_map, gid_map: of a user namespace with processes, as the first of them has them.
        pids: of a pid namespace: what the first process is called in ours, and in each one on the way to it.
    """

    kind: NamespaceKind
    inode: int
    is_host: bool = False
    owner_inode: int | None = None
    owner_uid: int | None = None
    parent_inode: int | None = None
    processes: int = 0
    pid: int | None = None
    command: str = ""
    containers: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    pids: tuple[int, ...] = ()


class NamespaceAspect(Struct, frozen=True, kw_only=True, rename="pascal"):
    """One namespace of a process, and what the process sees in it.

    Attributes:
        contents: in a few words, such as ``eth0, lo`` for a network namespace; empty where there is nothing to say.
    """

    kind: NamespaceKind
    inode: int
    contents: str = ""


class NamespacePortrait(Struct, frozen=True, kw_only=True, rename="pascal"):
    """All namespaces of the host, or of a container's first process, for comparing them.

    Attributes:
        name: of the container, or ``host``.
    """

    name: str
    pid: int
    aspects: tuple[NamespaceAspect, ...]


class NamespaceRun(Struct, frozen=True, kw_only=True):
    """A command in fresh namespaces, on the root file system that we have.

    Attributes:
        kinds: which are to be new; at least one.
        argv: empty for the shell in ``$SHELL``.
        id_map: of users and groups alike in a new user namespace; empty maps the caller's own ids to themselves.
        hostname: in a new UTS namespace.
        boot_offset_seconds: added to CLOCK_BOOTTIME and CLOCK_MONOTONIC in a new time namespace.
        by: the system call; ``auto`` takes clone where a child is needed anyway, otherwise unshare.
        fresh_proc: whether /proc shows the new pid namespace, when the mount namespace is new, too.
        verbose: say every system call on standard error.
    """

    kinds: tuple[NamespaceKind, ...]
    argv: tuple[str, ...] = ()
    id_map: tuple[IdRange, ...] = ()
    hostname: str | None = None
    boot_offset_seconds: int = 0
    by: Literal["auto", "clone", "unshare"] = "auto"
    fresh_proc: bool = True
    verbose: bool = False


class NamespaceVisit(Struct, frozen=True, kw_only=True):
    """A command in the namespaces of a process, in our cgroup and without its filters: for looking into it.

    Attributes:
        target: a pid, or a container's name, id or beginning of its id.
        kinds: which to enter; empty for all that aren't ours already.
        argv: empty for a shell: the container's where its files are entered, otherwise ``$SHELL``.
        uid: who to be in a user namespace that is entered.
        gid: the group likewise.
        working_dir: where the command starts; None is ``/`` where the target's files are entered, else here.
        privileged: keep all capabilities of ours where the target's files are entered, and with them its programs;
            otherwise only those that the target could have.
        verbose: say every system call on standard error.
    """

    target: str
    kinds: tuple[NamespaceKind, ...] = ()
    argv: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    working_dir: str | None = None
    privileged: bool = False
    verbose: bool = False
