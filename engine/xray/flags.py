"""Numbers of the kernel's interface as their names."""

from __future__ import annotations

import os
import stat

from engine.linux import mounts, namespaces, paths, seccomp

CLONE = {
    **{flag: f"CLONE_NEW{entry.replace('mnt', 'ns').upper()}" for entry, flag in namespaces.FLAG_BY_ENTRY.items()},
    0x00001000: "CLONE_PIDFD",
    0x00008000: "CLONE_PARENT",
    0x200000000: "CLONE_INTO_CGROUP",
}
MOUNT = {
    value: name
    for name, value in vars(mounts).items()
    if name.startswith("MS_") and isinstance(value, int)
}  # fmt: skip
MOUNT_ATTRIBUTES = {
    value: name
    for name, value in vars(mounts).items()
    if name.startswith("MOUNT_ATTR_") and isinstance(value, int) and value and name != "MOUNT_ATTR__ATIME"
}
OPEN_TREE = {
    mounts.OPEN_TREE_CLONE: "OPEN_TREE_CLONE",
    mounts.OPEN_TREE_CLOEXEC: "OPEN_TREE_CLOEXEC",
    mounts.AT_EMPTY_PATH: "AT_EMPTY_PATH",
    mounts.AT_RECURSIVE: "AT_RECURSIVE",
}
AT = {mounts.AT_EMPTY_PATH: "AT_EMPTY_PATH", mounts.AT_RECURSIVE: "AT_RECURSIVE"}
MOVE_MOUNT = {
    mounts.MOVE_MOUNT_F_EMPTY_PATH: "MOVE_MOUNT_F_EMPTY_PATH",
    mounts.MOVE_MOUNT_T_EMPTY_PATH: "MOVE_MOUNT_T_EMPTY_PATH",
}
UNMOUNT = {0x1: "MNT_FORCE", 0x2: "MNT_DETACH", 0x4: "MNT_EXPIRE", 0x8: "UMOUNT_NOFOLLOW"}
FSOPEN = {1: "FSOPEN_CLOEXEC"}
FSMOUNT = {1: "FSMOUNT_CLOEXEC"}
FSPICK = {1: "FSPICK_CLOEXEC", 8: "FSPICK_EMPTY_PATH"}
FSCONFIG = (
    "FSCONFIG_SET_FLAG", "FSCONFIG_SET_STRING", "FSCONFIG_SET_BINARY", "FSCONFIG_SET_PATH", "FSCONFIG_SET_PATH_EMPTY",
    "FSCONFIG_SET_FD", "FSCONFIG_CMD_CREATE", "FSCONFIG_CMD_RECONFIGURE",
)  # fmt: skip
OPEN = {
    value: name
    for name in ("O_PATH", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL")
    for value in (getattr(os, name),)
}
RESOLVE = {value: name for name, value in vars(paths).items() if name.startswith("RESOLVE_")}
SECCOMP = {
    seccomp.FLAG_LOG: "SECCOMP_FILTER_FLAG_LOG",
    seccomp.FLAG_SPEC_ALLOW: "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    seccomp.FLAG_NEW_LISTENER: "SECCOMP_FILTER_FLAG_NEW_LISTENER",
    seccomp.FLAG_WAIT_KILLABLE_RECV: "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
}
CLOSE_RANGE = {2: "CLOSE_RANGE_UNSHARE", 4: "CLOSE_RANGE_CLOEXEC"}
FILE_TYPES = {stat.S_IFCHR: "S_IFCHR", stat.S_IFBLK: "S_IFBLK", stat.S_IFIFO: "S_IFIFO", stat.S_IFREG: "S_IFREG"}
PRCTL = {
    1: "PR_SET_PDEATHSIG",
    4: "PR_SET_DUMPABLE",
    8: "PR_SET_KEEPCAPS",
    15: "PR_SET_NAME",
    24: "PR_CAPBSET_DROP",
    29: "PR_SET_TIMERSLACK",
    36: "PR_SET_CHILD_SUBREAPER",
    38: "PR_SET_NO_NEW_PRIVS",
    47: "PR_CAP_AMBIENT",
}
AMBIENT = {2: "PR_CAP_AMBIENT_RAISE", 3: "PR_CAP_AMBIENT_LOWER", 4: "PR_CAP_AMBIENT_CLEAR_ALL"}
BPF = {
    5: "BPF_PROG_LOAD", 8: "BPF_PROG_ATTACH", 9: "BPF_PROG_DETACH", 13: "BPF_PROG_GET_FD_BY_ID",
    15: "BPF_OBJ_GET_INFO_BY_FD", 16: "BPF_PROG_QUERY",
}  # fmt: skip


def named(value: int, names: dict[int, str], none: str = "0") -> str:
    """Bits as names with bars between them; those that nobody knows as a number."""
    found = []
    for flag, name in sorted(names.items(), key=lambda item: -item[0].bit_count()):
        if flag and value & flag == flag:
            found.append((flag, name))
            value &= ~flag
    words = [name for _, name in sorted(found)] + ([hex(value)] if value else [])
    return "|".join(words) or none
