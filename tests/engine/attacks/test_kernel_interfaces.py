"""What the kernel offers to root: switches, system calls, keys, modules, devices. None is for a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.linux import keyring, libc
from engine.options import Security
from tests.command_line import PROGRAM
from tests.engine.attacks import inside
from tests.engine.attacks.inside import execute, opened, perl, run, start

pytestmark = pytest.mark.vm

WALK = """
    sub walk { my ($d, $do) = @_; opendir(my $h, $d) or return;
        for my $n (sort readdir $h) { next if $n =~ /^\\.\\.?$/; my $p = "$d/$n";
            next if $p =~ m{^/proc/([0-9]+|self|thread-self|pressure)$} or -l $p;
            if (-d $p) { walk($p, $do) } else { $do->($p) } } }
"""

SWITCHES = (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sysrq-trigger",
    "/proc/sys/kernel/sysrq", "/proc/sys/vm/panic_on_oom", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max",
    "/proc/sys/kernel/ns_last_pid", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper", "/sys/power/state",
    "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/vmcoreinfo", "/sys/fs/cgroup/memory/release_agent",
    "/sys/fs/cgroup/cgroup.procs", "/proc/acpi/wakeup", "/proc/scsi/scsi",
)  # fmt: skip


async def test_no_switch_of_the_kernel_can_be_turned(attacked: Engine, userns: str) -> None:
    """Without the read-only paths /proc/sys/kernel/core_pattern and /proc/sysrq-trigger are open (userns host)."""
    script = "for my $p (@ARGV) { attempt($p, -e $p && sysopen(my $f, $p, 1)) }"
    assert opened(await run(attacked, *perl(script), *SWITCHES, userns=userns)) == []


async def test_nothing_in_proc_and_sys_that_isn_t_a_process_s_own_can_be_opened_for_writing(
    attacked: Engine, userns: str
) -> None:
    """Without ``ro`` on /sys hundreds of its files are open (userns host).

    /proc/pressure is left out: there everybody may ask to be woken, with windows that cost nobody anything.
    """
    script = (
        WALK
        + """
        my $n = 0; for my $d ("/proc", "/sys") { walk($d, sub { my ($p) = @_; $n++;
            attempt($p, 1) if -f $p and (stat _)[2] & 0222 and sysopen(my $f, $p, 1 | 04000) }) }
        print "$n files: tried\\n" """
    )
    assert opened(await run(attacked, *perl(script), userns=userns)) == []


SECRETS = (
    "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kmsg", "/proc/sched_debug", "/proc/latency_stats",
    "/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/interrupts", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip


async def test_what_tells_of_the_host_is_empty(attacked: Engine, userns: str) -> None:
    """Without the masked paths /proc/keys, /proc/timer_list and /sys/firmware have content (userns host)."""
    script = """for my $p (@ARGV) { next unless -e $p; my $found = 0;
        if (-d $p) { opendir(my $h, $p); $found = grep { !/^\\.\\.?$/ } readdir $h }
        elsif (sysopen(my $f, $p, 04000)) { $found = sysread($f, my $b, 1) }
        attempt($p, $found) } print "all: tried\\n" """
    assert opened(await run(attacked, *perl(script), *SECRETS, userns=userns)) == []


CALLS = """
    try("init_module", "x", 1, ""); try("finit_module", 0, "", 0); try("delete_module", "none", 0);
    try("kexec_load", 0, 0, 0, 0); try("reboot", 0, 0, 0, 0); try("settimeofday", 0, 0); try("acct", 0);
    try("swapon", "/none", 0); try("syslog", 3, " " x 100, 100); try("mount", "none", "/mnt", "tmpfs", 0, 0);
    try("umount2", "/proc/keys", 2); try("bpf", 0, " " x 128, 128); try("setns", 0, 0);
    try("perf_event_open", " " x 128, 0, -1, -1, 0); try("userfaultfd", 0); try("open_tree", -100, "/", 1);
    try("fsopen", "tmpfs", 0); try("io_uring_setup", 1, "\\0" x 120); try("unshare", 0x10000000);
    try("unshare", 0x00020000); try("pivot_root", "/mnt", "/mnt");
