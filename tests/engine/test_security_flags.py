"""What a container may do, by every option of ``boxdeck run``, seen from inside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from tests.engine.flags import inside, request
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

CAPABILITIES = "grep -E 'CapInh|CapEff|CapBnd' /proc/self/status"


def masks(lines: list[str]) -> dict[str, int]:
    return {name: int(mask, 16) for name, mask in (line.split(":\t") for line in lines)}


# Capabilities


async def test_by_default_root_has_twelve_capabilities_and_none_is_inheritable(engine: Engine) -> None:
    found = masks(await inside(engine, script=CAPABILITIES))
    assert found["CapInh"] == 0
    assert found["CapEff"] == found["CapBnd"] and found["CapEff"].bit_count() == 12


async def test_capabilities_are_added_and_dropped(engine: Engine) -> None:
    only = masks(await inside(engine, "--cap-drop", "ALL", "--cap-add", "net_admin", script=CAPABILITIES))
    assert only["CapEff"] == only["CapBnd"] == 1 << 12
    without = masks(await inside(engine, "--cap-drop", "CAP_CHOWN", script=CAPABILITIES))
    assert without["CapEff"].bit_count() == 11 and not without["CapEff"] & 1


async def test_another_user_has_none_but_may_get_some(engine: Engine) -> None:
    found = masks(await inside(engine, "-u", "1000", script=CAPABILITIES))
    assert found["CapEff"] == 0 and found["CapBnd"].bit_count() == 12


# Files


async def test_a_read_only_root_has_places_to_write(engine: Engine) -> None:
    script = "touch /x 2>/dev/null || echo refused; touch /run/x /dev/shm/x /dev/x && echo written"
    assert await inside(engine, "--read-only", "--tmpfs", "/run", script=script) == ["refused", "written"]


async def test_a_folder_in_memory_has_the_options_that_are_asked_for(engine: Engine) -> None:
    (line,) = await inside(engine, "--tmpfs", "/cache:size=1m,mode=700,exec", script="grep ' /cache ' /proc/mounts")
    options = set(line.split()[3].split(","))
    assert {"nosuid", "nodev", "size=1024k", "mode=700"} <= options and "noexec" not in options


async def test_what_is_hidden_is_shown_when_asked_for(engine: Engine) -> None:
    script = "[ -c /proc/keys ] && echo hidden; grep -q ' /proc/sys proc ro' /proc/mounts && echo read-only; :"
    assert await inside(engine, script=script) == ["hidden", "read-only"]
    assert await inside(engine, "--security-opt", "systempaths=unconfined", script=script) == []


# Devices


async def test_a_device_can_be_used_where_it_is_given(engine: Engine) -> None:
    script = "stat -c %t:%T /dev/brim; echo x 2>/dev/null > /dev/brim || echo full"
    assert await inside(engine, "--device", "/dev/full:/dev/brim:rw", script=script) == ["1:7", "full"]


@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="this kernel has no tun")
async def test_a_folder_of_devices_belongs_to_the_containers_root(engine: Engine) -> None:
    script = "stat -c %u:%t:%T /dev/net /dev/net/tun; (: < /dev/net/tun) && echo opened"
    assert await inside(engine, "--device", "/dev/net", script=script) == ["0:0:0", "0:a:c8", "opened"]


async def test_rules_of_the_device_cgroup_are_added(engine: Engine) -> None:
    device = next(path for path in ("/dev/fuse", "/dev/loop-control", "/dev/hwrng") if os.path.exists(path))
    number = os.stat(device).st_rdev
    script = f"mknod /dev/mine c {os.major(number)} {os.minor(number)}; (: < /dev/mine) 2>/dev/null && echo opened || :"
    options = ("--userns", "host", "--cap-add", "MKNOD")
    assert await inside(engine, *options, script=script) == []
    rule = f"c {os.major(number)}:{os.minor(number)} r"
    assert await inside(engine, *options, "--device-cgroup-rule", rule, script=script) == ["opened"]


# Privileges


async def test_no_new_privileges(engine: Engine) -> None:
    script = "grep NoNewPrivs /proc/self/status"
    assert await inside(engine, script=script) == ["NoNewPrivs:\t0"]
    assert await inside(engine, "--security-opt", "no-new-privileges", script=script) == ["NoNewPrivs:\t1"]


async def test_a_privileged_container_sees_all_devices_and_may_write_to_sysfs(engine: Engine) -> None:
    script = "ls /dev | wc -l; grep '^sysfs' /proc/mounts; [ -c /proc/keys ] || echo keys"
    count, sysfs, keys = await inside(engine, "--privileged", script=script)
    assert int(count) > 25 and " rw," in sysfs and keys == "keys"


async def test_only_a_privileged_container_opens_devices_that_it_makes_in_its_files(engine: Engine) -> None:
    script = "mknod /mine c 1 5; (head -c 1 /mine | wc -c) 2>/dev/null"
    assert await inside(engine, "--privileged", script=script) == ["1"]
    assert await inside(engine, "--userns", "host", "--cap-add", "MKNOD", script=script) == ["0"]


async def test_privileged_in_a_user_namespace_of_its_own_is_root_over_nothing_else(engine: Engine) -> None:
    lines = await inside(engine, "--privileged", "--userns", "auto", script=f"{CAPABILITIES}; cat /proc/self/uid_map")
    assert masks(lines[:3])["CapEff"].bit_count() > 30 and int(lines[3].split()[1]) > 65_536


# System calls


async def test_a_profile_of_ones_own_forbids_calls(engine: Engine, tmp_path: Path) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            {"names": ["chdir"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        ],
    }
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile))
    script = "mkdir /tmp/x 2>&1 | grep -o 'not permitted'; cd /tmp && pwd; grep Seccomp: /proc/self/status"
    assert await inside(engine, "--security-opt", f"seccomp={file}", script=script) == [
        "not permitted", "/tmp", "Seccomp:\t2",
    ]  # fmt: skip


# Limits


async def test_limits_of_processes(engine: Engine) -> None:
    options = ("--ulimit", "nofile=100:200", "--ulimit", "core=0", "--oom-score-adj", "500", "--umask", "027")
    script = "ulimit -n; ulimit -Hn; ulimit -c; umask; cat /proc/self/oom_score_adj"
    assert await inside(engine, *options, script=script) == ["100", "200", "0", "0027", "500"]


async def test_kernel_parameters_and_shared_memory(engine: Engine) -> None:
    options = ("--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4096", "--shm-size", "1m")
    script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1"
    forward, message, shm = await inside(engine, *options, script=script)
    assert (forward, message, shm.split()[1]) == ("1", "4096", "1024")


async def test_further_groups_by_name_and_number(engine: Engine) -> None:
    assert await inside(engine, "--group-add", "tty", "--group-add", "1234", script="id -G") == ["0 5 1234"]


async def test_with_init_a_terminal_works_and_the_users_rights_are_its_own(engine: Engine) -> None:
    lines = await inside(
        engine, "--init", "-u", "1000", script="id -u; grep -E 'CapEff' /proc/1/status; stat -c %u /proc/1"
    )
    assert lines[0] == "1000" and lines[1].split()[1] == "0" * 16


# Refusals


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--cap-add", "FLY"), "'FLY' is not a capability: see capabilities(7) for their names, or say ALL"),
        (("--security-opt", "magic"), "'magic' is not a security option"),
        (
            ("--security-opt", "seccomp=/no/such"),
            "the seccomp profile /no/such can't be read (no such file or directory)",
        ),
        (("--device", "/dev/nothing"), "the device /dev/nothing can't be had (no such file or directory)"),
        (("--device", "/etc/passwd"), "/etc/passwd is not a device: show files and folders with --volume"),
        (("--device-cgroup-rule", "all"), "'all' is not a rule for devices"),
        (("--ulimit", "nofile=lots"), "'nofile=lots' is not a limit"),
        (("--ulimit", "files=1"), "there is no limit 'files'"),
        (("--sysctl", "kernel.panic=1"), "kernel.panic is the whole machine's"),
        (("--sysctl", "net.x=1", "--network", "host"), "net.x is of a network that isn't the container's own"),
        (("--tmpfs", "tmp"), "the destination 'tmp' is not an absolute path"),
        (("-v", "data:/data:noexec"), "'noexec' in 'data:/data:noexec' is not an option of a volume"),
        (("-v", "/no/such:/data"), "there is no /no/such on this machine to be mounted: make it first"),
        (("-v", "/tmp:/"), "nothing can be mounted on / of a container"),
        (("--mount", "type=cluster,target=/x"), "mounts of type cluster are not possible"),
        (("--userns", "some"), "'some' is not a user namespace: choose auto, host, keep-id, or a mapping"),
        (("--userns", "0:1000:10", "-u", "10"), "the container's user namespace has no id 10"),
        (("--pid", "mine"), "--pid mine is not possible: choose one of private, host, container:NAME"),
        (("--network", "container:nobody"), "there is no container 'nobody'"),
        (("--hostname", "x", "--uts", "host"), "the container has the host name of what it joins"),
        (("--stop-signal", "SIGNOTHING"), "'SIGNOTHING' is not a signal"),
        (("--oom-score-adj", "2000"), "2000 is not an adjustment of the OOM score"),
        (("--group-add", "nobodys"), "the image has no group named 'nobodys'"),
        (("--umask", "8"), "argument --umask: '8' is not a umask such as 0022"),
    ],
)
async def test_what_can_t_be_is_refused_with_a_sentence_and_leaves_nothing(
    engine: Engine, options: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(BoxdeckError) as refusal:
        await engine.containers.create(request(*options, "base", "true"))
    assert sentence in str(refusal.value)
    assert await traces(engine) == []
