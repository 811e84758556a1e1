"""Seccomp profiles as files: docker's form, whose rules depend on machine and capabilities, and the specification's."""

from __future__ import annotations

import platform
import re
from collections.abc import Collection

from msgspec import Struct, field

from engine.errors import InvalidRequest
from engine.oci.runtime_spec import decode_part
from engine.oci.seccomp_spec import Action, Flag, Seccomp, SeccompArgument, SeccompSyscall

_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "s390x": "s390x", "ppc64le": "ppc64le"}
_NATIVE = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64", "riscv64": "SCMP_ARCH_RISCV64",
    "s390x": "SCMP_ARCH_S390X", "ppc64le": "SCMP_ARCH_PPC64LE"}  # fmt: skip


class Condition(Struct, frozen=True, kw_only=True, rename="camel"):
    """When a rule counts: on these machines, with these capabilities, from this kernel on (such as ``4.8``)."""

    arches: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    min_kernel: str = ""


class Rule(Struct, frozen=True, kw_only=True, rename="camel"):
    """One rule of docker's form."""

    action: Action
    name: str = ""
    names: tuple[str, ...] = ()
    args: tuple[SeccompArgument, ...] = ()
    errno_ret: int | None = None
    includes: Condition = Condition()
    excludes: Condition = Condition()


class Architecture(Struct, frozen=True, kw_only=True, rename="camel"):
    """A machine, and those whose system calls it understands, too."""

    architecture: str
    sub_architectures: tuple[str, ...] = ()


class Profile(Struct, frozen=True, kw_only=True, rename="camel"):
    """A profile in docker's form, of which the specification's is a part."""

    default_action: Action
    default_errno_ret: int | None = None
    arch_map: tuple[Architecture, ...] = ()
    architectures: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[Rule, ...] = field(default=())


def read(text: str, capabilities: Collection[str]) -> Seccomp:
    """A profile for this machine, this kernel and a container with these capabilities.

    Raises:
        InvalidRequest: it isn't JSON, or no profile; the sentence says where.
    """
    try:
        profile = decode_part(text.encode(), Profile, "the seccomp profile")
    except RecursionError as error:
        raise InvalidRequest("the seccomp profile is not valid (it is nested too deeply)", "correct it") from error
    if profile.arch_map and profile.architectures:
        raise InvalidRequest("the seccomp profile has both archMap and architectures", "leave one of them out")
    return for_machine(profile, capabilities, platform.machine(), platform.release())


def for_machine(profile: Profile, capabilities: Collection[str], machine: str, kernel: str) -> Seccomp:
    """What of a profile counts on a machine (as ``uname -m`` says it) and a kernel such as ``6.1.0-13-amd64``."""
    arch = _GO_NAMES.get(machine, machine)
    around = (capabilities, arch, kernel)
    rules = [
        _compiled(rule)
        for rule in profile.syscalls
        if _holds(rule.includes, *around) and not _excluded(rule.excludes, *around)
    ]
    return Seccomp(
        default_action=profile.default_action,
        default_errno_ret=profile.default_errno_ret,
        architectures=profile.architectures or _architectures(profile.arch_map, arch),
        flags=profile.flags,
        listener_path=profile.listener_path,
        listener_metadata=profile.listener_metadata,
        syscalls=tuple(rules),
    )


def _compiled(rule: Rule) -> SeccompSyscall:
    names = rule.names or ((rule.name,) if rule.name else ())
    if not names or (rule.name and rule.names):
        raise InvalidRequest("a rule of the seccomp profile needs either name or names", "correct it and try again")
    return SeccompSyscall(names=names, action=rule.action, errno_ret=rule.errno_ret, args=rule.args)


def _holds(condition: Condition, capabilities: Collection[str], arch: str, kernel: str) -> bool:
    return (
        (not condition.arches or arch in condition.arches)
        and all(name in capabilities for name in condition.caps)
        and (not condition.min_kernel or _version(kernel) >= _version(condition.min_kernel))
    )


def _excluded(condition: Condition, capabilities: Collection[str], arch: str, kernel: str) -> bool:
    return (
        arch in condition.arches
        or any(name in capabilities for name in condition.caps)
        or (condition.min_kernel != "" and _version(kernel) >= _version(condition.min_kernel))
    )


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise InvalidRequest(f"{text!r} in the seccomp profile is not a version of Linux", "write it as 4.8")
    return int(found[1]), int(found[2])


def _architectures(known: tuple[Architecture, ...], arch: str) -> tuple[str, ...]:
    native = _NATIVE.get(arch)
    return next(((a.architecture, *a.sub_architectures) for a in known if a.architecture == native), ())
