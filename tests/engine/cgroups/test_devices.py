"""Devices that the kernel lets a container open, on v1 and v2, whichever is here; v2's program also beside v1."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from engine.cgroups import device_program, device_rules, folders, layout
from engine.cgroups.device_rules import DEFAULT_DEVICE_RULES
from engine.cgroups.manager import Cgroup
from engine.errors import Unsupported
from engine.linux import bpf
from engine.oci.resources_spec import LinuxDeviceCgroup, LinuxResources
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

pytestmark = pytest.mark.vm

KMSG = LinuxDeviceCgroup(allow=True, type="c", major=1, minor=11, access="rw")
TRY = """
def attempt(path, flags):
    try:
        os.close(os.open(path, flags))
    except OSError as error:
        return error.strerror
    return "open"
"""
TRY_ALL = f"""{TRY}
for line in iter(sys.stdin.readline, "x"):
    print(*(attempt(path, os.O_RDWR) for path in ("/dev/null", "/dev/kmsg")), attempt("/dev/kmsg", os.O_RDONLY),
        sep=", ", flush=True)
"""
DENIED = "Operation not permitted"


def filtered(*rules: LinuxDeviceCgroup) -> LinuxResources:
    return LinuxResources(devices=(*DEFAULT_DEVICE_RULES, *rules))


@pytest.mark.parametrize("below_limits", [False, True])
def test_what_is_not_on_the_list_can_t_be_opened_until_it_is(parent: str, spawn: Spawn, below_limits: bool) -> None:
    cgroup = Cgroup.create(f"/{parent}/one", filtered(), below_limits)
    child = spawn(TRY_ALL)
    cgroup.join(child.pid)
    let_go(child)
    let_go(child)
    assert line_from(child).decode() == f"open, {DENIED}, {DENIED}"
    cgroup.update(filtered(KMSG))
    let_go(child)
    assert line_from(child).decode() == "open, open, open"
    cgroup.update(filtered(KMSG, LinuxDeviceCgroup(allow=False, type="c", major=1, minor=11, access="w")))
    let_go(child)
    assert line_from(child).decode() == f"open, {DENIED}, open"
    cgroup.update(LinuxResources())  # says nothing about devices
    let_go(child)
    assert line_from(child).decode() == f"open, {DENIED}, open"


def test_without_rules_nothing_is_filtered(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn(TRY_ALL)
    cgroup.join(child.pid)
    let_go(child)
    let_go(child)
    assert line_from(child).decode() == "open, open, open"


def test_no_open_fails_while_the_rules_are_changed(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=filtered())
    child = spawn(f"""{TRY}
import select
failures = 0
print("here", flush=True)
while not select.select([0], [], [], 0)[0]:
    failures += attempt("/dev/null", os.O_RDWR) != "open"
print(failures, flush=True)
""")
    cgroup.join(child.pid)
    let_go(child)
    line_from(child)
    for _ in range(50):
        cgroup.update(filtered(KMSG))
        cgroup.update(filtered())
    let_go(child)
    assert line_from(child) == b"0"


def test_a_node_of_any_device_can_be_made_and_not_opened(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=filtered())
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        child = spawn(f"""{TRY}
os.mknod("{directory}/kmsg", 0o20600, os.makedev(1, 11))
print(attempt("{directory}/kmsg", os.O_RDONLY), flush=True)
""")
        cgroup.join(child.pid)
        let_go(child)
        assert line_from(child).decode() == DENIED


def test_a_default_that_changes_under_running_processes(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(resources=filtered()), spawn(TRY_ALL)
    cgroup.join(child.pid)
    let_go(child)
    cgroup.update(LinuxResources(devices=(LinuxDeviceCgroup(allow=True),)))
    let_go(child)
    assert line_from(child).decode() == "open, open, open"
    cgroup.update(filtered())
    let_go(child)
    assert line_from(child).decode() == f"open, {DENIED}, {DENIED}"


def test_a_default_can_t_change_above_other_cgroups_on_v1(parent: str) -> None:
    cgroup = Cgroup.create(f"/{parent}/one", filtered(), below_limits=True)
    everything = LinuxResources(devices=(LinuxDeviceCgroup(allow=True),))
    if layout.detect().version == "v2":
        return cgroup.update(everything)
    with pytest.raises(Unsupported, match="while there are cgroups below"):
        cgroup.update(everything)
    return None


def test_where_there_is_no_devices_controller_a_list_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = layout.detect()
    if here.version == "v2":
        return  # a program needs none
    controllers = tuple(name for name in here.controllers if name != "devices")
    without = layout.Layout(here.version, controllers, here.hierarchies, here.unified, here.spare)
    monkeypatch.setattr(layout, "detect", lambda: without)
    with pytest.raises(Unsupported, match="the devices controller"):
        make(resources=filtered())


@pytest.fixture
def folder() -> Iterator[int]:
    """A descriptor of a v2 cgroup, which a hybrid machine has too."""
    unified = layout.detect().unified
    if unified is None or os.geteuid() != 0:
        pytest.skip("there is no cgroup v2 here, or we are not root")
    path = f"{unified}/boxdeck-test{os.getpid()}-devices"
    os.mkdir(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    yield descriptor
    os.close(descriptor)
    assert folders.remove([path])


def attached_names(folder: int) -> list[str]:
    programs = bpf.attached(folder, bpf.CGROUP_DEVICE)
    names = [bpf.name_of(program) for program in programs]
    bpf.close_all(programs)
    return names


def test_only_our_own_program_is_replaced_or_taken_away(folder: int) -> None:
    theirs = bpf.load(
        bpf.PROG_TYPE_CGROUP_DEVICE, bpf.encode(device_program.build(device_rules.DeviceFilter(True))), "theirs"
    )
    bpf.attach(folder, theirs, bpf.CGROUP_DEVICE)
    os.close(theirs)
    for rules in (DEFAULT_DEVICE_RULES, (*DEFAULT_DEVICE_RULES, KMSG)):
        wanted = device_rules.settle(rules)
        assert wanted is not None
        device_program.replace(folder, wanted)
        assert attached_names(folder) == ["theirs", device_program.NAME]
    device_program.replace(folder, device_rules.DeviceFilter(True))
    assert attached_names(folder) == ["theirs"]


def test_a_program_is_loaded_once_for_equal_rules_and_closed_on_exec() -> None:
    wanted = device_rules.settle(DEFAULT_DEVICE_RULES)
    assert wanted is not None
    program = device_program.load(wanted)
    assert device_program.load(wanted) == program
    assert not os.get_inheritable(program)
