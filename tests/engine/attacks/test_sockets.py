"""Our sockets: no abstract names, nothing for strangers, nothing for who is in a container (CVE-2020-15257)."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

from engine import Engine
from engine.options import BindMount, Security
from engine.runtime import protocol, status, unix_socket
from tests.engine.attacks.inside import opened, perl, run, start
from tests.engine.attacks.victim import Victim

pytestmark = pytest.mark.vm

CHECKOUT = Path(__file__).parents[3]


def shim_pid(engine: Engine, container: str) -> int:
    found = status.read(engine.paths.status(container))
    assert found is not None
    return found.shim_pid


def inodes(pid: int) -> set[str]:
    """Of the sockets that a process has open."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):  # it has been closed since
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return {link[8:-1] for link in links if link.startswith("socket:[")}


async def test_none_of_our_sockets_has_an_abstract_name(attacked: Engine, userns: str) -> None:
    """With a listener bound to ``"\\0shim"`` it is listed here, and reached from the container (userns host)."""
    other = await start(attacked, "sleep", "1000")
    assert attacked.launcher.pid is not None
    ours = inodes(shim_pid(attacked, other)) | inodes(attacked.launcher.pid)
    text = await run(attacked, "cat", "/proc/net/unix", network="host", userns=userns)
    rows = [line.split() for line in text.splitlines()[1:]]
    assert len(rows) > len(ours) >= 2
    assert [row for row in rows if len(row) > 7 and row[7].startswith("@") and row[6] in ours] == []


KNOCK = r"""
    socket(my $s, 1, 5, 0) or die; my $name = shift;
    my $reached = connect($s, pack("Sa*", 1, "$name\0")); print "reached: ", ($reached ? "done" : $!), "\n";
    my $sent = $reached && send($s, "\0" . q({"type":"Kill","signal":9}), 0x4000);
    my $b = ""; recv($s, $b, 1000, 0) if $sent; attempt("obeyed", length $b);
"""


async def test_a_container_that_finds_our_socket_is_not_listened_to(attacked: Engine, userns: str) -> None:
    """With `unix_socket.accept` taking everybody, another container is killed from in there."""
    other = await start(attacked, "sleep", "1000")
    bind = BindMount(source=str(attacked.paths.runtime(other)), destination="/run")
    security = Security(cap_add=("ALL",), seccomp="unconfined")
    options = {"userns": userns, "network": "host", "binds": (bind,), "security": security}
    text = await run(attacked, *perl(KNOCK), "/run/shim.sock", **options)
    assert "reached: done" in text and opened(text) == []
    assert (await attacked.containers.get(other)).is_running


def knock(path: Path, *prefix: str) -> bytes:
    """What is answered to who asks from elsewhere on the machine, through a descriptor that it was given."""
    script = (
        "import socket, sys\n"
        "from engine.runtime import protocol\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "s.settimeout(5)\n"
        "s.connect(sys.argv[1])\n"
        "try:\n"
        "    s.send(protocol.encode(protocol.Kill(0)))\n"
        "    sys.stdout.buffer.write(s.recv(1000))\n"
        "except ConnectionError: pass\n"
    )
    command = [*prefix, sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, cwd=CHECKOUT, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


ELSEWHERE = {
    "another pid namespace": ("unshare", "--pid", "--fork"),
    "another user namespace": ("unshare", "--user", "--map-root-user"),
    "both": ("unshare", "--user", "--map-root-user", "--pid", "--fork"),
}


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_root_is_listened_to_from_our_namespaces_only(attacked: Engine, where: str) -> None:
    """With `unix_socket.accept` taking everybody, all are answered."""
    container = await start(attacked, "sleep", "1000")
    path = attacked.paths.runtime(container) / unix_socket.NAME
    short = Path("/tmp") / f"knock-{os.getpid()}"
    short.symlink_to(path.parent)
    try:
        assert knock(short / unix_socket.NAME).startswith(bytes((protocol.CONTROL,)))
        assert knock(short / unix_socket.NAME, *ELSEWHERE[where]) == b""
    finally:
        short.unlink()


async def test_another_user_is_not_listened_to(attacked: Engine) -> None:
    """Neither mode nor folders stand in the way here: with ``accept`` taking everybody, it is answered."""
    container = await start(attacked, "sleep", "1000")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger,
    ):
        listener.bind("")
        listener.listen()
        child = os.fork() or _as_nobody(stranger, listener)
        await asyncio.to_thread(os.waitpid, child, 0)
        assert unix_socket.accept(listener) is None
    assert (await attacked.containers.get(container)).is_running


def _as_nobody(stranger: socket.socket, listener: socket.socket) -> NoReturn:
    os.setresuid(65534, 65534, 65534)
    stranger.connect(listener.getsockname())
    os._exit(0)


def test_boxdeck_oci_waits_on_a_socket_in_a_closed_folder(victim: Victim) -> None:
    """With mode 0711 on the state's folders, and 0666 on the socket, anybody starts the container."""
    victim.describe("sleep", "1000")
    victim.detached("create", "--bundle", str(victim.bundle), "one")
    assert os.stat(victim.root).st_mode & 0o077 == 0 and os.stat(victim.root / "one").st_mode & 0o077 == 0
    for path in (victim.root / "one").iterdir():
        assert not re.search("sock", path.name) or path.stat().st_mode & 0o077 == 0, path
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    ours = inodes(victim.pid)
    assert [row for row in rows if len(row) > 7 and row[7].startswith("@") and row[6] in ours] == []
