"""Boxdeck's own filter of system calls: what a container may ask of the kernel when nobody says otherwise.

It is an allow-list: what isn't named gets EPERM, and what is newer than all that is named ENOSYS (see
`seccomp_rules`), so that a C library falls back to what it used before.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.oci.seccomp_spec import Seccomp, SeccompArgument, SeccompSyscall
from engine.runtime.seccomp_calls import BY_CAPABILITY, BY_MACHINE, EVERYWHERE

_EPERM, _ENOSYS = 1, 38

# Programs of 32 bits are let in beside those of 64. Not x32: no distribution has it, most kernels don't know it.
_ARCHITECTURES = {
    "x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"),
    "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
    "riscv64": ("SCMP_ARCH_RISCV64",),
    "ppc64le": ("SCMP_ARCH_PPC64LE",),
    "s390x": ("SCMP_ARCH_S390X", "SCMP_ARCH_S390"),
}

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: in a user namespace of its own, a process would have
# every capability and reach code of the kernel that was written for root. clone(2) can't make time namespaces.
_NAMESPACES = 0x7E020000
_CLONE_FLAGS_ARGUMENT = {"s390x": 1}

# PER_LINUX, PER_LINUX32, the same with UNAME26, and the question what it is. Others make memory executable
# (READ_IMPLIES_EXEC) or its layout known (ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT).
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

# All families below AF_ALG, then one by one up to AF_MCTP, so that an argument whose upper half is set, which the
# kernel doesn't look at, passes for none of them. AF_ALG (38) is the kernel's cryptography, of no use here and with a
# history (CVE-2026-31431); AF_VSOCK (40) has no namespace and leads to the hypervisor and other machines of it.
_FAMILIES_BELOW = 38
_FURTHER_FAMILIES = (39, 41, 42, 43, 44, 45)

_TIOCSTI = 0x5412  # types into a terminal as if a person had: into a shell that reads it later (CVE-2016-7545)


def default(capabilities: Collection[str], machine: str) -> Seccomp:
    """The filter for a container whose bounding set is `capabilities`, on a machine as ``uname -m`` names it.

    Further than CAP_SYS_ADMIN itself goes, nothing is opened: whoever wants no filter says so.
    """
    names = dict.fromkeys((*EVERYWHERE, *BY_MACHINE.get(machine, ())))
    for capability, calls in BY_CAPABILITY.items():
        if capability in capabilities:
            names.update(dict.fromkeys(calls))
    return Seccomp(
        default_action="SCMP_ACT_ERRNO",
        default_errno_ret=_EPERM,
        architectures=_ARCHITECTURES.get(machine, ()),
        syscalls=(
            SeccompSyscall(names=tuple(names), action="SCMP_ACT_ALLOW"),
            *(() if "clone" in names else _without_namespaces(machine)),
            *(_allow("personality", _equals(0, value)) for value in _PERSONALITIES),
            *_sockets(),
            *_ioctls(),
        ),
    )


def _without_namespaces(machine: str) -> tuple[SeccompSyscall, ...]:
    """Clone without new namespaces. What clone3 is asked lies in memory, so it is as if the kernel had none."""
    flags = SeccompArgument(
        index=_CLONE_FLAGS_ARGUMENT.get(machine, 0), value=_NAMESPACES, value_two=0, op="SCMP_CMP_MASKED_EQ"
    )
    return (_allow("clone", flags), _missing("clone3"))


def _sockets() -> tuple[SeccompSyscall, ...]:
    """Sockets of families that are harmless.

    `socketcall` of x86 and s390 has its arguments in memory and would make any socket. Linux has had calls of their
    own there since 4.3, and C libraries use those; very old programs need a filter that allows it.
    """
    below = SeccompArgument(index=0, value=_FAMILIES_BELOW, op="SCMP_CMP_LT")
    return (
        _missing("socketcall"),
        _allow("socket", below),
        *(_allow("socket", _equals(0, family)) for family in _FURTHER_FAMILIES),
    )


def _ioctls() -> tuple[SeccompSyscall, ...]:
    """All but TIOCSTI, as numbers of 32 bits of which one differs from its.

    A comparison with the whole argument could be passed by setting its upper half, which the kernel doesn't look at
    (as in CVE-2019-7303).
    """
    return tuple(
        _allow(
            "ioctl",
            SeccompArgument(index=1, value=1 << bit, value_two=~_TIOCSTI & 1 << bit, op="SCMP_CMP_MASKED_EQ"),
        )
        for bit in range(32)
    )


def _allow(name: str, *arguments: SeccompArgument) -> SeccompSyscall:
    return SeccompSyscall(names=(name,), action="SCMP_ACT_ALLOW", args=arguments)


def _missing(name: str) -> SeccompSyscall:
    return SeccompSyscall(names=(name,), action="SCMP_ACT_ERRNO", errno_ret=_ENOSYS)


def _equals(index: int, value: int) -> SeccompArgument:
    return SeccompArgument(index=index, value=value, op="SCMP_CMP_EQ")
