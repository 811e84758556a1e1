"""What is shared with the host or other containers on request gives that, and nothing beyond it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.options import BindMount, Security
from tests.engine.attacks.inside import execute, first_line, opened, perl, request, run, start
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

PATIENCE_SECONDS = 30.0


@pytest.fixture
def bystander() -> Iterator[int]:
    """A process of the host's root."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], stdin=subprocess.DEVNULL)
    yield process.pid
    process.kill()
    process.wait()


PRY = r"""
    for my $p (@ARGV, 1) {
        my $f; my $b = " " x 8;
        for my $e (qw(mem environ maps auxv syscall stack pagemap)) {
            attempt("$p $e", sysopen($f, "/proc/$p/$e", 0) && ($e =~ /mem|pagemap/ || sysread($f, $b, 1))) }
        attempt("$p $_", defined readlink("/proc/$p/$_")) for qw(exe cwd root fd/0 ns/mnt);
        attempt("$p root", sysopen($f, "/proc/$p/root/etc/shadow", 0));
        attempt("$p cwd", opendir(my $d, "/proc/$p/cwd/"));
        attempt("$p seized", call("ptrace", 0x4206, $p + 0, 0, 0) != -1);
        my $fd = call("pidfd_open", $p + 0, 0); attempt("$p stolen", call("pidfd_getfd", $fd, 0, 0) != -1);
        attempt("$p entered", call("setns", $fd, $_) != -1) for 0x20000, 0x40000000, 0x10000000, 0x4000000;
        attempt("$p oom", spit("/proc/$p/oom_score_adj", 1000)) if $p != 1;
    }
"""


async def test_the_host_s_processes_can_be_seen_but_not_pried_into(
    attacked: Engine, userns: str, bystander: int
) -> None:
    """Tried with CAP_SYS_PTRACE among the defaults: with ``userns=host`` memory, files and descriptors are open.

    With CAP_SYS_ADMIN and CAP_SYS_CHROOT besides, the namespaces are entered, too. In a user namespace nothing opens:
    there the kernel asks for the capability over the host's. ``--pid host`` is what was asked for.
    """
    text = await run(attacked, *perl(PRY), str(bystander), str(os.getpid()), pid="host", userns=userns)
    found = opened(text)
    if userns == "host":  # root is root: what costs no capability is what the host's root may
        found = [name for name in found if not name.endswith(" oom")]
    assert found == []


async def test_in_a_user_namespace_the_host_s_processes_can_t_be_signalled(attacked: Engine, bystander: int) -> None:
    """Tried with ``userns=host``: the bystander is killed. The kernel asks for CAP_KILL over its user namespace."""
    script = 'attempt("killed", kill("KILL", shift)); attempt("asked", kill(0, 1))'
    assert opened(await run(attacked, *perl(script), str(bystander), pid="host", userns="auto")) == []
    assert os.path.exists(f"/proc/{bystander}")


async def test_all_capabilities_over_processes_of_the_host_are_none_in_a_user_namespace(
    attacked: Engine, bystander: int
) -> None:
    """Tried with ``userns=host``: all is open, stacks, namespaces and oom_score_adj included.

    In a user namespace the kernel refuses it all by itself.
    """
    security = Security(cap_add=("ALL",), seccomp="unconfined")
    text = await run(attacked, *perl(PRY), str(bystander), pid="host", userns="auto", security=security)
    assert opened(text) == []


async def test_our_own_processes_can_t_be_pried_into_with_the_host_s_pids(attacked: Engine, userns: str) -> None:
    """Tried with CAP_SYS_PTRACE among the defaults: memory, files and descriptors of both are open (userns host).

    That they aren't dumpable is a second line: without it alone nothing opens, since they have more capabilities.
    """
    other = await start(attacked, "sleep", "1000")
    assert attacked.launcher.pid is not None
    pids = [str(attacked.launcher.pid), *_pids_named("boxdeck-shim")]
    assert len(pids) > 1
    found = opened(await run(attacked, *perl(PRY), *pids, pid="host", userns=userns))
    assert [name for name in found if not name.endswith(" oom")] == []
    assert (await attacked.containers.get(other)).is_running


def _pids_named(name: str) -> list[str]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                found.append(pid)
        except OSError:
            continue
    return found


STOP_OTHERS = """my $said; fork or sleep 1000; while (1) { opendir(my $h, "/proc");
    for (grep /^[0-9]+$/, readdir $h) { kill("STOP", $_) if $_ - $$ } $said++ or print "ready\\n" }"""


async def test_who_shares_a_container_s_processes_can_t_stop_its_removal(attacked: Engine) -> None:
    """Tried without killing who is left in the cgroup: the guest's child and cgroup stay. With SIGTERM instead of
    SIGKILL the removal hangs."""
    host = await start(attacked, "sleep", "1000")
    guest = await start(attacked, *perl(STOP_OTHERS), pid=f"container:{host}")
    assert await first_line(attacked, guest) == "ready"
    await attacked.containers.remove(guest, force=True)
    await attacked.containers.remove(host, force=True)
    assert await traces(attacked) == []


