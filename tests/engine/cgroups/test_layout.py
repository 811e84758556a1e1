"""What control groups a machine has, from real mountinfo texts."""

from __future__ import annotations

import pytest

from engine.cgroups import layout
from engine.cgroups.layout import Hierarchy, Layout
from engine.errors import Unsupported

PROC_CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpuset	3	1	1
cpu	1	1	1
cpuacct	2	1	1
blkio	7	1	1
memory	4	15	1
devices	5	1	1
freezer	6	1	1
net_cls	0	1	1
perf_event	0	1	1
net_prio	0	1	1
hugetlb	0	1	1
pids	8	1	1
"""
# What /proc/cgroups shows where the kernel was started with cgroup_no_v1=all, or memory switched off.
PROC_CGROUPS_WITHOUT_MEMORY = PROC_CGROUPS.replace("memory\t4\t15\t1", "memory\t0\t1\t0")

SYSTEMD_V1 = """\
22 27 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
25 22 0:22 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:10 - cgroup cgroup rw,xattr,name=systemd
29 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:14 - cgroup cgroup rw,cpu,cpuacct
30 25 0:27 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec shared:15 - cgroup cgroup rw,net_cls,net_prio
31 25 0:28 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,memory
32 25 0:29 / /sys/fs/cgroup/cpuset rw,nosuid,nodev,noexec,relatime shared:17 - cgroup cgroup rw,cpuset
33 25 0:30 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:18 - cgroup cgroup rw,pids
34 25 0:31 / /sys/fs/cgroup/freezer rw,nosuid,nodev,noexec,relatime shared:19 - cgroup cgroup rw,freezer
"""
SYSTEMD_HYBRID = SYSTEMD_V1 + (
    "35 25 0:32 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:11 - cgroup2 cgroup2 rw,nsdelegate\n"
)
V2 = """\
23 28 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
"""
ONE_EACH = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2_CONTROLLERS = "cpuset cpu io memory hugetlb pids rdma misc"
ROOT = "/sys/fs/cgroup"


def composed(mountinfo: str, proc_cgroups: str = PROC_CGROUPS, unified: str = "") -> Layout:
    return layout.compose(layout.parse_mountinfo(mountinfo), proc_cgroups, unified)


def test_systemds_v1_has_controllers_mounted_together() -> None:
    found = composed(SYSTEMD_V1)
    assert found.version == "v1"
    assert found.hierarchies == (
        Hierarchy(f"{ROOT}/cpu,cpuacct", ("cpu", "cpuacct")),
        Hierarchy(f"{ROOT}/memory", ("memory",)),
        Hierarchy(f"{ROOT}/pids", ("pids",)),
        Hierarchy(f"{ROOT}/freezer", ("freezer",)),
    )
    assert found.controllers == ("cpu", "cpuacct", "cpuset", "freezer", "memory", "net_cls", "net_prio", "pids")
    assert found.unified is None


def test_hierarchies_that_few_containers_need_are_spare() -> None:
    assert composed(SYSTEMD_V1).spare == (
        Hierarchy(f"{ROOT}/systemd", ("name=systemd",)),
        Hierarchy(f"{ROOT}/net_cls,net_prio", ("net_cls", "net_prio")),
        Hierarchy(f"{ROOT}/cpuset", ("cpuset",)),
    )


def test_a_hierarchy_can_be_mounted_once_more_by_its_options() -> None:
    hierarchy = composed(SYSTEMD_V1).hierarchies[0]
    assert (hierarchy.name, hierarchy.options) == ("cpu,cpuacct", ("cpu", "cpuacct"))


@pytest.mark.parametrize("mountinfo", [SYSTEMD_HYBRID, ONE_EACH])
def test_v1_beside_an_empty_v2_is_hybrid_and_used_as_v1(mountinfo: str) -> None:
    found = composed(mountinfo)
    assert found.version == "hybrid"
    assert found.unified == f"{ROOT}/unified"
    assert "cpu" in found.controllers
    assert all("systemd" not in hierarchy.point for hierarchy in found.hierarchies)


def test_v2_has_one_hierarchy_and_its_own_list_of_controllers() -> None:
    found = composed(V2, unified=V2_CONTROLLERS)
    assert found == Layout("v2", tuple(sorted(V2_CONTROLLERS.split())), (), ROOT)


def test_v2_beside_a_named_v1_hierarchy_only_is_v2() -> None:
    named = "26 25 0:23 / /run/cgroup/systemd rw shared:10 - cgroup cgroup rw,xattr,name=systemd\n"
    assert composed(V2 + named, unified=V2_CONTROLLERS).version == "v2"


def test_a_second_mount_of_the_same_hierarchy_counts_once() -> None:
    again = SYSTEMD_V1 + "90 25 0:28 / /mnt/memory rw shared:16 - cgroup cgroup rw,memory\n"
    points = [hierarchy.point for hierarchy in composed(again).hierarchies if "memory" in hierarchy.controllers]
    assert points == [f"{ROOT}/memory"]


def test_a_controller_that_is_switched_off_is_not_available() -> None:
    found = composed(SYSTEMD_V1, PROC_CGROUPS_WITHOUT_MEMORY)
    assert "memory" not in found.controllers


def test_mount_points_with_blanks_are_unescaped() -> None:
    line = "30 23 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw"
    assert layout.parse_mountinfo(line)[0].point == "/mnt/my groups"


def test_other_file_systems_named_like_ours_are_ignored() -> None:
    assert (
        layout.parse_mountinfo("30 23 0:26 / /x rw - cgroupfs-mount none rw\n31 23 0:27 / /y rw - tmpfs t rw\n") == ()
    )


def test_without_control_groups_one_sentence_says_how_to_mount_them() -> None:
    with pytest.raises(Unsupported, match="no control groups are mounted: mount them"):
        composed("22 27 0:21 / /proc rw - proc proc rw\n")


def test_a_missing_controller_is_named_with_the_remedy() -> None:
    with pytest.raises(Unsupported, match="the memory controller, which a limit needs, is not available here"):
        layout.require(Layout("v2", ("cpu", "pids"), (), ROOT), ("cpu", "memory"))


@pytest.mark.vm
def test_this_machine_has_the_controllers_that_limits_need() -> None:
    found = layout.detect()
    assert {"cpu", "memory", "pids"} <= set(found.controllers)
    assert (found.hierarchies == ()) == (found.version == "v2")