"""


async def test_no_system_call_of_an_administrator_works(attacked: Engine, userns: str) -> None:
    """With ``seccomp=unconfined`` unshare and io_uring_setup are open; with all capabilities most others, too."""
    assert opened(await run(attacked, *perl(CALLS), userns=userns)) == []
    container = await start(attacked, "sleep", "1000", userns=userns)
    assert opened(await execute(attacked, container, *perl(CALLS))) == []


# Handles of files (the "shocker")

SHOCKER = """
    open(my $f, "<", "/etc/resolv.conf") or die; opendir(my $r, "/") or die;
    for my $mount (fileno($f), fileno(\\*STDIN)) { for my $ino (2, 128, 64) {
        my $h = pack("IiII", 8, 1, $ino, 0);
        attempt("$mount/$ino", call("open_by_handle_at", $mount, $h, 0) != -1);
    } }
    if (defined(my $pid = fork)) { exit if !$pid and call("unshare", 0x10000000) == -1;
        if (!$pid) { for my $ino (2, 128) { my $h = pack("IiII", 8, 1, $ino, 0);
            attempt("unshared $ino", call("open_by_handle_at", fileno($f), $h, 0) != -1); } exit }
        waitpid($pid, 0) }
"""


async def test_no_file_of_the_host_can_be_opened_by_its_handle(attacked: Engine, userns: str) -> None:
    """/etc/resolv.conf lies on the host's file system, whose root is inode 2.

    With CAP_DAC_READ_SEARCH, no filter and ``userns=host`` the handle of inode 2 is opened.
    """
    assert opened(await run(attacked, *perl(SHOCKER), userns=userns)) == []


# Keys

KEYCTL_UNLINK = 9
KEYRINGS = {"session": -3, "user": -4}


@pytest.fixture(params=KEYRINGS)
def key(request: pytest.FixtureRequest) -> Iterator[int]:
    """A secret in a keyring of root's on the host."""
    if request.param == "session":
        keyring.join_new_session()
    where = KEYRINGS[request.param]
    number = libc.call("syscall", *_add_key(b"user", b"boxdeck-test", b"secret", where))
    yield number
    libc.syscall("keyctl", KEYCTL_UNLINK, number, where)


def _add_key(kind: bytes, name: bytes, value: bytes, where: int) -> tuple[object, ...]:
    return inside.number("add_key"), kind, name, value, len(value), where


async def test_keys_of_the_host_s_root_can_t_be_read(attacked: Engine, userns: str, key: int) -> None:
    """With ``seccomp=unconfined`` and ``userns=host`` the user's key is found; with the caller's session keyring kept
    (no join_new_session) the session's is, too."""
    script = """my $k = shift; my $b = " " x 64;
        try("keyctl", 11, $k + 0, $b, 64);
        for my $ring (-3, -4, -5) {
            attempt("search $ring", call("keyctl", 10, $ring, "user", "boxdeck-test", 0) != -1) }
        attempt("request", call("request_key", "user", "boxdeck-test", 0, 0) != -1);
        attempt("link", call("keyctl", 8, -4, -3) != -1 && call("keyctl", 11, $k + 0, $b, 64) != -1) """
    assert opened(await run(attacked, *perl(script), str(key), userns=userns)) == []


@pytest.mark.parametrize("key", ["session"], indirect=True)
async def test_an_exec_has_no_keys_of_who_started_the_container(attacked: Engine, key: int) -> None:
    """With the shim's session keyring, which is that of who started the container, the session's key is open."""
    container = await start(attacked, "sleep", "1000", userns="host", security=Security(seccomp="unconfined"))
    script = """my $k = shift; my $b = " " x 64; try("keyctl", 11, $k + 0, $b, 64);
        attempt("searched", call("keyctl", 10, -3, "user", "boxdeck-test", 0) != -1) """
    assert opened(await execute(attacked, container, *perl(script), str(key))) == []


