"""Terminals: what a container types into its own never reaches the terminal of whoever looks after it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from engine import Engine
from engine.model import ExecRequest
from engine.options import Security
from tests.engine.attacks.inside import execute, first_line, opened, output, perl, request, run, start
from tests.engine.attacks.victim import Victim

pytestmark = pytest.mark.vm

# TIOCSTI types a character, TIOCLINUX pastes a selection, TIOCSCTTY takes a terminal for one's own.
TYPE = r"""
    sub push_in { my ($f, $what) = @_; my $n = 0; for my $c (split //, "evil\n") { $n++ if ioctl($f, 0x5412, $c) }
        print "$what: ", ($n ? "typed" : "$!"), "\n" }
    push_in(\*STDIN, "as it is"); push_in(\*STDOUT, "output"); push_in(\*STDERR, "errors");
    for my $how (0, 1) { ioctl(STDIN, 0x540E, $how); push_in(\*STDIN, "taken $how") }
    if (open(my $t, "+<", "/proc/self/fd/0")) { push_in($t, "opened again") }
    if (open(my $t, "+<", "/dev/tty")) { push_in($t, "tty") }
    { my $v = "\x03"; print "selection: ", (ioctl(STDIN, 0x541C, $v) ? "pasted" : "$!"), "\n" }
    if (!(my $p = fork)) { call("setsid"); ioctl(STDIN, 0x540E, 1); push_in(\*STDIN, "in another session"); exit }
    wait;
    print "all: tried\n";
"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Master and slave of a terminal of the host's."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    yield master, slave
    os.close(master)
    os.close(slave)


def waiting_input(slave: int) -> bytes:
    """What somebody has typed and nobody has read."""
    os.set_blocking(slave, False)
    try:
        return os.read(slave, 1000)
    except BlockingIOError:
        return b""


def written(master: int) -> bytes:
    data = b""
    while select.select([master], [], [], 0.2)[0]:
        data += os.read(master, 10_000)
    return data


def test_nothing_is_typed_into_the_terminal_that_boxdeck_oci_was_started_on(
    victim: Victim, terminal: tuple[int, int]
) -> None:
    """Without setsid(2) in `process_stdio.take_stdio`, "evil" is what the caller's shell reads next."""
    master, slave = terminal
    victim.describe(*perl(TYPE))
    command = [*victim.argv, "run", "--bundle", str(victim.bundle), "one"]
    _in_session(command, slave)
    out = written(master)
    assert b"all: tried" in out and b"typed" not in out and b"pasted" not in out, out
    assert waiting_input(slave) == b""


def test_nothing_is_typed_into_the_terminal_of_an_exec_of_boxdeck_oci(
    victim: Victim, terminal: tuple[int, int]
) -> None:
    """As above."""
    master, slave = terminal
    victim.start("sleep", "1000")
    _in_session([*victim.argv, "exec", "one", *perl(TYPE)], slave)
    out = written(master)
    assert b"all: tried" in out and b"typed" not in out and b"pasted" not in out, out
    assert waiting_input(slave) == b""


def _in_session(command: list[str], slave: int) -> None:
    """Run a command whose controlling terminal is the given one, as a shell would."""

    def control() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    done = subprocess.run(
        command, stdin=slave, stdout=slave, stderr=slave, check=False, timeout=60, preexec_fn=control
    )  # fmt: skip
    assert done.returncode == 0


async def test_what_a_container_types_into_its_terminal_is_its_own_input(attacked: Engine, userns: str) -> None:
    """Its terminal is one of its own devpts; nothing of it is echoed into another's session.

    Tried with an exec that is given the first process's terminal: what it writes and types is seen there.
    """
    container = await start(attacked, *perl("print qq(ready\n); sleep 1000"), tty=True, interactive=True, userns=userns)
    assert (await first_line(attacked, container)).strip() == "ready"
    session = await attacked.containers.attach(container)
    assert "all: tried" in await execute(attacked, container, *perl(TYPE), tty=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.read(), 0.5)
    assert "evil" not in await execute(attacked, container, "sh", "-c", "echo quiet", tty=True)
    await session.close()


async def test_the_terminals_of_the_host_aren_t_inside(attacked: Engine, userns: str) -> None:
    """Without ``newinstance`` and /dev/pts of its own the host's terminals are open (userns host)."""
    ours, slave = pty.openpty()
    try:
        device = os.stat(slave).st_rdev
        script = f"""for my $n (0..64) {{
                attempt("pts/$n", sysopen(my $f, "/dev/pts/$n", 2 | 0400)) if -e "/dev/pts/$n" }}
            system("mknod", "/dev/evil", "c", {os.major(device)}, {os.minor(device)}) and print "node: none\\n";
            attempt("node", sysopen(my $g, "/dev/evil", 2 | 0400)) if -e "/dev/evil";
            for my $v ("tty0", "tty1", "console", "ttyS0", "vcs", "ptmx0") {{
                attempt($v, sysopen(my $h, "/dev/$v", 2 | 0400)) if -e "/dev/$v" }} print "all: tried\\n" """
        security = Security(cap_add=("MKNOD",))
        text = await run(attacked, *perl(script), userns=userns, security=security)
        assert opened(text) == []
        assert waiting_input(slave) == b""
    finally:
        os.close(ours)
        os.close(slave)


HOSTILE_TERMINAL = {
    "size": 'my $s = pack("S4", 65535, 65535, 0, 0); ioctl(STDOUT, 0x5414, $s)',
    "discipline": 'ioctl(STDOUT, 0x5423, pack("i", $_)) for 0..30',
    "exclusive": "ioctl(STDOUT, 0x540C, 0)",
    "stopped": "ioctl(STDOUT, 0x540A, 0)",
    "hung up": "ioctl(STDOUT, 0x5437, 0)",
    "raw": 'system("stty raw -echo <&1"); syswrite(STDOUT, join("", map chr, 0..255) x 100)',
}


@pytest.mark.parametrize("what", HOSTILE_TERMINAL)
async def test_whatever_a_process_does_to_its_terminal_the_container_can_be_used_and_removed(
    attacked: Engine, what: str
) -> None:
    """Tried with streams that take a terminal's EIO for a mistake of ours: all but "stopped" fail."""
    container = await start(attacked, *perl(f"{HOSTILE_TERMINAL[what]}; sleep 1000"), tty=True, interactive=True)
    wanted = ExecRequest(argv=perl(f"{HOSTILE_TERMINAL[what]}; print qq(x) x 100; exit 3"), tty=True)
    session = await attacked.containers.exec(container, wanted)
    if what == "stopped":  # its output waits for a "start" that never comes, so its viewer leaves
        await session.close()
    else:
        assert (await output(session))[1] in (3, 128 + 1, 128 + 28)
    assert await execute(attacked, container, "echo", "alive") == "alive\n"
    began = time.monotonic()
    await attacked.containers.remove(container, force=True)
    assert time.monotonic() - began < 10


async def test_a_terminal_ends_with_its_session(attacked: Engine) -> None:
    """A process that ignores the hang-up keeps nobody waiting. Tried with SIGHUP instead of SIGKILL: it hangs."""
    request_ = request(*perl("$SIG{HUP} = 'IGNORE'; fork; sleep 1000"), tty=True, interactive=True)
    session = await attacked.containers.run_attached(request_)
    await session.close()
    await attacked.containers.remove(session.container.id, force=True)
