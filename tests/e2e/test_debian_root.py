"""A Debian root file system made by mmdebstrap, imported and run: somebody else's whole user land."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine, eventually

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.apart]

SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
DEFAULT_SUITE = "bookworm"
PACKAGE = "debian-archive-keyring"
PACKAGES = "systemd-sysv,dbus"
SERVER = """
use IO::Socket::INET; $| = 1;
my $server = IO::Socket::INET->new(Listen => 5, LocalPort => 8080, ReuseAddr => 1) or die;
print "listening\\n";
while (my $client = $server->accept) { print $client "hello, " . $client->peerhost . "\\n"; close $client }
"""


@pytest.fixture(scope="session")
def debian_tar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Downloads and unpacks some 70 MB of packages, which takes half a minute."""
    if shutil.which("mmdebstrap") is None:
        pytest.skip("mmdebstrap isn't installed: apt-get install mmdebstrap")
    if os.geteuid() != 0:
        pytest.skip("namespaces, cgroups and mounts need root")
    tar = tmp_path_factory.mktemp("debian") / "root.tar"
    release = platform.freedesktop_os_release()
    suite = release.get("VERSION_CODENAME", DEFAULT_SUITE) if release.get("ID") == "debian" else DEFAULT_SUITE
    sources = [path for path in SOURCES if os.path.exists(path) and release.get("ID") == "debian"][:1]
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", suite, str(tar), *sources],
        check=True,
        timeout=600,
    )
    yield tar
    tar.unlink()


@pytest.fixture
def debian(boxdeck: CommandLine, debian_tar: Path) -> Iterator[str]:
    """The image's name."""
    boxdeck.ok("import", str(debian_tar), "debian:here", timeout=120)
    yield "debian:here"
    boxdeck.remove_all()
    boxdeck.ok("rmi", "debian:here")


@pytest.mark.timeout(900)
def test_packages_are_listed_checked_and_perl_runs(boxdeck: CommandLine, debian: str) -> None:
    listed = boxdeck.ok("run", "--rm", debian, "dpkg", "-l")
    assert sum(line.startswith("ii ") for line in listed.splitlines()) > 50
    boxdeck.ok("run", "--rm", debian, "apt-get", "check")
    assert boxdeck.ok("run", "--rm", debian, "perl", "-e", "print 6 * 7") == "42"
    assert boxdeck.ok("run", "--rm", debian, "dpkg", "--verify", "base-files") == ""


@pytest.mark.timeout(900)
def test_owners_links_and_set_uid_programs_are_the_tars(boxdeck: CommandLine, debian: str) -> None:
    script = "stat -c '%a %U:%G' /usr/bin/passwd /var/mail /tmp; readlink /bin"
    assert boxdeck.ok("run", "--rm", debian, "sh", "-c", script).splitlines() == [
        "4755 root:root", "2775 root:mail", "1777 root:root", "usr/bin",
    ]  # fmt: skip


@pytest.mark.timeout(900)
def test_two_reach_each_other_by_address(boxdeck: CommandLine, debian: str) -> None:
    boxdeck.ok("run", "-d", "--name", "server", debian, "perl", "-e", SERVER)
    assert eventually(lambda: "listening" in boxdeck("logs", "server").out)
    address = boxdeck("inspect", "server").json[0]["NetworkSettings"]["IPAddress"]
    script = f"exec 3<>/dev/tcp/{address}/8080; cat <&3; hostname -I 2>/dev/null || :"
    answer = boxdeck.ok("run", "--rm", "--name", "client", debian, "bash", "-c", script)
    assert answer.startswith("hello, 10.")
    assert address not in answer


@pytest.mark.timeout(900)
def test_a_package_database_can_be_written_and_the_image_stays_as_it_was(boxdeck: CommandLine, debian: str) -> None:
    query = f"dpkg-query -W -f '${{db:Status-Status}}' {PACKAGE}"
    purge = f"dpkg --purge --force-all {PACKAGE} >/dev/null 2>&1"
    assert boxdeck.ok("run", "--rm", debian, "sh", "-c", f"{purge}; {query}") == "not-installed"
    assert boxdeck.ok("run", "--rm", debian, "sh", "-c", query) == "installed"


@pytest.mark.timeout(900)
def test_root_of_a_user_namespace_owns_all_of_it(boxdeck: CommandLine, debian: str) -> None:
    strangers = "find / -xdev \\( -nouser -o -nogroup \\) | head -n 5"
    script = f"{strangers}; stat -c %u /etc/passwd; apt-get check >/dev/null && echo checked"
    assert boxdeck.ok("run", "--rm", "--userns", "auto", debian, "sh", "-c", script).splitlines() == ["0", "checked"]


@pytest.mark.timeout(900)
def test_systemd_is_its_first_process_and_starts_units(boxdeck: CommandLine, debian: str) -> None:
    options = ("--privileged", "--stop-signal", "SIGRTMIN+3")  # systemd(1), "SIGNALS": halt.target
    boxdeck.ok("run", "-d", "--name", "machine", *options, debian, "/sbin/init")
    for _ in range(2):
        assert eventually(lambda: boxdeck("exec", "machine", "systemctl", "is-system-running").out == "running\n", 60)
        words = ("systemd-run", "--wait", "--pipe", "--quiet", "sh", "-c", "cat /proc/self/cgroup")
        assert ".service" in boxdeck.ok("exec", "machine", *words)
        boxdeck.ok("stop", "-t", "60", "machine")
        assert boxdeck.state("machine")["ExitCode"] not in (137, 143)  # it ended by itself
        boxdeck.ok("start", "machine")
    boxdeck.ok("rm", "-f", "machine")
    assert boxdeck.ok("system", "check") == ""