@pytest.mark.parametrize("key", ["session"], indirect=True)
async def test_a_visitor_leaves_its_keys_at_home(attacked: Engine, key: int) -> None:
    """With the session keyring of who says ``ns enter``, the container's own program has the session's key."""
    container = await start(attacked, "sleep", "1000", userns="host", security=Security(seccomp="unconfined"))
    folders = ("--root", str(attacked.paths.root), "--runroot", str(attacked.paths.runroot))
    script = """my $k = shift; my $b = " " x 64; try("keyctl", 11, $k + 0, $b, 64) """
    command = [PROGRAM, *folders, "ns", "enter", container, "--", *perl(script), str(key)]
    # In this thread: session keyrings are a thread's.
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert opened(done.stdout) == []


# Devices

NODES = """
    for my $p ("/dev/evil", "/tmp/evil", "/dev/shm/evil") { for my $d (@ARGV) {
        my ($kind, $major, $minor) = split /:/, $d; unlink $p;
        system("mknod", $p, $kind, $major, $minor) and next;
        attempt("$p $d", sysopen(my $f, $p, 0)); attempt("$p $d for writing", sysopen(my $g, $p, 1));
        attempt("$p $d mounted", call("mount", $p, "/mnt", "ext4", 1, 0) != -1) if $kind eq "b" } }
    print "all: tried\\n";
"""


def _devices() -> list[str]:
    """The disk that / is on, if it is one, memory, ports and loop devices."""
    disk = os.stat("/").st_dev
    found = ["c:1:1", "c:1:4", "c:10:237", "b:7:0", "b:254:0", "b:8:0"]
    return [f"b:{os.major(disk)}:{os.minor(disk)}", *found] if os.major(disk) else found


async def test_a_node_of_a_host_s_device_can_t_be_made(attacked: Engine, userns: str) -> None:
    """With CAP_MKNOD and without device rules the nodes in /dev are open (userns host)."""
    script = 'exec 2>/dev/null; exec "$@"'
    assert opened(await run(attacked, "sh", "-c", script, "sh", *perl(NODES), *_devices(), userns=userns)) == []


async def test_who_may_make_nodes_can_t_open_them(attacked: Engine, userns: str) -> None:
    """Without device rules the nodes in /dev are open, and mounted (userns host)."""
    security = Security(cap_add=("MKNOD", "SYS_ADMIN", "SYS_RAWIO"))
    options = {"userns": userns, "security": security}
    script = 'exec 2>/dev/null; exec "$@"'
    assert opened(await run(attacked, "sh", "-c", script, "sh", *perl(NODES), *_devices(), **options)) == []


# The release agent of cgroup v1 (CVE-2022-0492)

AGENT = """
    exec 2>/dev/null; mkdir -p /tmp/c
    for how in memory devices pids rdma misc name=systemd all; do
        mount -t cgroup -o $how none /tmp/c || continue
        echo "$how mounted: done"
        [ -e /tmp/c/release_agent ] && echo /evil > /tmp/c/release_agent && echo "$how: open"
        mkdir /tmp/c/x && echo 1 > /tmp/c/x/notify_on_release && echo "notify: done"
        mount -o remount,release_agent=/evil /tmp/c && echo "$how remounted: open"
        umount /tmp/c
    done
    mount -o remount,rw /sys/fs/cgroup && echo "remount: done"
    for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; do
        [ -e $f ] && echo /evil > $f && echo "$f: open"
    done
    echo "all: tried"
"""


def _agents() -> list[str]:
    return [path.read_text() for path in sorted(Path("/sys/fs/cgroup").glob("*/release_agent"))]


@pytest.mark.parametrize("how", ["plain", "unshared", "with CAP_SYS_ADMIN"])
async def test_no_release_agent_can_be_set(attacked: Engine, userns: str, how: str) -> None:
    """With ``cgroupns=host``, CAP_SYS_ADMIN and userns host, the agent of every hierarchy is open.

    Kernels before 5.17 needed the filter of system calls as well, against ``unshare``.
    """
    before = _agents()
    command = ("unshare", "-UrmC", "sh", "-c", AGENT) if how == "unshared" else ("sh", "-c", AGENT)
    security = Security(cap_add=("SYS_ADMIN",)) if how == "with CAP_SYS_ADMIN" else Security()
    text = await run(attacked, *command, userns=userns, security=security)
    assert "unshare" in text or opened(text) == []
    assert _agents() == before
