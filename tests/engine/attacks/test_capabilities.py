"""Capabilities: none that wasn't asked for, none by inheritance, and none over the host from a user namespace."""

from __future__ import annotations

import os
import shlex

import pytest

from engine import Engine
from engine.compile import capabilities
from engine.linux.capabilities import mask
from engine.oci.runtime_spec import Hook, Hooks
from engine.options import Security
from tests.engine.attacks.inside import execute, opened, perl, run, start
from tests.engine.attacks.victim import Victim

pytestmark = pytest.mark.vm

SETS = 'print join " ", slurp("/proc/self/status") =~ /Cap(?:Inh|Prm|Eff|Bnd|Amb):\\t(\\w+)/g'
MOST = mask(capabilities.DEFAULT)


def sets(text: str) -> tuple[int, ...]:
    found = tuple(int(word, 16) for word in text.split())
    assert len(found) == 5, text
    return found


@pytest.mark.parametrize("user", ["0", "1000"])
@pytest.mark.parametrize("tty", [False, True])
async def test_nothing_is_inheritable_and_no_more_is_permitted_than_the_default(
    attacked: Engine, userns: str, user: str, tty: bool
) -> None:
    """CVE-2022-24769, -29162. With the inheritable set equal to the permitted one the first assertion fails."""
    container = await start(attacked, "sleep", "1000", userns=userns, user=user)
    for text in (
        await run(attacked, *perl(SETS), userns=userns, user=user, tty=tty),
        await execute(attacked, container, *perl(SETS), tty=tty),
        await execute(attacked, container, *perl(SETS), tty=tty, user="1000"),
    ):
        inheritable, permitted, effective, bounding, ambient = sets(text)
        assert (inheritable, ambient) == (0, 0)
        assert permitted == effective and permitted & ~MOST == 0 and bounding & ~MOST == 0
        assert user == "0" or (permitted, effective) == (0, 0)


async def test_a_file_s_inheritable_capabilities_give_a_user_nothing(attacked: Engine, userns: str) -> None:
    """With an inheritable set the user is permitted CAP_NET_RAW by this file, which says "inheritable"."""
    value = "pack('V5', 0x02000001, 0, 1 << 13, 0, 0)"
    make = f"""system("cp", "/usr/bin/perl", "/p"); my $v = {value};
        attempt("attribute", 0) if call("setxattr", "/p", "security.capability", $v, length $v, 0) == -1; sleep 1000"""
    container = await start(attacked, *perl(make), userns=userns)
    await execute(attacked, container, "sh", "-c", "until [ -x /p ]; do :; done; sleep 0.2")
    text = await execute(attacked, container, "/p", *perl(SETS)[1:], user="1000")
    assert sets(text)[1] == 0


async def test_boxdeck_oci_exec_gives_nothing_that_the_container_hasn_t(victim: Victim) -> None:
    """CVE-2022-29162: as above, by runc's command line, where ``--cap`` adds to all sets but the inheritable."""
    victim.start("sleep", "1000")
    for flags in ((), ("--tty=false",), ("--cap", "CAP_NET_ADMIN"), ("--user", "1000")):
        inheritable, permitted, _, _, ambient = sets(victim.ok("exec", *flags, "one", *perl(SETS)))
        allowed = MOST | (mask(("CAP_NET_ADMIN",)) if "--cap" in flags else 0)
        assert inheritable == 0 and permitted & ~allowed == 0
        assert ambient == 0 or "--cap" in flags


# Root of a user namespace

