"""On which NUMA nodes a process gets its memory (set_mempolicy(2))."""

from __future__ import annotations

from collections.abc import Collection

from engine.linux import libc

MODES = {
    "MPOL_DEFAULT": 0, "MPOL_PREFERRED": 1, "MPOL_BIND": 2, "MPOL_INTERLEAVE": 3, "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5, "MPOL_WEIGHTED_INTERLEAVE": 6,
}  # fmt: skip
FLAGS = {"MPOL_F_NUMA_BALANCING": 1 << 13, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_STATIC_NODES": 1 << 15}

_WORD = 64  # bits; the kernel wants whole longs


def set_memory_policy(mode: int, nodes: Collection[int]) -> None:
    """Give this process and its children a policy; `mode` includes flags.

    Raises:
        OSError: EINVAL for nodes that aren't there or a mode that takes none, ENOSYS in a kernel without NUMA.
    """
    if not nodes:
        libc.syscall("set_mempolicy", mode, None, 0)
        return
    size = (max(nodes) // _WORD + 1) * _WORD
    mask = sum(1 << node for node in nodes).to_bytes(size // 8, "little")
    libc.syscall("set_mempolicy", mode, mask, size + 1)  # the kernel takes one bit less than it is told
