"""Kernel parameters of a container's own namespaces; the host's are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BoxdeckError, InvalidRequest
from engine.oci.linux_spec import Linux, Namespace
from engine.runtime.sysctls import path_of, require_own
from tests.engine.runtime.box import PROC, Bundle, linux, mount, needs_root


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
        ("net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"),
    ],
)
def test_names_have_dots_or_slashes(name: str, path: str) -> None:
    assert path_of(name) == path


@pytest.mark.parametrize(
    ("name", "without", "said"),
    [
        ("net.ipv4.ip_forward", ("network",), "has no network namespace"),
        ("kernel.shmmax", ("ipc",), "has no ipc namespace"),
        ("fs.mqueue.msg_max", ("ipc",), "has no ipc namespace"),
        ("kernel.domainname", ("uts",), "has no uts namespace"),
        ("kernel.panic", (), "the host's own"),
        ("vm.overcommit_memory", (), "the host's own"),
        ("net/../kernel/panic", (), "the host's own"),
        ("user.max_user_namespaces", (), "has no user namespace"),
    ],
)
def test_the_hosts_parameters_are_refused_by_name(name: str, without: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"the sysctl {name} .*{said}"):
        require_own(linux(without=without, sysctl={name: "1"}))
    if not said.startswith("the host's") and without:
        require_own(linux(sysctl={name: "1"}))


def test_a_network_namespace_that_is_the_hosts_is_no_excuse() -> None:
    shared = Linux(
        namespaces=(Namespace(type="network", path="/proc/self/ns/net"),), sysctl={"net.core.somaxconn": "1"}
    )
    with pytest.raises(InvalidRequest, match="no network namespace of its own"):
        require_own(shared)


@needs_root
@pytest.mark.vm
@pytest.mark.parametrize("user", [False, True])
@pytest.mark.parametrize("with_proc", [False, True])
def test_parameters_are_set_whether_or_not_there_is_a_proc(bundle: Bundle, user: bool, with_proc: bool) -> None:
    wanted = {"net.ipv4.ip_default_ttl": "77", "kernel.shmmni": "123", "fs.mqueue.msg_max": "11"}
    other = mount("/other", "proc")  # to look at them by
    spec = bundle.spec(
        *([PROC] if with_proc else []), other, linux=linux(user=user, sysctl=wanted, readonly_paths=("/proc/sys",))
    )

    def probe() -> list[str]:
        return [Path("/other/sys", key.replace(".", "/")).read_text().strip() for key in wanted]

    assert bundle.run(spec, probe) == list(wanted.values())
    assert Path("/proc/sys/kernel/shmmni").read_text().strip() != "123"


@needs_root
@pytest.mark.vm
def test_a_parameter_that_the_kernel_doesn_t_take_is_named(bundle: Bundle) -> None:
    for name, value, reason in (
        ("net.no.such", "1", "no such file"),
        ("net.ipv4.ip_default_ttl", "x", "invalid argument"),
    ):
        with pytest.raises(BoxdeckError, match=f"the sysctl {name} can't be set to '{value}' .{reason}"):
            bundle.run(bundle.spec(PROC, linux=linux(sysctl={name: value})), lambda: None)
