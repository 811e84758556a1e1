"""``boxdeck cp``: files in, out, from one container to another, and as archives."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine

pytestmark = pytest.mark.apart

MEBIBYTE = 1 << 20
# A child's greatest memory is at least what its parent had: the parent is a small one.
_MEASURED = (
    "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)"
)
SAID_OF_BIG = "1 file or folder, 210MB copied to the archive\n"


@pytest.fixture
def web(boxdeck: CommandLine) -> str:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "1000")
    return "web"


def in_shell(boxdeck: CommandLine, command: str, folder: Path) -> tuple[bytes, str, int]:
    """Run a command line as a person writes it, with $B for boxdeck and its roots."""
    words = command.replace("$B", " ".join(boxdeck.argv))
    done = subprocess.run(["bash", "-o", "pipefail", "-c", words], cwd=folder, capture_output=True, check=False)
    return done.stdout, done.stderr.decode(), done.returncode


def test_a_file_and_a_folder_go_in_and_out(boxdeck: CommandLine, web: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "css").mkdir(parents=True)
    (tmp_path / "site" / "index").write_text("hello\n")
    (tmp_path / "a:b").write_text("colon\n")
    out, err, status = in_shell(
        boxdeck, "$B cp site web:/srv && $B cp site/. web:/srv/flat && $B cp ./a:b web:x", tmp_path
    )
    assert (out, status) == (b"", 0)
    assert err.splitlines() == [
        "3 files and folders, 6B copied to web:/srv",
        "3 files and folders, 6B copied to web:/srv/flat",
        "1 file or folder, 6B copied to web:x",
    ]
    assert boxdeck.ok("exec", web, "cat", "/srv/site/index", "/srv/flat/index", "/x").split() == [
        "hello",
        "hello",
        "colon",
    ]
    out, err, status = in_shell(
        boxdeck, "$B cp -q web:/srv/site/index . && $B cp web:/srv back && ls -R back", tmp_path
    )
    assert (err, status) == ("7 files and folders, 12B copied to back\n", 0)
    assert (tmp_path / "index").read_text() == (tmp_path / "back" / "flat" / "index").read_text() == "hello\n"


def test_archives_go_through_pipes(boxdeck: CommandLine, web: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    command = "tar -cz --owner 12 --group 13 d | $B cp -a - web:/opt && $B cp web:/opt/d - | tar -tv --numeric-owner"
    out, err, status = in_shell(boxdeck, command, tmp_path)
    assert status == 0, err
    assert [line.split()[1:2] + line.split()[-1:] for line in out.decode().splitlines()] == [
        ["12/13", "d/"],
        ["12/13", "d/f"],
    ]
    out, err, status = in_shell(boxdeck, "$B cp web:/usr - | head -c 1", tmp_path)
    assert (err, status) == ("", 141)  # who reads an archive may leave


def test_owners_are_named_by_those_who_own(boxdeck: CommandLine, web: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    boxdeck.ok("exec", web, "sh", "-c", "echo app:x:55:66::/:/bin/sh >> /etc/passwd")
    boxdeck.ok("cp", "--chown", "app", str(tmp_path / "f"), "web:/tmp/")
    assert boxdeck.ok("exec", web, "stat", "-c", "%u:%g", "/tmp/f") == "55:66"


@pytest.fixture
def hostile(boxdeck: CommandLine, web: str) -> str:
    """A container with names that a terminal would obey."""
    script = r"cd /opt; mkdir hostile; touch $(printf 'hostile/a\033[2Jb'); mkfifo f; ln -s /proc hostile/k"
    boxdeck.ok("exec", web, "sh", "-c", script)
    return web


def test_what_is_said_holds_nothing_that_a_terminal_obeys(boxdeck: CommandLine, hostile: str, tmp_path: Path) -> None:
    os.mknod(tmp_path / "bad\x1b[2J", 0o140600)
    answer = boxdeck("cp", f"{tmp_path}/.", f"{hostile}:/opt")
    assert answer.status == 0 and "\x1b" not in answer.err
    assert answer.err.splitlines()[0] == "boxdeck: warning: bad?[2J is left out: sockets can't be copied"
    answer = boxdeck("cp", f"{hostile}:/opt/no\x1b[2J", str(tmp_path))
    assert answer.status == 125 and answer.sentence.startswith("boxdeck: there is no /opt/no?[2J of web")
    assert boxdeck("cp", "-q", f"{hostile}:/opt/hostile", str(tmp_path)).err == ""


WRONG = (
    (("cp", "web:/etc"), "TO"),
    (("cp", "/etc", "/tmp/x"), "neither side of the copy is in a container: write one as CONTAINER:PATH"),
    (("cp", "-", "-"), "neither side"),
    (("cp", "-", "/tmp"), "neither side"),
    (("cp", "web:", "/tmp"), "'web:' names no path"),
    (("cp", "ghost:/etc", "/tmp"), "no container 'ghost'"),
    (("cp", "web:/nothing", "/tmp"), "there is no /nothing of web"),
    (("cp", "web:/etc", "/etc/passwd"), "a folder can't be copied over the file /etc/passwd"),
    (("cp", "web:/etc/passwd", "/nowhere/at/all"), "there is no folder that /nowhere/at/all could be in: make it"),
    (("cp", "web:/etc/passwd/", "/tmp"), "/etc/passwd/ of web is no folder"),
    (("cp", "-a", "--chown", "root", "web:/etc", "/tmp/x"), "both kept and given"),
    (("cp", "--chown", "root", "web:/etc", "-"), "keeps its owners"),
    (("cp", "--chown", "martian", "/etc/hostname", "web:/tmp"), "martian"),
    (("cp", "-", "web:/etc/passwd"), "there is no folder /etc/passwd of web"),
    (("cp", "-", "web:/etc"), ""),
)


def test_what_can_t_be_is_said_in_one_sentence(boxdeck: CommandLine, web: str) -> None:
    for arguments, words in WRONG:
        answer = boxdeck(*arguments, input="no archive" * 100)
        assert answer.status == 125 and words in answer.sentence, arguments
    assert boxdeck.ok("diff", web) == ""


def test_a_few_bytes_are_no_archive(boxdeck: CommandLine, web: str) -> None:
    for some in ("j", "junk", "\x1f\x8b"):
        answer = boxdeck("cp", "-", "web:/opt", input=some)
        assert answer.status == 125 and "archive is damaged" in answer.sentence, some
    assert boxdeck.ok("diff", web) == ""


def test_a_terminal_gets_no_archive(boxdeck: CommandLine, web: str, tmp_path: Path) -> None:
    command = "script -qec '$B cp web:/etc -' /dev/null"
    out, _, status = in_shell(boxdeck, command, tmp_path)
    assert status == 125 and b"an archive is nothing for a terminal" in out


def test_much_is_copied_with_little_memory(boxdeck: CommandLine, web: str, tmp_path: Path) -> None:
    """Also when it comes as an archive from a pipe."""
    with (tmp_path / "big").open("wb") as file:
        for _ in range(200):
            file.write(b"\1" * MEBIBYTE)
    for arguments, source in ((("-", "web:/tmp"), archive(200)), ((str(tmp_path / "big"), "web:/tmp/more"), None)):
        argv = [sys.executable, "-ISc", _MEASURED, *boxdeck.argv, "cp", "-q", *arguments]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        for piece in source or ():
            process.stdin.write(piece)
        process.stdin.close()
        assert int(process.stdout.read()) < 150 << 10
        assert process.wait() == 0
    assert boxdeck.ok("exec", web, "stat", "-c", "%s", "/tmp/big") == str(200 * MEBIBYTE)
    assert in_shell(boxdeck, "$B cp web:/tmp/more - | tar -xO | cmp - big", tmp_path) == (b"", SAID_OF_BIG, 0)


def archive(mebibytes: int) -> Iterator[bytes]:
    """A tar of one file, piece by piece."""
    member = tarfile.TarInfo("big")
    member.size = mebibytes * MEBIBYTE
    yield member.tobuf()
    for _ in range(mebibytes):
        yield b"\1" * MEBIBYTE
    yield bytes(1024)
