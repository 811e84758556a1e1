"""Our own programs, seen from inside: what enters a container must not be read, traced, kept or written to there."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine import Engine
from engine.model import ExecRequest
from engine.options import BindMount, Security
from engine.session import Session
from tests.command_line import eventually
from tests.engine.attacks.inside import attempts, execute, first_line, lines, opened, perl, start
from tests.engine.attacks.victim import Victim

pytestmark = pytest.mark.vm

PATIENCE_SECONDS = 20.0

# What somebody runs is "busy", which it stays as long as anybody on the machine does: whether it could be written to
# after that the seals tell (fcntl(2), F_GET_SEALS: 1034, F_SEAL_WRITE: 8).
TRY_TO_WRITE = r"""
    sub try_to_write { my ($f, $p) = @_; my $seals = fcntl($f, 1034, 0);
        attempt("to be written to later", !defined $seals || !($seals & 8));
        for my $n ("/proc/self/fd/" . fileno($f), "/proc/$p/exe") { for my $flags (1, 2) {
            my $w; attempt("written", sysopen($w, $n, $flags) && syswrite($w, "\x7f")) } } }
"""

# Whatever is executed inside and isn't static waits in ld.so for this FIFO, for as long as the attacker likes.
KEEP_OUR_EXECUTABLE = (
    TRY_TO_WRITE
    + r"""
    symlink("/proc/self/exe", "/evil"); spit("/script", "#!/proc/self/exe\n"); chmod 0755, "/script";
    system("mkfifo", "/etc/ld.so.preload"); print "ready\n";
    my $end = time + 15; my $n = 0;
    while ($n < 1 and time < $end) {
        opendir(my $h, "/proc");
        for my $p (grep { /^\d+$/ and $_ != $$ } readdir $h) {
            my $exe = readlink("/proc/$p/exe"); next unless defined $exe and $exe =~ /python|memfd/;
            sysopen(my $f, "/proc/$p/exe", 0) or next;
            $n++; print "held $exe: done\n"; try_to_write($f, $p);
            open(my $go, ">", "/etc/ld.so.preload"); close $go;
            select(undef, undef, undef, 0.01) while (slurp("/proc/$p/stat") // "") =~ /\) [^ZX]/;
            my $mine = "/proc/self/fd/" . fileno($f);
            for (1..60) {  # until nobody runs it any more
                my $w; last if sysopen($w, $mine, 1) or $! !~ /busy/; select(undef, undef, undef, 0.01) }
            try_to_write($f, $p);
        }
    }
    print "all: tried\n";
"""
)


@pytest.mark.parametrize("program", ["/evil", "/script"])
async def test_the_program_that_runs_us_can_t_be_written_to_by_who_executes_it(
    attacked: Engine, userns: str, program: str
) -> None:
    """CVE-2019-5736. Tried with a launcher from the interpreter's file: it could be written to later."""
    container = await start(attacked, *perl(KEEP_OUR_EXECUTABLE), userns=userns)
    assert await first_line(attacked, container) == "ready"
    session = await attacked.containers.exec(container, ExecRequest(argv=(program, "x")))
    await asyncio.wait_for(session.wait(), PATIENCE_SECONDS)
    assert await attacked.containers.wait(container) == 0
    text = "\n".join([line async for line in lines(attacked, container)])
    assert "held " in text and opened(text) == []


LOOK_AT_THE_FIRST = (
    TRY_TO_WRITE
    + r"""
    my $f; until (readlink("/proc/1/exe") =~ /python|memfd/ and sysopen($f, "/proc/1/exe", 0)) {
        select(undef, undef, undef, 0.01) }
    print "held: done\n"; try_to_write($f, 1); print "all: tried\n"; sleep 1000;
"""
)


async def test_a_first_process_that_executes_us_can_t_be_written_to_either(
    attacked: Engine, userns: str, tmp_path: Path
) -> None:
    """CVE-2019-5736, by the entry point of an image, seen from a container with the same processes. Tried as above.

    What is executed waits in ld.so for a FIFO of ours until that other container has tried.
    """
    preload = tmp_path / "preload"
    os.mkfifo(preload, 0o644)
    binds = (BindMount(source=str(preload), destination="/etc/ld.so.preload"),)
    looping = await start(attacked, "/proc/self/exe", "x", userns=userns, binds=binds)
    other = await start(attacked, *perl(LOOK_AT_THE_FIRST), pid=f"container:{looping}", userns=userns)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "all: tried" not in (text := "\n".join([line async for line in lines(attacked, other)])):
            await asyncio.sleep(0.05)
        os.close(os.open(preload, os.O_WRONLY | os.O_NONBLOCK))
        await attacked.containers.wait(looping)
    assert "held" in text and opened(text) == []


# An exec on its way, stopped in the middle

LONG_PATH = "PATH=" + ":".join(f"/{number}" for number in range(2000)) + ":/usr/bin"  # long enough to be met in it
HOLD = r"""
    our $p; print "ready\n"; my $n = 0;
    sub ours { my $c = slurp("/proc/$p/comm"); return defined $c && $c =~ /boxdeck/ }
    sub halted { my $s = slurp("/proc/$p/stat"); return !defined $s || $s =~ /\) T/ }
    sub still { my ($what, $worked) = @_; attempt($what, $worked && ours()) }
    sub pry {
        for my $e (qw(mem environ maps auxv io syscall stack pagemap smaps personality)) {
            my $f; still($e, sysopen($f, "/proc/$p/$e", 0) && ($e =~ /mem|pagemap/ || sysread($f, my $b, 1))) }
        still("mem for writing", sysopen(my $f, "/proc/$p/mem", 2));
        still($_, defined readlink("/proc/$p/$_")) for qw(exe cwd root fd/0 fd/1 fd/2 fd/3 ns/mnt ns/user);
        still("$_ as folder", opendir(my $d, "/proc/$p/$_")) for qw(cwd root fd/3 fd/4 fd/5 fd/6 fd/7 fd/8);
        still("a file of its root", sysopen(my $r, "/proc/$p/root/etc/hostname", 0));
        still("executable", sysopen(my $x, "/proc/$p/exe", 0));
        my $b = " " x 8; my $v = pack("QQ", unpack("Q", pack("p", $b)), 8); my $there = pack("QQ", 0x400000, 8);
        still("process_vm_readv", call("process_vm_readv", $p + 0, $v, 1, $there, 1, 0) != -1);
        my $fd = call("pidfd_open", $p + 0, 0);
        still("pidfd_getfd $_", call("pidfd_getfd", $fd, $_, 0) != -1) for 0..9;
        still("setns", call("setns", $fd, 0x20000) != -1);
        still("seized", call("ptrace", 0x4206, $p + 0, 0, 0) != -1);
        still("attached", call("ptrace", 16, $p + 0, 0, 0) != -1);
        call("ptrace", 17, $p + 0, 0, 18);
    }
    while ($n < 25) { opendir(my $h, "/proc"); for my $q (grep { /^\d+$/ and $_ != $$ } readdir $h) {
        $p = $q;
        while (ours() and kill("STOP", $p)) {
            select(undef, undef, undef, 0) until halted();
            if (ours()) { pry(); $n++ }
            kill("CONT", $p);
        }
        kill("CONT", $p);
    } }
    print "all: tried\n"; sleep 1000;
"""


@pytest.mark.parametrize(("userns", "capabilities"), [("auto", ()), ("auto", ("SYS_PTRACE",)), ("host", ())])
async def test_an_exec_that_is_stopped_on_its_way_in_shows_nothing_and_can_t_be_traced(
    attacked: Engine, userns: str, capabilities: tuple[str, ...]
) -> None:
    """Without ``set_dumpable(False)`` in the launcher nearly everything is open (userns host).

    Who gives CAP_SYS_PTRACE without a user namespace gives it over what enters the container, too.
    """
    security = Security(cap_add=capabilities)
    container = await start(attacked, *perl(HOLD), userns=userns, security=security)
    assert await first_line(attacked, container) == "ready"
    text = ""
    for _ in range(60):
        await execute(attacked, container, "true", env=(LONG_PATH,))
        text = "\n".join([line async for line in lines(attacked, container)])
        if "all: tried" in text:
            break
    assert opened(text) == [] and len(attempts(text)) > 1000


STOP_THEM = r"""
    print "ready\n"; while (1) { opendir(my $h, "/proc");
        for my $p (grep { /^\d+$/ and $_ != $$ } readdir $h) {
            my $c = slurp("/proc/$p/comm"); kill("STOP", $p) if defined $c and $c =~ /boxdeck/ } }
"""


async def test_an_exec_that_the_container_stalls_stalls_nothing_else(attacked: Engine) -> None:
    """With a shim that waits for the child's word, the other calls here never come back."""
    container = await start(attacked, *perl(STOP_THEM))
    other = await start(attacked, "sleep", "1000")
    assert await first_line(attacked, container) == "ready"
    stalled: list[asyncio.Task[Session]] = []
    for _ in range(10):
        task = asyncio.create_task(attacked.containers.exec(container, ExecRequest(argv=("true",))))
        await asyncio.wait([task], timeout=0.3)
        stalled += [] if task.done() else [task]
    assert stalled
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await execute(attacked, other, "echo", "alive") == "alive\n"
        assert [line async for line in lines(attacked, container)] == ["ready"]
        assert (await attacked.containers.get(container)).is_running
        await attacked.containers.remove(container, force=True)
        await asyncio.gather(*stalled, return_exceptions=True)


PRY_INTO_INIT = r"""
    my ($f, $b) = (undef, " " x 8);
    for my $e (qw(mem environ maps auxv syscall stack pagemap smaps)) {
        attempt($e, sysopen($f, "/proc/1/$e", 0) && ($e =~ /mem|pagemap/ || sysread($f, $b, 1))) }
    attempt($_, defined readlink("/proc/1/$_")) for qw(exe cwd root fd/0 fd/3 ns/mnt);
    attempt("executable", sysopen($f, "/proc/1/exe", 0)); attempt("memory", sysopen($f, "/proc/1/mem", 2));
    attempt("seized", call("ptrace", 0x4206, 1, 0, 0) != -1);
    my $fd = call("pidfd_open", 1, 0); attempt("stolen $_", call("pidfd_getfd", $fd, $_, 0) != -1) for 0..9;
    kill("STOP", 1); kill("KILL", 1); kill($_, 1) for 4, 5, 6, 7, 8, 11, 31; print "alive: yes\n";
"""


async def test_the_first_process_of_ours_that_stays_can_t_be_pried_into(attacked: Engine, userns: str) -> None:
    """``--init``. Without ``set_dumpable(False)`` in `reaper`, and in the launcher that it comes from, most is open."""
    container = await start(attacked, "sleep", "1000", init=True, userns=userns)
    text = await execute(attacked, container, *perl(PRY_INTO_INIT))
    assert "alive: yes" in text and opened(text) == []


# boxdeck-oci, which leaves no process behind that keeps its executable busy

TO_FILE = 'open(STDOUT, ">", "/out"); $| = 1; '


@pytest.mark.parametrize("program", ["/evil", "/script"])
def test_the_interpreter_of_boxdeck_oci_can_t_be_written_to(victim: Victim, program: str) -> None:
    """CVE-2019-5736. Without `sealed.ensure` it could be written to later: it is the host's own Python."""
    victim.start(*perl(TO_FILE + KEEP_OUR_EXECUTABLE))
    assert eventually((victim.rootfs / "etc/ld.so.preload").exists)
    victim("exec", "one", program, "x")
    victim.await_status("stopped")
    text = (victim.rootfs / "out").read_text()
    assert "held " in text and opened(text) == []


def test_an_exec_of_boxdeck_oci_that_is_stopped_on_its_way_in_shows_nothing(victim: Victim) -> None:
    """Without ``set_dumpable(False)`` in `entrance` nearly everything is open."""
    victim.start(*perl(TO_FILE + HOLD.replace("/boxdeck/", "/python|boxdeck/")))
    assert eventually(lambda: "ready" in (victim.rootfs / "out").read_text())
    for _ in range(20):
        victim("exec", "--env", LONG_PATH, "one", "true")
        if "all: tried" in (text := (victim.rootfs / "out").read_text()):
            break
    assert opened(text) == [] and len(attempts(text)) > 300
