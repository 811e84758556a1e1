"""``boxdeck ns``: what exists, commands in fresh namespaces, commands in those of others."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.test_terminal import Terminal
from tests.command_line import CHECKOUT, PROGRAM, Answer, CommandLine, eventually
from tests.conftest import needs_root

pytestmark = [pytest.mark.vm, pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)]

KINDS = ["mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time"]
Typist = Callable[..., Terminal]


@pytest.fixture
def ns(tmp_path: Path) -> CommandLine:
    """The command line on a root that doesn't exist, and won't after the test."""
    boxdeck = CommandLine(tmp_path)
    boxdeck.argv.append("ns")
    return boxdeck


@pytest.fixture
def sleeper() -> Iterator[int]:
    """The pid of a process in a pid, mount, network and UTS namespace of its own, called there."""
    script = "mount -t proc proc /proc; hostname there; echo $$; exec sleep 100"
    options = ("--pid", "--fork", "--mount", "--net", "--uts", "--kill-child")
    with subprocess.Popen(["unshare", *options, "sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"1\n"
        yield int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        process.kill()


@pytest.fixture
def type_at() -> Iterator[Typist]:
    opened: list[Terminal] = []

    def start(argv: list[str]) -> Terminal:
        opened.append(Terminal(argv))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def nobody(*arguments: str) -> Answer:
    """Run the command line as a user without any privilege but to read the checkout."""
    who = ("--reuid=65534", "--regid=65534", "--clear-groups")
    reader = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    ended = subprocess.run(
        ["setpriv", *who, *reader, PROGRAM, "ns", *arguments],
        capture_output=True, text=True, cwd=CHECKOUT, check=False,
    )  # fmt: skip
    return Answer(ended.returncode, ended.stdout, ended.stderr)


# ls


def test_the_list_needs_no_engine_and_makes_none(ns: CommandLine) -> None:
    lines = ns("ls").lines
    assert lines[0].split() == ["TYPE", "INODE", "OWNER", "UID", "PARENT", "PROCESSES", "PID", "CONTAINER", "COMMAND"]
    assert [line.split()[0] for line in lines if "(host)" in line] == KINDS
    assert not ns.paths.root.exists()


def test_the_list_as_json_and_by_type(ns: CommandLine, sleeper: int) -> None:
    rows = ns("ls", "--format", "json", "-t", "net", "--type", "uts").json
    assert {row["Type"] for row in rows} == {"net", "uts"}
    (found,) = [row for row in rows if row["Inode"] == os.stat(f"/proc/{sleeper}/ns/net").st_ino]
    user = os.stat("/proc/self/ns/user").st_ino
    assert (found["Processes"], found["Host"], found["Owner"], found["OwnerUid"]) == (2, False, user, 0)
    assert found["Command"].startswith("unshare --pid")
    assert str(found["Inode"]) in ns.ok("ls", "-q", "-t", "net").split()
    assert str(found["Inode"]) not in ns.ok("ls", "-q", "-t", "uts").split()


def test_the_list_names_containers(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    pid = boxdeck.state("web")["Pid"]
    rows = boxdeck("ns", "ls", "--format", "json").json
    own = {row["Type"]: row for row in rows if row["Containers"] == ["web"]}
    assert {"mnt", "uts", "ipc", "pid", "net", "cgroup"} <= set(own)
    assert all(row["Pid"] == pid and not row["Host"] for row in own.values())
    assert own["pid"]["Parent"] == os.stat("/proc/self/ns/pid").st_ino
    assert any("web" in line.split() for line in boxdeck("ns", "ls", "-t", "net").lines)


def test_who_isnt_root_sees_what_is_theirs() -> None:
    answer = nobody("ls", "-t", "user", "--format", "json")
    assert answer.json[0]["Host"]


# run


def test_fresh_namespaces_are_fresh(ns: CommandLine) -> None:
    links = ns.ok(
        "run", "--all", "--", "sh", "-c", "for k in " + " ".join(KINDS) + "; do readlink /proc/self/ns/$k; done"
    )
    ours = {os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}
    assert len(set(links.split())) == 8 and not ours & set(links.split())
    assert not ns.paths.root.exists()


@pytest.mark.parametrize("by", ["auto", "clone", "unshare"])
def test_only_what_was_chosen_is_fresh(ns: CommandLine, by: str) -> None:
    links = ns.ok("run", "--pid", "--uts", "--by", by, "--", "readlink", *(f"/proc/self/ns/{kind}" for kind in KINDS))
    changed = [
        kind for kind, link in zip(KINDS, links.split(), strict=True) if link != os.readlink(f"/proc/self/ns/{kind}")
    ]
    assert changed == ["uts", "pid"]


def test_a_new_pid_namespace_begins_with_one_and_shows_only_itself(ns: CommandLine) -> None:
    out = ns.ok("run", "--pid", "--mount", "--", "sh", "-c", "echo $$; ps -e -o pid= -o comm= | cat")
    assert out.split()[:3] == ["1", "1", "sh"] and len(out.splitlines()) <= 4
    assert len(list(Path("/proc").glob("[0-9]*"))) > 4  # the mount stayed there


def test_a_new_network_has_lo_and_it_is_up(ns: CommandLine) -> None:
    assert "127.0.0.1/8" in ns.ok("run", "--net", "--", "ip", "-brief", "address")
    assert ns.ok("run", "--net", "--", "sh", "-c", "ip -brief link | wc -l").strip() == "1"


def test_a_new_host_name_stays_inside(ns: CommandLine) -> None:
    before = os.uname().nodename
    assert ns.ok("run", "--hostname", "elsewhere", "--", "hostname") == "elsewhere"
    assert os.uname().nodename == before


def test_clocks_of_its_own(ns: CommandLine) -> None:
    uptime = float(ns.ok("run", "--boot-offset", "1000000", "--", "cat", "/proc/uptime").split()[0])
    assert uptime == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME) + 1_000_000, abs=30)


def test_root_inside_and_somebody_else_outside(ns: CommandLine) -> None:
    out = ns.ok("run", "--pid", "--map", "0:200000:65536", "--", "sh", "-c", "id -u; id -g; cat /proc/self/uid_map")
    assert out.split() == ["0", "0", "0", "200000", "65536"]
    out = ns.ok("run", "--map", "0:200000:10", "--map", "10:300000:5", "--", "cat", "/proc/self/gid_map")
    assert out.split() == ["0", "200000", "10", "10", "300000", "5"]


@pytest.mark.parametrize("by", ["clone", "unshare"])
def test_without_privilege_a_user_namespace_allows_the_others(by: str) -> None:
    answer = nobody(
        "run", "-r", "--pid", "--mount", "--net", "--uts", "--by", by, "--hostname", "mine", "--",
        "sh", "-c", "id -u; hostname; cat /proc/self/uid_map; ip -brief link | wc -l",
    )  # fmt: skip
    assert answer.out.split() == ["0", "mine", "0", "65534", "1", "1"], answer.err


def test_without_privilege_and_user_namespace_there_is_a_way_out() -> None:
    answer = nobody("run", "--net", "--uts", "--", "id")
    assert answer.status == 125
    assert answer.sentence == (
        "boxdeck: unshare(CLONE_NEWNET|CLONE_NEWUTS) is refused (operation not permitted): "
        "become root, or add --map-root: a user namespace of one's own allows the others"
    )


def test_the_calls_are_shown(ns: CommandLine) -> None:
    answer = ns("run", "--verbose", "--uts", "--net", "--", "true")
    assert answer.err.splitlines()[0] == "unshare(CLONE_NEWNET|CLONE_NEWUTS)"
    answer = ns("run", "-v", "--pid", "--mount", "--map-root", "--", "true")
    lines = answer.err.splitlines()
    assert lines[0] == "clone3(CLONE_NEWUSER|CLONE_NEWNS|CLONE_NEWPID)"
    assert (
        lines[1].endswith("/uid_map, '0 0 1\\n')") and 'mount("/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC)' in lines
    )


def test_the_shell_is_the_callers(ns: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/hostname")
    assert ns.ok("run", "--hostname", "elsewhere") == "elsewhere"


@pytest.mark.parametrize("options", [("--uts",), ("--pid",), ("--pid", "--by", "unshare"), ("--time",)])
def test_exit_statuses_are_the_commands_own(ns: CommandLine, options: tuple[str, ...]) -> None:
    assert ns("run", *options, "--", "sh", "-c", "exit 7").status == 7
    assert ns("run", *options, "--", "no-such-command").status == 127
    assert ns("run", *options, "--", "/etc/passwd").status == 126


def test_a_command_that_a_signal_ends_ends_us_likewise(ns: CommandLine) -> None:
    assert ns("run", "--time", "--", "sh", "-c", "kill -USR1 $$").status == -signal.SIGUSR1


@pytest.mark.parametrize("options", [("--uts",), ("--time",), ("--pid",)])
def test_a_signal_ends_the_command(ns: CommandLine, options: tuple[str, ...]) -> None:
    process = ns.start("run", *options, "--", "sh", "-c", "echo ready; exec sleep 100")
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM
    assert process.stdout.read() == b""  # nobody is left who could write


def test_a_signal_that_the_command_handles_is_its_own(ns: CommandLine) -> None:
    process = ns.start("run", "--pid", "--", "sh", "-c", "trap 'echo caught; exit 3' TERM; echo ready; sleep 9 & wait")
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.wait(10) == 3


def test_killing_us_kills_the_command(ns: CommandLine) -> None:
    process = ns.start("run", "--pid", "--", "sh", "-c", "echo ready; exec sleep 100")
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.kill()
    assert process.stdout.read() == b""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--", "id"), "no namespace was chosen: name some, such as --pid --mount --net, or --all"),
        (("--map", "0:1", "--", "id"), "'0:1' is not INSIDE:OUTSIDE:COUNT"),
        (("--time", "--by", "clone"), "clone can't make a time namespace with clocks that can be set"),
        (("--hostname", "x" * 65), "can't be a host name"),
        (("--boot-offset=-999999999", "--", "id"), "the clocks can't be set -999999999 seconds off"),
        (("--map", "0:1:5", "--map", "3:9:5", "--", "id"), "uid_map can't be written (invalid argument)"),
        (("--pid", "--map", "0:1:5", "--map", "3:9:5", "--", "id"), "uid_map can't be written (invalid argument)"),
    ],
)
def test_what_cant_be_is_one_sentence(ns: CommandLine, arguments: tuple[str, ...], sentence: str) -> None:
    answer = ns("run", *arguments)
    assert answer.status == 125 and sentence in answer.sentence


def test_words_may_be_any_bytes(ns: CommandLine) -> None:
    argv = [os.fsencode(word) for word in (*ns.argv, "run", "--uts", "--", "printf", "%s")]
    assert subprocess.run([*argv, b"\xff\xfe"], capture_output=True, check=True).stdout == b"\xff\xfe"


# enter


def test_all_namespaces_of_a_process(ns: CommandLine, sleeper: int) -> None:
    out = ns.ok("enter", str(sleeper), "--", "sh", "-c", "hostname; ip -brief link | wc -l; ps -e -o comm= | head -n 1")
    assert out.split() == ["there", "1", "sleep"]
    assert not ns.paths.root.exists()


def test_only_those_that_are_named(ns: CommandLine, sleeper: int) -> None:
    links = ns.ok("enter", str(sleeper), "--net", "--", "readlink", *(f"/proc/self/ns/{kind}" for kind in KINDS))
    changed = [
        kind for kind, link in zip(KINDS, links.split(), strict=True) if link != os.readlink(f"/proc/self/ns/{kind}")
    ]
    assert changed == ["net"]


def test_the_calls_of_entering_are_shown(ns: CommandLine, sleeper: int) -> None:
    answer = ns("enter", "-v", "--uts", "--pid", str(sleeper), "--", "true")
    assert answer.err.splitlines()[:4] == [
        f"pidfd_open({sleeper})",
        "setns(pidfd, CLONE_NEWPID)",
        "clone3(0)",
        "setns(pidfd, CLONE_NEWUTS)",
    ]


def test_a_root_directory_of_its_own_is_entered(ns: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    script = f'mount --bind / /mnt; mkdir -p "/mnt{tmp_path}/old"; cd "/mnt"; echo ready; exec chroot /mnt sleep 60'
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        assert eventually(lambda: os.readlink(f"/proc/{process.pid}/root") == "/mnt")
        assert "/mnt" not in ns.ok("enter", str(process.pid), "--", "sh", "-c", "readlink /proc/$$/root; pwd")
        process.kill()


def test_a_container_by_name_and_by_the_beginning_of_its_id(boxdeck: CommandLine) -> None:
    container = boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    for reference in ("web", container[:8]):
        out = boxdeck.ok("ns", "enter", reference, "--", "sh", "-c", "hostname; ps -e -o comm= | head -n 1; pwd; id -u")
        assert out.split() == [container[:12], "sleep", "/", "0"]


def test_a_container_whose_root_is_nobody_outside(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--userns", "auto", "--network", "none", "base", "sleep", "100")
    inside = boxdeck.ok(
        "ns", "enter", "web", "--as", "33:44", "--", "sh", "-c", "id -u; id -g; cat /proc/self/uid_map"
    ).split()
    assert inside[:3] == ["33", "44", "0"] and int(inside[3]) > 65535
    own = ("sh", "-c", "id -u; hostname")
    assert boxdeck.ok("ns", "enter", "web", "--net", "--", *own).split() == ["0", os.uname().nodename]


def test_the_environment_stays_outside(boxdeck: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "1")
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    assert "SECRET" not in boxdeck.ok("ns", "enter", "web", "--", "env")
    assert "SECRET" in boxdeck.ok("ns", "enter", "web", "--net", "--", "env")


def test_nothing_of_ours_is_left_open_in_there(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    assert boxdeck.ok("ns", "enter", "web", "--", "sh", "-c", "ls /proc/$$/fd").split() == ["0", "1", "2"]


def test_a_containers_programs_get_no_capability_that_it_couldnt_have(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    status = Path(f"/proc/{boxdeck.state('web')['Pid']}/status").read_text()
    allowed = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    own = ("sh", "-c", "grep -E 'Cap(Prm|Bnd|Eff)' /proc/self/status")
    assert set(boxdeck.ok("ns", "enter", "web", "--", *own).split()[1::2]) == {allowed}
    assert set(boxdeck.ok("ns", "enter", "web", "--privileged", "--", *own).split()[1::2]) != {allowed}


def test_a_containers_programs_cant_reach_our_terminal(boxdeck: CommandLine, type_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    line = f"{' '.join(boxdeck.argv)} ns enter web -- sh -c 'ps -o tty= -p $$; echo end' </dev/null"
    terminal = type_at(["sh", "-c", line])
    assert terminal.expect(rb"(\S+)\s+end")[1] == b"?"


@pytest.mark.parametrize("state", ["created", "stopped", "absent"])
def test_what_doesnt_run_cant_be_entered(boxdeck: CommandLine, state: str) -> None:
    if state != "absent":
        boxdeck.ok("create", "--name", "web", "--network", "none", "base", "true")
    if state == "stopped":
        boxdeck.ok("start", "-a", "web")
    answer = boxdeck("ns", "enter", "web", "--", "id")
    words = "there is no container 'web'" if state == "absent" else "web is not running"
    assert answer.status == 125 and words in answer.sentence


def test_neither_process_nor_container(ns: CommandLine) -> None:
    answer = ns("enter", "4194304", "--", "id")
    assert answer.status == 125
    assert "there is neither a process nor a container 4194304" in answer.sentence


def test_who_has_ended_isnt_mistaken_for_us(ns: CommandLine) -> None:
    with subprocess.Popen(["true"]) as zombie:
        assert eventually(lambda: " Z " in Path(f"/proc/{zombie.pid}/stat").read_text())
        answer = ns("enter", str(zombie.pid), "--", "echo", "here")
    assert (answer.status, answer.out) == (125, "")
    assert f"{zombie.pid} has ended" in answer.sentence


# terminals


def test_a_shell_in_fresh_namespaces_has_job_control(ns: CommandLine, type_at: Typist) -> None:
    terminal = type_at([*ns.argv, "run", "--all", "--", "bash", "--norc"])
    terminal.type(b"echo $((1+1)) $$\n")
    terminal.expect(rb"[\r\n]2 1\r")
    terminal.type(b"sleep 100\n")
    time.sleep(0.3)
    terminal.type(b"\x1a")
    terminal.expect(rb"Stopped +sleep 100")
    terminal.type(b"exit 5\n")
    terminal.type(b"exit 5\n")
    assert terminal.end() == 5


def test_ctrl_c_ends_a_command_that_is_the_first_of_its_pid_namespace(ns: CommandLine, type_at: Typist) -> None:
    terminal = type_at([*ns.argv, "run", "--pid", "--", "sh", "-c", "echo ready; exec sleep 100"])
    terminal.expect(b"ready")
    time.sleep(0.2)
    terminal.type(b"\x03")
    assert terminal.end() == -signal.SIGINT


def test_a_shell_in_a_container_has_a_terminal_of_the_containers(boxdeck: CommandLine, type_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "100")
    terminal = type_at([*boxdeck.argv, "ns", "enter", "web"])
    terminal.type(b"tty; stty size\n")
    terminal.expect(rb"/dev/pts/0\r\n24 80\r")
    terminal.resize(30, 100)
    terminal.type(b"sleep 0.2; stty size\n")
    terminal.expect(rb"[\r\n]30 100\r")
    terminal.type(b"sleep 100\n")
    time.sleep(0.3)
    terminal.type(b"\x03")
    terminal.type(b"exit 6\n")
    assert terminal.end() == 6
    assert terminal.is_cooked()


def test_kinds_are_explained_and_containers_compared_with_the_host(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "one", "--hostname", "eins", "--network", "none", "base", "sleep", "100")
    boxdeck.ok("run", "-d", "--name", "two", "--network", "container:one", "base", "sleep", "100")
    init = boxdeck.state("one")["Pid"]
    tree = boxdeck.ok("ns", "tree", "-t", "user", "-t", "pid").splitlines()
    user, pid = (next(i for i, line in enumerate(tree) if line.startswith(f"{kind}  ")) for kind in ("user", "pid"))
    assert "by unshare(CLONE_NEWUSER)" in tree[user]
    assert "nobody on the host" in tree[user + 1]
    assert "by clone3(CLONE_NEWPID)" in tree[pid]
    number = os.stat(f"/proc/{init}/ns/user").st_ino
    assert any(f"─ {number}  one, two  ids 0 → " in line for line in tree[user:pid])
    assert any(f"  one  pid 1 → {init}  1 in it  sleep 100" in line for line in tree[pid:])
    rows = {line.split()[0]: line for line in boxdeck.ok("ns", "compare", "one", "two").splitlines()}
    assert rows["KIND"].split() == ["KIND", "HOST", "ONE", "TWO"]
    assert rows["net"].split()[-4:] == [str(os.stat(f"/proc/{init}/ns/net").st_ino), "lo", "=", "one"]
    assert rows["uts"].split()[2] == os.uname().nodename
    assert rows["uts"].split()[4] == "eins"
    assert "= host" in rows["time"]
    assert f"1 process, pid 1 → {init}" in rows["pid"]
    portraits = boxdeck("ns", "compare", "one", "--format", "json").json
    assert [portrait["Name"] for portrait in portraits] == ["host", "one"]
    assert {aspect["Kind"] for aspect in portraits[1]["Aspects"]} == set(KINDS)
    boxdeck.ok("kill", "two")
    assert "two is not running" in boxdeck("ns", "compare", "two").sentence
