"""File systems whose files are the kernel itself: reading may wait for ever, and writing changes the machine."""

from __future__ import annotations

from engine.linux.procfs import PROC_SUPER_MAGIC, file_system

_MAGIC_NUMBERS = frozenset({  # include/uapi/linux/magic.h, and the sources of those that aren't there
    PROC_SUPER_MAGIC,
    0x62656572,  # sysfs
    0x0027E0EB,  # cgroup
    0x63677270,  # cgroup2
    0x64626720,  # debugfs
    0x74726163,  # tracefs
    0x73636673,  # securityfs
    0xCAFE4A11,  # bpf
    0x62656570,  # configfs
    0x00001CD1,  # devpts
    0x19800202,  # mqueue
    0xF97CFF8C,  # selinuxfs
    0x43415D53,  # smackfs
    0x5A3C69F0,  # apparmorfs
    0x6165676C,  # pstore
    0xDE5E81E4,  # efivarfs
    0x42494E4D,  # binfmt_misc
    0x6E736673,  # nsfs
    0x65735543,  # fusectl
    0x07655821,  # resctrl
    0x67596969,  # rpc_pipefs
})  # fmt: skip


def is_kernels(descriptor: int) -> bool:
    """Whether a descriptor, which may be an O_PATH one, is on such a file system.

    Raises:
        OSError: EBADF.
    """
    return file_system(descriptor) & 0xFFFFFFFF in _MAGIC_NUMBERS
