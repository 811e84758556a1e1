"""Seccomp profiles in docker's form: what of them counts here."""

from __future__ import annotations

import platform

import msgspec
import pytest

from engine.compile import seccomp_file
from engine.compile.seccomp_file import Profile
from engine.errors import InvalidRequest
from engine.oci.seccomp_spec import Seccomp


def read(*rules: dict[str, object], capabilities: tuple[str, ...] = (), **profile: object) -> Seccomp:
    text = msgspec.json.encode({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules, **profile}).decode()
    return seccomp_file.read(text, capabilities)


def allow(name: str, **conditions: object) -> dict[str, object]:
    return {"names": [name], "action": "SCMP_ACT_ALLOW", **conditions}


def names(profile: Seccomp) -> list[str]:
    return [name for rule in profile.syscalls for name in rule.names]


def test_rules_count_with_the_capabilities_that_they_name() -> None:
    rules = (
        allow("mount", includes={"caps": ["CAP_SYS_ADMIN"]}),
        allow("clone", excludes={"caps": ["CAP_SYS_ADMIN"]}),
        allow("read"),
    )
    assert names(read(*rules)) == ["clone", "read"]
    assert names(read(*rules, capabilities=("CAP_SYS_ADMIN",))) == ["mount", "read"]


def test_rules_count_on_the_machines_and_kernels_that_they_name() -> None:
    here, other = ("amd64", "arm64") if platform.machine() == "x86_64" else ("arm64", "amd64")
    rules = (
        allow("here", includes={"arches": [here]}),
        allow("elsewhere", includes={"arches": [other]}),
        allow("not-here", excludes={"arches": [here]}),
        allow("new-enough", includes={"minKernel": "4.8"}),
        allow("too-new", includes={"minKernel": "99.0"}),
    )
    assert names(read(*rules)) == ["here", "new-enough"]


def test_the_machines_own_architectures_are_taken_from_the_map() -> None:
    known = [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ]
    profile = Profile(
        default_action="SCMP_ACT_ALLOW", arch_map=msgspec.convert(known, tuple[seccomp_file.Architecture, ...])
    )
    assert seccomp_file.for_machine(profile, (), "aarch64", "6.1").architectures == (
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_ARM",
    )


def test_what_the_specification_knows_is_kept_and_older_spellings_are_read() -> None:
    arguments = [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]
    rule = {"name": "kill", "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": arguments, "comment": "old"}
    (found,) = read(rule, allow("read", args=None), defaultErrnoRet=1).syscalls[:1]
    assert (found.names, found.errno_ret, found.args[0].value) == (("kill",), 38, 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"defaultAction": "SCMP_ACT_SHRUG"}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]}',
        '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "x"}]}',
        '{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{"action": "SCMP_ACT_LOG", "includes": {"minKernel": "new"}}]}',
    ],
)
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="seccomp profile"):
        seccomp_file.read(text, ())
