"""What lies on the host: closed to its other users, and never written to where a container says (CVE-2021-41091)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from engine import Engine
from engine.model import Limits
from tests.command_line import CommandLine
from tests.engine.attacks.inside import execute, perl, run, start
from tests.engine.attacks.victim import Victim

pytestmark = pytest.mark.vm


def as_nobody(*command: str) -> str:
    """What a user without any rights gets to see, with nothing but the folders' modes in the way."""
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    return subprocess.run([*prefix, *command], capture_output=True, text=True, check=False).stdout


def open_folders(*tops: Path) -> list[str]:
    """The folders below which others can go on, of all that lie directly in a root."""
    found = [path for top in tops for path in top.iterdir() if path.is_dir() and not path.is_symlink()]
    return [str(path) for path in found if path.stat().st_mode & 0o077]


def test_set_user_id_programs_of_containers_and_images_are_out_of_reach() -> None:
    """Without `Paths.make_private` the layers of a root with mode 0755 can be walked."""
    top = Path(tempfile.mkdtemp())  # pytest's own folders are closed
    top.chmod(0o755)
    root, runroot = top / "root", top / "run"
    for folder in (root, runroot):
        folder.mkdir()
        folder.chmod(0o755)  # as who makes them by hand does
    (root / "layers").mkdir()
    (root / "layers").chmod(0o755)
    boxdeck = CommandLine(top)
    try:
        script = "cp /bin/sh /evil; chmod 4755 /evil; sleep 1000"
        boxdeck.ok("run", "-d", "--userns", "host", "--network", "none", "base", "sh", "-c", script)
        assert as_nobody("find", str(root), str(runroot), "-mindepth", "2") == ""
        assert as_nobody("cat", str(root / "boxdeck.db")) == ""
        assert open_folders(root, runroot) == []
    finally:
        boxdeck.ok("system", "reset", "--force")
        shutil.rmtree(top)


def test_the_state_of_boxdeck_oci_is_closed(victim: Victim) -> None:
    """With mode 0711, as runc has it, its files can be read by who knows their names."""
    victim.start("sleep", "1000")
    assert as_nobody("cat", str(victim.root / "one" / "state.json"), str(victim.root / "one" / "config.json")) == ""
    assert victim.root.stat().st_mode & 0o077 == 0


# What a container does to files of ours that it is shown

FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
TRICKS = r"""
    for my $f (@ARGV) {
        unlink $f and print "unlinked $f\n"; rename $f, "$f.old" and print "renamed $f\n";
        rename "/tmp/link", $f and print "replaced $f\n" if symlink("/etc/shadow", "/tmp/link");
        rename "$f.link", $f and print "replaced $f\n" if symlink("/etc/shadow", "$f.link");
        unlink "/tmp/link"; link($f, "/tmp/hard") and print "linked $f\n";
        spit($f, "gone\n") and print "written $f\n"; chmod(04777, $f);
    }
    print "done\n";
"""


async def test_files_of_ours_can_be_written_but_not_exchanged(attacked: Engine, userns: str) -> None:
    """Tried with their folder shown as /etc instead of file by file: they are unlinked and replaced by links (userns
    host; in a user namespace our folder is closed to the container). A mount on each is what the kernel protects."""
    shadow = Path("/etc/shadow").read_bytes()
    container = await start(attacked, "sleep", "1000", userns=userns, network="bridge")
    text = await execute(attacked, container, *perl(TRICKS), *FILES)
    assert sorted(text.split()[::2]) == ["done", "written", "written", "written"]
    folder = attacked.paths.container(container)
    for name in FILES:
        ours = folder / os.path.basename(name)
        assert not ours.is_symlink() and ours.stat().st_nlink == 1
    await attacked.containers.stop(container, 0)
    await attacked.containers.start(container)  # may write a new address
    assert Path("/etc/shadow").read_bytes() == shadow


async def test_our_own_folders_are_nowhere_inside(attacked: Engine, userns: str) -> None:
    """Tried with the upper directory's parent shown: the log is found (userns host).

    In a user namespace it isn't even then: the folder is closed to others than the host's root.
    """
    script = r"""
        my $m = slurp("/proc/self/mountinfo"); print "layers: open\n" if -d "/merged" or -d "/work" or -d "/upper";
        for my $d (split /\n/, $m) { my @f = split / /, $d; my $p = $f[4];
            for my $n ("log", "config.json", "../log", "shim.sock", "status.json") {
                print "$p/$n: open\n" if $p ne "/proc" and -e "$p/$n" } }
        print "all: tried\n"; """
    assert await run(attacked, *perl(script), userns=userns) == "all: tried\n"


async def test_a_container_that_fills_the_files_it_is_shown_fills_no_memory_of_ours(attacked: Engine) -> None:
    """Tried with the engine reading /etc/hosts as a whole at the start: it has no memory for that (MemoryError)."""
    script = 'for (@ARGV) { open(my $f, ">", $_); syswrite($f, "x" x 1048576); truncate($f, 1 << 40) } print "done\n"'
    container = await start(attacked, "sleep", "1000", limits=Limits(memory_bytes=256 << 20))
    assert await execute(attacked, container, *perl(script), *FILES) == "done\n"
    assert (attacked.paths.container(container) / "hosts").stat().st_size == 1 << 40
    assert await execute(attacked, container, "echo", "alive", user="0") == "alive\n"
    await attacked.containers.stop(container, 0)
    await attacked.containers.start(container)
