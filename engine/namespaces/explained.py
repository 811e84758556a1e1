"""What each kind of namespace is, in two sentences, and which flag of clone, clone3 and unshare makes one."""

from __future__ import annotations

from typing import NamedTuple

from engine.model import NamespaceKind


class Explanation(NamedTuple):
    """A kind of namespace.

    Attributes:
        title: what it keeps apart.
        call: the system call with its flag.
        sentences: what it is, and what follows from that.
    """

    title: str
    call: str
    sentences: str


EXPLAINED: dict[NamespaceKind, Explanation] = {
    "user": Explanation(
        "users and privileges",
        "unshare(CLONE_NEWUSER), then /proc/PID/uid_map and gid_map",
        "User and group ids inside are mapped to others outside, so root of a container is nobody on the host."
        " Whoever makes one has every capability in it, and over the namespaces that it owns, but none above it.",
    ),
    "mnt": Explanation(
        "mounts",
        "unshare(CLONE_NEWNS)",
        "It holds a tree of mounts of its own, a copy of its maker's at first."
        " A container's root, /proc and volumes are mounted there, and go with its last process.",
    ),
    "pid": Explanation(
        "process ids",
        "clone3(CLONE_NEWPID), as the caller itself stays where it is",
        "The first process in it has number 1, and sees only those in it and in the ones nested below."
        " From outside each has a further number; when number 1 ends, the kernel kills all others.",
    ),
    "net": Explanation(
        "network",
        "unshare(CLONE_NEWNET)",
        "It has devices, addresses, routes, sockets and firewall rules of its own, and nothing but a lo that is down."
        " A veth pair with one end in it leads out; the pair goes with the namespace.",
    ),
    "ipc": Explanation(
        "IPC",
        "unshare(CLONE_NEWIPC)",
        "System V shared memory, semaphores and message queues, and POSIX queues, are seen only by those in it."
        " All of them are removed when the last process leaves.",
    ),
    "uts": Explanation(
        "host name",
        "unshare(CLONE_NEWUTS)",
        "It has a host name and a domain name of its own, a copy of its maker's at first."
        " sethostname(2) changes it for everybody in it, and for nobody else.",
    ),
    "cgroup": Explanation(
        "view of control groups",
        "unshare(CLONE_NEWCGROUP)",
        "The control group that its maker is in at that moment becomes the root of what /proc/self/cgroup shows."
        " It limits nothing; limits are in the control groups themselves.",
    ),
    "time": Explanation(
        "clocks since boot",
        "unshare(CLONE_NEWTIME), for the children of the caller",
        "CLOCK_MONOTONIC and CLOCK_BOOTTIME have offsets in it, set before the first process enters."
        " The time of day is the same for everybody.",
    ),
}