async def test_a_container_that_stops_whoever_joins_it_is_removed_and_its_guest_as_well(attacked: Engine) -> None:
    """A guest that is stopped before its program runs never starts. Tried with SIGTERM instead of SIGKILL: it hangs."""
    hostile = await start(attacked, *perl(STOP_OTHERS))
    assert await first_line(attacked, hostile) == "ready"
    wanted = request("true", pid=f"container:{hostile}", name="guest")
    started = asyncio.create_task(attacked.containers.run(wanted))
    await asyncio.wait([started], timeout=3)
    started.cancel()
    await asyncio.gather(started, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for container in await attacked.containers.list(all_states=True):
            await attacked.containers.remove(container.id, force=True)
    assert await traces(attacked) == []


async def test_the_devices_of_a_shown_dev_folder_can_t_be_opened(attacked: Engine, userns: str) -> None:
    """Tried without device rules, on the first loop device: it is open with ``userns=host``.

    In a user namespace it stays closed, as its owner isn't mapped.
    """
    script = r"""sub walk { my ($d) = @_; opendir(my $h, $d) or return;
        for my $n (readdir $h) { next if $n =~ /^\.\.?$/;
        my $p = "$d/$n"; next if -l $p; if (-d $p) { walk($p); next } next unless -b $p or -c $p;
        next if $p =~ m{/(null|zero|full|random|urandom|tty|ptmx)$} or $p =~ m{/pts/};
        for my $how (0, 1, 2) { attempt($p, sysopen(my $f, $p, $how | 04000 | 0400)) } } }
        walk("/hostdev"); print "all: tried\n"; """
    bind = BindMount(source="/dev", destination="/hostdev")
    assert opened(await run(attacked, *perl(script), binds=(bind,), userns=userns)) == []


async def test_a_read_only_volume_can_t_be_made_writable(attacked: Engine, userns: str, tmp_path: Path) -> None:
    """Tried with CAP_SYS_ADMIN among the defaults: it is unmounted, remounted and written to, in a user namespace,
    too. Without ``read_only`` both files are written."""
    (tmp_path / "inner").mkdir()
    script = """exec 2>/dev/null; for f in /v/x /v/inner/x; do echo evil > $f && echo "$f: open"; done
        mount -o remount,rw /v && echo "remounted: open"; mount -o remount,bind,rw /v && echo "remounted bind: open"
        umount /v && echo "unmounted: open"
        mount --bind /v /mnt && mount -o remount,bind,rw /mnt && echo "again: open" &&
        echo evil > /mnt/x && echo "through another: open"; echo "all: tried" """
    bind = BindMount(source=str(tmp_path), destination="/v", read_only=True)
    assert opened(await run(attacked, "sh", "-c", script, binds=(bind,), userns=userns)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


async def test_a_device_in_a_volume_is_none(attacked: Engine, userns: str, tmp_path: Path) -> None:
    """Tried without device rules: the loop device's node is open, in a user namespace, too.

    The disk's stayed closed, as the machine that this was tried on may not open its own.
    """
    disk = os.stat("/").st_dev
    os.mknod(tmp_path / "disk", 0o60666, disk if os.major(disk) else os.makedev(7, 0))
    os.mknod(tmp_path / "loop", 0o60666, os.makedev(7, 0))
    os.mknod(tmp_path / "memory", 0o20666, os.makedev(1, 1))
    script = 'for my $p ("/v/disk", "/v/loop", "/v/memory") { attempt($p, sysopen(my $f, $p, $_)) for 0, 1, 2 }'
    bind = BindMount(source=str(tmp_path), destination="/v")
    assert opened(await run(attacked, *perl(script), binds=(bind,), userns=userns)) == []


async def test_a_set_user_id_program_in_a_volume_with_nosuid_makes_nobody_root(
    attacked: Engine, userns: str, tmp_path: Path
) -> None:
    """Tried without the flag: user 1000 of the container becomes its root."""
    tmp_path.chmod(0o755)
    script = 'system("cp", "/usr/bin/perl", "/v/p"); chown(0, 0, "/v/p"); chmod(04755, "/v/p"); print "done\n"'
    bind = BindMount(source=str(tmp_path), destination="/v", flags=("nosuid",))
    container = await start(attacked, "sleep", "1000", binds=(bind,), userns=userns)
    assert await execute(attacked, container, *perl(script)) == "done\n"
    assert (tmp_path / "p").stat().st_mode & 0o4000
    assert await execute(attacked, container, "/v/p", "-e", "print $>", user="1000") == "1000"


async def test_the_network_of_the_host_is_for_use_and_not_for_change(attacked: Engine, userns: str) -> None:
    """Tried in a network namespace that stood for the host's, with CAP_NET_ADMIN: addresses and routes are open, and
    with a writable /proc/sys switches, too (userns host). A writable /proc/sys alone opens nothing.

    The sysctl is set with ``userns=host`` when neither `compile.sysctls` nor `runtime.sysctls` refuses it.
    """
    script = """exec 2>/dev/null; ip link add evil type dummy && echo "link: open"
        ip addr add 10.99.0.1/32 dev lo && echo "address: open"
        echo 1 > /proc/sys/net/ipv4/ip_forward && echo "switch: open"
        ip route add 10.99.0.0/24 dev lo && echo "route: open"
        echo "all: tried" """
    assert opened(await run(attacked, "sh", "-c", script, network="host", userns=userns)) == []
    with pytest.raises(BoxdeckError):
        await run(attacked, "true", network="host", userns=userns, sysctls={"net.ipv4.ip_forward": "1"})
