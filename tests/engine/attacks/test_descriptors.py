"""What a container inherits: its three streams and nothing that leads out, whoever left what open (CVE-2024-21626)."""

from __future__ import annotations

import os
import stat

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import ExecRequest
from tests.engine.attacks.inside import execute, opened, perl, run, start
from tests.engine.attacks.victim import Victim

pytestmark = [pytest.mark.vm, pytest.mark.apart]

NUMBERS = range(3, 40)
HIDDEN = ("/proc/keys", "/proc/kcore", "/proc/timer_list", "/proc/interrupts")

LIST = """
    opendir(my $h, "/proc/self/fd"); my @open = sort { $a <=> $b } grep { /^\\d+$/ and $_ != 3 } readdir $h;
    attempt("$_ " . (readlink("/proc/self/fd/$_") // ""), $_ > 2) for @open; print "@open: tried\\n";
    for my $n (0..40) { attempt("$n leads out", opendir(my $d, "/proc/self/fd/$n/.")) if $n != 3 }
"""  # 3 is the folder that is being read


@pytest.mark.parametrize("tty", [False, True])
async def test_a_container_and_an_exec_have_their_streams_and_nothing_else(
    leaky: Engine, userns: str, tty: bool
) -> None:
    """Without close_what_leads_out and close_on_exec, those that the launcher has inherited are open."""
    text = await run(leaky, *perl(LIST), userns=userns, tty=tty)
    assert opened(text) == [] and "0 1 2: tried" in text
    container = await start(leaky, "sleep", "1000", userns=userns)
    text = await execute(leaky, container, *perl(LIST), tty=tty)
    assert opened(text) == [] and "0 1 2: tried" in text


async def test_links_of_the_image_to_our_descriptors_are_no_working_directory(leaky: Engine, userns: str) -> None:
    """Without close_what_leads_out and without the look at getcwd(2) the launcher's folders are entered."""
    script = "".join(f"ln -s /proc/self/fd/{number} /fd{number}; " for number in NUMBERS)
    container = await start(leaky, "sh", "-c", f"{script} exec sleep 1000", userns=userns)
    await execute(leaky, container, "true")
    for number in NUMBERS:
        for folder in (f"/fd{number}", f"/fd{number}/..", f"/proc/self/fd/{number}/../.."):
            with pytest.raises(BoxdeckError, match="the working directory"):
                await execute(leaky, container, "true", working_dir=folder)
        with pytest.raises(BoxdeckError, match="doesn't exist"):
            await leaky.containers.exec(container, ExecRequest(argv=(f"/fd{number}/bin/true",)))


async def test_a_container_without_input_can_t_spoil_the_host_s_null_device(attacked: Engine, userns: str) -> None:
    """Its mode changes (userns host) with the host's /dev/null as standard input, without `_take_own_null`, or as what
    hides /proc/keys, without the mount attribute "read-only"."""
    before = os.stat("/dev/null")
    script = 'open(my $f, "<&=0"); chmod(0600, $_) and chown(1, 1, $_) and utime(1, 1, $_) for $f, @ARGV'
    container = await start(attacked, "sleep", "1000", userns=userns)
    try:
        await run(attacked, *perl(script), *HIDDEN, userns=userns)
        await execute(attacked, container, *perl(script), *HIDDEN)
        after = os.stat("/dev/null")
        assert (after.st_mode, after.st_uid, after.st_mtime) == (before.st_mode, before.st_uid, before.st_mtime)
    finally:
        os.chmod("/dev/null", stat.S_IMODE(before.st_mode))
        os.chown("/dev/null", before.st_uid, before.st_gid)


# boxdeck-oci


def test_boxdeck_oci_lets_nothing_through_that_its_caller_left_open(victim: Victim, careless: tuple[int, ...]) -> None:
    """Without close_what_leads_out and close_on_exec they are all open."""
    victim.describe(*perl(LIST))
    done = victim.inherited("run", "--bundle", str(victim.bundle), "one", descriptors=careless)
    assert opened(done.stdout) == [] and "0 1 2: tried" in done.stdout
    victim.start("sleep", "1000")
    done = victim.inherited("exec", "one", *perl(LIST), descriptors=careless)
    assert opened(done.stdout) == [] and "0 1 2: tried" in done.stdout


def test_no_working_directory_leads_out_through_boxdeck_oci(victim: Victim, careless: tuple[int, ...]) -> None:
    """Without close_what_leads_out and without the look at getcwd(2) the caller's folders are entered."""
    victim.start("sleep", "1000")
    for number in (*range(3, 8), *careless):
        done = victim.inherited("exec", "--cwd", f"/proc/self/fd/{number}", "one", "pwd", descriptors=careless)
        assert done.returncode != 0 and "the working directory" in done.stderr, done
    victim("delete", "--force", "one")
    for number in (*range(3, 8), *careless):
        victim.describe("pwd", cwd=f"/proc/self/fd/{number}")
        done = victim.inherited("run", "--bundle", str(victim.bundle), "one", descriptors=careless)
        assert done.returncode != 0 and "the working directory" in done.stderr, done


@pytest.mark.parametrize("wanted", ["1", "2", "5", "100"])
def test_descriptors_of_ours_are_never_taken_for_those_to_be_preserved(victim: Victim, wanted: str) -> None:
    """Counted after folders of ours have been opened, those are preserved instead of the caller's (seen with 1)."""
    victim.describe(*perl(LIST))
    done = victim("run", "--preserve-fds", wanted, "--bundle", str(victim.bundle), "one")
    assert done.returncode != 0 and "isn't open" in done.stderr and done.stdout == ""
    victim.start("sleep", "1000")
    done = victim("exec", "--preserve-fds", wanted, "one", *perl(LIST))
    assert done.returncode != 0 and "isn't open" in done.stderr and done.stdout == ""


@pytest.mark.alone  # the first one that is preserved is 3, which among several workers is what one is spoken to over
def test_a_preserved_folder_of_the_host_is_no_working_directory(victim: Victim) -> None:
    """CVE-2024-21626: without the look at what getcwd(2) says, the host's root is where the process starts."""
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    os.dup2(folder, 3) if folder != 3 else None
    os.set_inheritable(3, True)
    victim.describe("ls", cwd="/proc/self/fd/3")
    done = victim.inherited("run", "--preserve-fds", "1", "--bundle", str(victim.bundle), "one", descriptors=(3,))
    assert done.returncode != 0 and "the working directory" in done.stderr, done


def test_the_caller_s_streams_are_the_container_s_and_its_null_device_isn_t(victim: Victim) -> None:
    """With the caller's /dev/null kept as a stream the container's root changes its mode and owner."""
    before = os.stat("/dev/null")
    victim.describe(*perl('for (0..2) { open(my $f, "<&=$_"); chmod(0600, $f); chown(1, 1, $f) } sleep 1'))
    try:
        victim.detached("run", "--detach", "--bundle", str(victim.bundle), "one")
        victim.await_status("stopped")
        assert (os.stat("/dev/null").st_mode, os.stat("/dev/null").st_uid) == (before.st_mode, before.st_uid)
    finally:
        os.chmod("/dev/null", stat.S_IMODE(before.st_mode))
        os.chown("/dev/null", before.st_uid, before.st_gid)