ESCAPES = """
    my %before = map { $_ => slurp("/proc/self/$_") } qw(uid_map gid_map);
    for my $m ("0 0 1", "0 0 4294967295", "1000000 0 1") {
        attempt("own map $m", spit("/proc/self/uid_map", $m)); attempt("first map $m", spit("/proc/1/uid_map", $m)) }
    attempt("host's root by setuid", call("setresuid", 2000000000, 2000000000, 2000000000) != -1);
    attempt("file of the host's root", chown(2000000000, 2000000000, "/etc/passwd"));
    if (!(my $pid = fork)) { call("unshare", 0x10000000) != -1 or exit;
        attempt("nested map of everything", spit("/proc/self/uid_map", "0 0 4294967295"));
        attempt("mount of the host's disk", call("mount", "/dev/vda", "/mnt", "ext4", 0, 0) != -1);
        attempt("the clock", call("settimeofday", pack("qq", 1, 1), 0) != -1); exit } wait;
    print "all: tried\\n";
"""


async def test_root_of_a_container_is_nobody_outside(attacked: Engine) -> None:
    """With ``--userns host`` its files and processes are root's."""
    container = await start(attacked, "sh", "-c", "touch /mine; exec sleep 1000")
    found = await attacked.containers.get(container)
    await execute(attacked, container, "sh", "-c", "until [ -e /mine ]; do :; done")
    assert os.stat(f"/proc/{found.pid}").st_uid != 0
    assert (attacked.paths.upper(container) / "mine").stat().st_uid >= 100_000
    assert opened(await execute(attacked, container, *perl(ESCAPES))) == []


async def test_two_containers_are_nobody_to_each_other(attacked: Engine) -> None:
    """With one range for all containers the owners are the same."""
    owners = set()
    for _ in range(2):
        container = await start(attacked, "sh", "-c", "touch /mine; exec sleep 1000")
        await execute(attacked, container, "sh", "-c", "until [ -e /mine ]; do :; done")
        owners.add((attacked.paths.upper(container) / "mine").stat().st_uid)
    assert len(owners) == 2


async def test_all_capabilities_in_a_user_namespace_are_none_over_the_host(attacked: Engine) -> None:
    """With ``userns=host`` the same request writes core_pattern and mounts what it likes."""
    security = Security(cap_add=("ALL",), seccomp="unconfined", unmasked=True)
    script = (
        ESCAPES
        + """
        for my $p ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/modprobe",
            "/sys/kernel/uevent_helper", "/proc/kcore", "/proc/1/../sys/vm/drop_caches") {
            attempt($p, sysopen(my $f, $p, $p =~ /kcore/ ? 0 : 1)) if -e $p }
        call("mount", "sysfs", "/mnt", "sysfs", 0, 0); attempt("fresh sysfs", sysopen(my $g, "/mnt/power/state", 1));
        attempt("finit_module", call("finit_module", 0, "", 0) != -1);
        attempt("a node", call("mknod", "/disk", 060600, 0xfe00) != -1);
        attempt("kexec_load", call("kexec_load", 0, 0, 0, 0) != -1); attempt("raw ports", call("iopl", 3) != -1);
        attempt("a key of the host's", call("keyctl", 11, 1, 0, 0) != -1);
        attempt("syslog", call("syslog", 3, "x" x 99, 99) != -1);
    """
    )
    assert opened(await run(attacked, *perl(script), security=security)) == []


@pytest.mark.parametrize("others", [False, True])
def test_a_hook_of_the_container_s_own_gets_no_more_than_the_container(victim: Victim, others: bool) -> None:
    """startContainer hooks are looked up in the container: the image chooses what is executed.

    With the bounding set limited only after them, as it was when there were createContainer hooks as well, such a
    program is permitted everything.
    """
    out = victim.rootfs / "hook"
    script = f"open(STDOUT, '>', '/out'); {SETS}"
    out.write_text("#!/bin/sh\n" + " ".join(map(shlex.quote, perl(script))) + "\n")
    out.chmod(0o755)
    hook, harmless = Hook(path="/hook"), Hook(path="/bin/true")
    victim.hooks = Hooks(start_container=(hook,), create_container=(harmless,) if others else ())
    assert victim.run("echo", "done") == "done\n"
    inheritable, permitted, _, bounding, _ = sets((victim.rootfs / "out").read_text())
    assert inheritable == 0 and permitted & ~MOST == 0 and bounding & ~MOST == 0
