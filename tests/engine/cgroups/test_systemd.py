"""Scopes of systemd: names and properties by tables, and a real systemd that is process 1 of namespaces of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cgroups import folders, layout, systemd
from engine.cgroups.systemd import ScopeName
from engine.errors import InvalidRequest, Unsupported
from engine.oci.resources_spec import LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxPids, LinuxResources

CHECKOUT = Path(__file__).parents[3]
SYSTEMD = "/lib/systemd/systemd"
MIB = 1 << 20
UNITS = {
    "dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    "dbus.service": """[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile
""",
    "scenario.service": """[Unit]
DefaultDependencies=no
Requires=dbus.service
After=dbus.service
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
WorkingDirectory={checkout}
ExecStart={python} -m tests.engine.cgroups.{scenario} {folder}
StandardOutput=file:{folder}/out
StandardError=file:{folder}/out
""",
}
BOOT = """
mount -t tmpfs tmpfs /run && umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
mount -t proc proc /proc && mkdir -p /run/systemd && cp -r {folder}/system /run/systemd/system || exit
exec env -i container=boxdeck PATH="$PATH" {systemd} --system --unit=scenario.service --log-target=null
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ScopeName("system.slice", "boxdeck-one.scope")),
        ("machine.slice:libpod:4f2a", ScopeName("machine.slice", "libpod-4f2a.scope")),
        (":docker:4f2a", ScopeName("system.slice", "docker-4f2a.scope")),
        ("user-1000.slice::one", ScopeName("user-1000.slice", "one.scope")),
    ],
)
def test_a_place_for_systemd_is_a_slice_a_prefix_and_a_name(path: str, expected: ScopeName) -> None:
    assert systemd.parse_path(path, "one") == expected


@pytest.mark.parametrize(
    "path",
    ["/boxdeck/one", "a:b", "a.slice:b:c:d", "a:b:c", "../x.slice:b:c", "a.slice:b:c/d", "a.slice:b:", "a.slice:b:é"],
)
def test_a_place_that_systemd_can_t_have_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a "):
        systemd.parse_path(path, "one")


def test_limits_as_properties() -> None:
    resources = LinuxResources(
        memory=LinuxMemory(limit=64 * MIB, reservation=32 * MIB, swap=96 * MIB),
        cpu=LinuxCPU(shares=1024, quota=33_333, period=100_000, cpus="0-1,9", mems="0"),
        pids=LinuxPids(limit=-1),
        block_io=LinuxBlockIO(weight=10),
    )
    assert dict(systemd.limits_of(resources)) == {
        "MemoryMax": ("t", 64 * MIB),
        "MemoryLow": ("t", 32 * MIB),
        "MemorySwapMax": ("t", 32 * MIB),
        "CPUWeight": ("t", 39),
        "CPUQuotaPerSecUSec": ("t", 340_000),
        "CPUQuotaPeriodUSec": ("t", 100_000),
        "AllowedCPUs": ("ay", b"\x03\x02"),
        "AllowedMemoryNodes": ("ay", b"\x01"),
        "TasksMax": ("t", systemd.INFINITY),
        "IOWeight": ("t", 1),
    }
    assert systemd.limits_of(LinuxResources(cpu=LinuxCPU(quota=-1))) == [
        ("CPUQuotaPerSecUSec", ("t", systemd.INFINITY))
    ]
    assert systemd.limits_of(LinuxResources()) == []


@pytest.mark.parametrize("text", ["x", "1-", "-1", "1;2", "0-99999999999"])
def test_a_list_of_processors_that_is_none(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a list of processors"):
        systemd.bits(text)


def test_without_systemd_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(systemd, "_RUNNING", str(tmp_path / "absent"))
    with pytest.raises(Unsupported, match="systemd doesn't run here, so it can't make control groups: use cgroupfs"):
        systemd.require_systemd()
    monkeypatch.setattr(systemd, "_RUNNING", str(tmp_path))
    if layout.detect().version != "v2":
        with pytest.raises(Unsupported, match="on cgroup v2 only"):
            systemd.require_systemd()


@pytest.fixture
def box() -> Iterator[str]:
    """A cgroup that systemd can take for the top of the hierarchy."""
    if layout.detect().version != "v2" or os.geteuid() != 0:
        pytest.skip("needs cgroup v2 and root, as in the virtual machine")
    if not os.path.exists(SYSTEMD) or shutil.which("dbus-daemon") is None:
        pytest.skip("needs systemd and dbus-daemon")
    top = layout.detect().unified
    folders.write(f"{top}/cgroup.subtree_control", "+memory +cpu +pids +io +cpuset")
    path = f"{top}/boxdeck-test{os.getpid()}-systemd"
    os.mkdir(path)
    yield path
    assert folders.remove([path])


@pytest.mark.vm
@pytest.mark.parametrize("scenario", ["scope_scenario", "engine_scenario"])
def test_a_real_systemd_makes_limits_changes_and_stops_scopes(box: str, tmp_path: Path, scenario: str) -> None:
    (tmp_path / "system").mkdir()
    for name, text in UNITS.items():
        unit = text.format(checkout=CHECKOUT, python=sys.executable, folder=tmp_path, scenario=scenario)
        (tmp_path / "system" / name).write_text(unit)
    namespaces = ["--cgroup", "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child"]
    inside = BOOT.format(folder=tmp_path, systemd=SYSTEMD)
    booting = f"echo $$ > {box}/cgroup.procs; exec unshare {' '.join(namespaces)} sh -c '{inside}'"
    with subprocess.Popen(["sh", "-c", booting], stderr=subprocess.PIPE) as process:
        try:
            step_out(process.pid, box)
            process.wait(timeout=200)
        finally:
            process.send_signal(signal.SIGKILL)
    said = (tmp_path / "out").read_text() if (tmp_path / "out").exists() else "nothing"
    assert said == "done\n"


def step_out(pid: int, box: str) -> None:
    """Move the parent of systemd out of the box, whose top systemd wants to have empty."""
    deadline = time.monotonic() + 60
    while len(folders.processes(box)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    folders.write(f"{layout.detect().unified}/cgroup.procs", str(pid))
