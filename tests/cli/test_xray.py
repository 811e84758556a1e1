"""``boxdeck xray`` tells of every call that strace sees, and people can read it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine

pytestmark = pytest.mark.vm

FOLLOWED = (
    "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount",
    "mount_setattr", "setns", "unshare", "clone3", "seccomp", "capset", "execve",
)  # fmt: skip


@pytest.fixture
def box(boxdeck: CommandLine) -> Iterator[str]:
    boxdeck.ok("run", "-d", "--xray", "--name", "looked-through", "--memory", "64m", "base", "sleep", "1000")
    yield "looked-through"
    boxdeck("rm", "-f", "looked-through")


def seen_by_strace(file: Path) -> dict[int, Counter[str]]:
    """The calls of each process; an execve only where it replaced a program or was tried by one of ours."""
    found: dict[int, Counter[str]] = {}
    for line in file.read_text(errors="replace").splitlines():
        if match := re.match(r"(\d+) +(\w+)\(", line):
            found.setdefault(int(match[1]), Counter())[match[2]] += 1
    return found


def test_every_call_that_strace_sees_of_maker_and_init_is_told(boxdeck: CommandLine, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    followed = ["strace", "-f", "-qq", "-s", "8", "-o", str(trace), "-e", f"trace={','.join(FOLLOWED)}"]
    subprocess.run(
        [
            *followed,
            *boxdeck.argv,
            "run",
            "--xray",
            "--name",
            "traced",
            "base",
            "true",
        ],  # strace waits for all that it follows
        check=True,
        capture_output=True,
        timeout=60,
        cwd="/",
    )
    calls = boxdeck("xray", "traced", "start", "--format", "json").json["Calls"]
    strace = seen_by_strace(trace)
    init = next(int(c["Result"]) for c in calls if (c["Process"], c["Name"]) == ("maker", "clone3"))
    maker = next(c["Pid"] for c in calls if c["Process"] == "maker")
    for process, pid in (("maker", maker), ("init", init)):
        told = Counter(c["Name"] for c in calls if c["Process"] == process and c["Name"] in FOLLOWED)
        told["clone3"] -= process == "init"  # its own birth, as it saw it
        assert +told == +strace[pid], process
    launcher = next(c["Pid"] for c in calls if c["Process"] == "launcher")
    assert strace[launcher]["clone3"] >= 1
    assert {"fsopen", "move_mount", "pivot_root", "seccomp"} <= set(strace[init])


def test_what_a_start_did_is_told_with_times_and_reasons(boxdeck: CommandLine, box: str) -> None:
    lines = boxdeck.ok("xray", box, "start", "--explain").splitlines()
    text = "\n".join(lines)
    assert lines[0].startswith(f"start {box} · ")
    assert lines[1].split() == ["AT", "µs", "TOOK", "µs", "PROCESS", "CALL"]
    for told in (
        "CLONE_NEWUSER",
        '("overlay"',  # fsopen, or mount where that takes no descriptors
        "memory.", '"67108864"',
        "uid_map>",
        "RTM_NEWLINK {name bd",
        "kind veth, peer {name eth0",
        'pivot_root(".", ".")',
        "capset(effective=(chown ",
        " instructions, sha256 ",
        '/sleep", ["sleep", "1000"]',
        "The container's root becomes the root of its mount namespace.",
    ):  # fmt: skip
        assert told in text, told
    only = boxdeck.ok("xray", box, "start", "-k", "ids").splitlines()
    assert 3 < len(only) < len(lines) / 5
    assert "there is no kind of call 'idz'" in boxdeck("xray", box, "-k", "idz").sentence
    told = boxdeck("exec", "--xray", box, "true")
    assert (told.status, told.out) == (0, "")
    assert "CLONE_NEWPID" in told.err
    assert 'execve("/' in told.err
    assert [line.split()[0] for line in boxdeck.ok("xray", box, "--list").splitlines()][:2] == ["exec", "start"]
    assert "no stop of looked-through has been recorded" in boxdeck("xray", box, "stop").sentence


def test_a_start_that_fails_tells_how_far_it_came(boxdeck: CommandLine) -> None:
    answer = boxdeck("run", "--xray", "--network", "none", "base", "/no/such/program")
    assert answer.status == 127
    assert '"/no/such/program", ["/no/such/program"]' in answer.err and "ENOENT" in answer.err
    assert "failed: the command '/no/such/program' doesn't exist" in answer.err


def test_a_command_s_words_are_nothing_that_a_terminal_obeys(boxdeck: CommandLine) -> None:
    hostile = "true '\x1b]0;evil\x07\x1b[31m\x9b2J'"
    try:
        told = [boxdeck("run", "--name", "hostile", "--network", "none", "--xray", "base", "sh", "-c", hostile).err]
        ways = ((), ("--explain",), ("--format", "json"), ("--format", "{{.Arguments}}"))
        told += [boxdeck.ok("xray", "hostile", "start", *options) for options in ways]
        for text in told:
            assert "evil" in text
            assert all(letter.isprintable() or letter == "\n" for letter in text), text
    finally:
        boxdeck("rm", "-f", "hostile")
