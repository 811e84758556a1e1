"""What a machine lacks is named with the command that mends it; this machine is looked at for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.cgroups.layout import MANAGED_V2, Hierarchy, Layout
from engine.preflight import facts, judging, terminal, trials
from engine.preflight.part import Verdict

WHOLE = facts.Facts(
    is_root=True,
    lacking_capabilities=(),
    kernel=(6, 1),
    layout=Layout("v2", MANAGED_V2, (), "/sys/fs/cgroup"),
    known_controllers=frozenset(MANAGED_V2),
    readonly_cgroups=(),
    namespaces=frozenset({"user", "mnt", "uts", "ipc", "pid", "net", "cgroup", "time"}),
    max_user_namespaces=1000,
    root="/var/lib/boxdeck",
    can_idmap=True,
    free_bytes=50 << 30,
    overlay="",
    network="",
    firewall="",
    has_seccomp=True,
    libseccomp="",
    has_pressure=True,
)
V1 = Layout("v1", ("cpu", "cpuacct", "pids", "blkio", "freezer", "devices"), (Hierarchy("/c", ("cpu",)),))


def test_nothing_is_missing_where_all_is_there() -> None:
    assert {part.verdict for part in judging.judge(WHOLE)} == {Verdict.GOOD}
    assert not any(part.remedy or part.effect for part in judging.judge(WHOLE))


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "remedy"),
    [
        ({"is_root": False}, "root", "missing", "sudo boxdeck"),
        ({"lacking_capabilities": ("CAP_SYS_ADMIN",)}, "root", "missing", "--privileged"),
        ({"kernel": (5, 4)}, "kernel", "missing", "boot a newer kernel"),
        ({"layout": None}, "control groups", "missing", "mount -t cgroup2 cgroup2 /sys/fs/cgroup"),
        (
            {"readonly_cgroups": ("/sys/fs/cgroup",)},
            "control groups", "missing", "mount -o remount,rw /sys/fs/cgroup",
        ),
        (
            {"layout": V1, "known_controllers": frozenset({"memory"})},
            "control groups", "missing", "mkdir -p /sys/fs/cgroup/memory && mount -t cgroup -o memory cgroup",
        ),
        ({"layout": V1}, "control groups", "missing", "mount -t cgroup -o memory"),
        (
            {"layout": V1, "known_controllers": frozenset()},
            "control groups", "missing", "cgroup_enable=memory to the kernel's command line",
        ),
        ({"namespaces": frozenset({"mnt", "user"})}, "namespaces", "missing", "CONFIG_PID_NS CONFIG_NET_NS"),
        ({"max_user_namespaces": 0}, "user namespaces", "limited", "sysctl -w user.max_user_namespaces="),
        ({"overlay": "No such device"}, "overlay", "missing", "modprobe overlay"),
        ({"overlay": "Invalid argument"}, "overlay", "missing", "boxdeck --root DIR"),
        ({"can_idmap": False}, "idmapped mounts", "limited", "boxdeck --root DIR"),
        ({"network": "Operation not supported"}, "bridge and veth", "limited", "modprobe -a bridge veth"),
        ({"firewall": "Operation not supported"}, "nftables", "limited", "modprobe -a nf_tables"),
        ({"libseccomp": "no such file"}, "seccomp", "limited", "apt-get install libseccomp2"),
        ({"has_seccomp": False}, "seccomp", "limited", "CONFIG_SECCOMP_FILTER"),
        ({"has_pressure": False}, "pressure", "limited", "psi=1"),
        ({"free_bytes": 5 << 20}, "disk", "limited", "boxdeck system prune"),
    ],
)  # fmt: skip
def test_what_is_missing_has_its_remedy(changes: dict[str, Any], name: str, verdict: str, remedy: str) -> None:
    (part,) = (part for part in judging.judge(replace(WHOLE, **changes)) if part.verdict is not Verdict.GOOD)
    assert (part.name, part.verdict.value) == (name, verdict)
    assert remedy in part.remedy and part.says and part.effect


@pytest.mark.parametrize(
    ("term", "colours", "encoding", "size", "remedy"),
    [
        ("xterm-256color", "truecolor", "utf-8", (80, 24), ""),
        ("dumb", "", "utf-8", (80, 24), "export TERM=xterm-256color"),
        ("", "", "utf-8", (80, 24), "export TERM=xterm-256color"),
        ("xterm-256color", "", "ANSI_X3.4-1968", (80, 24), "export LC_ALL=C.UTF-8"),
        ("xterm-256color", "", "UTF-8", (60, 20), "make the window at least 80x24"),
        ("linux", "", "UTF-8", (80, 24), "boxdeck --theme ansi"),
    ],
)
def test_a_terminal_is_judged(term: str, colours: str, encoding: str, size: tuple[int, int], remedy: str) -> None:
    assert terminal.judge(term, colours, encoding, *size).remedy == remedy


@pytest.mark.vm
def test_this_machine_is_tried_and_nothing_stays_behind(tmp_path: Path) -> None:
    found = facts.collect(tmp_path / "not" / "yet")
    assert found.root == str(tmp_path) and not list(tmp_path.iterdir())
    assert (found.is_root, found.overlay, found.network, found.firewall) == (True, "", "", "")
    assert found.kernel >= (5, 12) and "pids" in found.known_controllers and found.has_seccomp
    assert not Path("/sys/class/net/trial0").exists()


def test_an_overlay_that_can_t_be_says_why() -> None:
    assert trials.overlay(Path("/proc"))
