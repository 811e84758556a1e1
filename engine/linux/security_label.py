"""Labels of Linux security modules that a process gets at its next execve (proc_pid_attr(5))."""

from __future__ import annotations

import errno
import os

from engine.linux import procfs

_APPARMOR = "thread-self/attr/apparmor/exec"  # since Linux 5.8 beside whichever module owns attr/exec
_EXEC = "thread-self/attr/exec"


def set_apparmor_profile(name: str) -> None:
    """Run under an AppArmor profile from the next execve on.

    Raises:
        OSError: ENOENT for a profile that isn't loaded, ENOSYS for a kernel without AppArmor, EACCES where the
            present profile doesn't let us.
    """
    top = procfs.open_top()
    try:
        if not _exists(top, "thread-self/attr/apparmor"):
            raise OSError(errno.ENOSYS, "this kernel has no AppArmor")
        procfs.write(top, _APPARMOR, f"exec {name}")
    finally:
        os.close(top)


def set_selinux_label(label: str) -> None:
    """Run with an SELinux context from the next execve on.

    Raises:
        OSError: EINVAL for a context that the policy doesn't have, ENOSYS for a kernel without SELinux, EACCES where
            the policy doesn't let us.
    """
    top = procfs.open_top()
    try:
        if not _has_selinux(top):
            raise OSError(errno.ENOSYS, "this kernel has no SELinux")
        procfs.write(top, _EXEC, label)
    finally:
        os.close(top)


def _exists(top: int, path: str) -> bool:
    try:
        os.stat(path, dir_fd=top)
    except OSError:
        return False
    return True


def _has_selinux(top: int) -> bool:
    descriptor = os.open("filesystems", os.O_RDONLY | os.O_CLOEXEC, dir_fd=top)
    try:
        return b"\tselinuxfs\n" in os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)
