"""What config.json says of a process, seen from inside and outside of a real container."""

from __future__ import annotations

import errno
import os
import platform
import resource
import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from engine.oci import runtime_spec, seccomp_spec
from engine.oci.linux_spec import IdMapping, Namespace, Personality
from engine.oci.process_spec import Capabilities, ExecCPUAffinity, IOPriority, Rlimit, Scheduler, User
from engine.oci.runtime_spec import Mount
from engine.oci.seccomp_spec import Seccomp, SeccompSyscall
from engine.runtime import seccomp_profile
from tests.engine.runtime.oci.runtime import Runtime
from tests.engine.runtime.seccomp_agent import Agent

pytestmark = pytest.mark.vm

RENAME = ("rename", "renameat", "renameat2")
EXECS_WITH_HOMES = ((), ("--user", "0"), ("--user", "4242"), ("--env", "HOME=/chosen"))
MAPPINGS = (IdMapping(container_id=0, host_id=300_000, size=65_536),)


def change(runtime: Runtime, **fields: object) -> None:
    """Replace fields of ``linux``; a filter is given as what it means."""
    if isinstance(wanted := fields.pop("seccomp", None), Seccomp):
        fields["seccomp_text"] = seccomp_spec.encode(wanted)
    path = runtime.bundle / "config.json"
    spec = runtime_spec.decode(path.read_bytes())
    assert spec.linux is not None
    path.write_bytes(runtime_spec.encode(replace(spec, linux=replace(spec.linux, **fields))))


def change_process(runtime: Runtime, **fields: object) -> None:
    path = runtime.bundle / "config.json"
    spec = runtime_spec.decode(path.read_bytes())
    assert spec.process is not None
    path.write_bytes(runtime_spec.encode(replace(spec, process=replace(spec.process, **fields))))


def add_mount(runtime: Runtime, mount: Mount) -> None:
    path = runtime.bundle / "config.json"
    spec = runtime_spec.decode(path.read_bytes())
    path.write_bytes(runtime_spec.encode(replace(spec, mounts=(*spec.mounts, mount))))


def run(runtime: Runtime) -> subprocess.CompletedProcess[str]:
    return runtime("run", "--bundle", str(runtime.bundle), "one")


def start(runtime: Runtime) -> None:
    runtime.detached("run", "--detach", "--bundle", str(runtime.bundle), "one")


def in_user_namespace(runtime: Runtime) -> None:
    spec = runtime_spec.decode((runtime.bundle / "config.json").read_bytes())
    assert spec.linux is not None
    own = (*spec.linux.namespaces, Namespace(type="user"))
    change(runtime, namespaces=own, uid_mappings=MAPPINGS, gid_mappings=MAPPINGS)


@pytest.mark.parametrize("user", [False, True])
def test_what_takes_privileges_over_the_host_is_had_in_a_user_namespace_as_well(runtime: Runtime, user: bool) -> None:
    runtime.describe(
        *("sleep", "1000"),
        oom_score_adj=250,
        scheduler=Scheduler(policy="SCHED_BATCH", nice=-4),
        io_priority=IOPriority(class_="IOPRIO_CLASS_RT", priority=6),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=33, hard=44),),
    )
    if user:
        in_user_namespace(runtime)
    start(runtime)
    pid = runtime.pid
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "250\n"
    assert (os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)) == (os.SCHED_BATCH, -4)
    assert subprocess.check_output(["ionice", "-p", str(pid)], text=True) == "realtime: prio 6\n"
    assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (33, 44)


def test_an_exec_has_them_too(runtime: Runtime, tmp_path: Path) -> None:
    runtime.describe("sleep", "1000")
    in_user_namespace(runtime)
    start(runtime)
    wanted = {
        "cwd": "/",
        "args": ["sh", "-c", "cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; umask; id -G; nice"],
        "env": ["PATH=/usr/bin:/bin"],
        "oomScoreAdj": 111,
        "scheduler": {"policy": "SCHED_OTHER", "nice": -2},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 30}],
        "user": {"uid": 0, "gid": 0, "umask": 63, "additionalGids": [7]},
    }
    (tmp_path / "process.json").write_bytes(msgspec.json.encode(wanted))
    said = runtime.ok("exec", "--process", str(tmp_path / "process.json"), "one")
    assert said.split("\n")[:6] == ["111", "20", "30", "0077", "0 7", "-2"]


def test_a_limit_that_can_t_be_had_makes_no_container(runtime: Runtime) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    runtime.describe("true", rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=1, hard=hard * 1024),))
    done = run(runtime)
    assert done.returncode != 0
    assert "RLIMIT_NOFILE" in runtime.log.read_text()
    assert runtime("state", "one").returncode != 0


def test_capabilities_that_can_t_be_granted_are_left_out_with_a_warning(runtime: Runtime) -> None:
    given = ("CAP_KILL", "CAP_SOLVE_EVERYTHING")
    wanted = Capabilities(bounding=given, permitted=given, effective=given)
    runtime.describe("grep", "CapEff", "/proc/self/status", capabilities=wanted)
    assert run(runtime).stdout.split() == ["CapEff:", "0000000000000020"]
    assert "warning" in (text := runtime.log.read_text())
    assert "left out, since they can't be granted here: CAP_SOLVE_EVERYTHING" in text


@pytest.mark.parametrize(
    ("sets", "what"),
    [
        ({"permitted": ("CAP_KILL",), "effective": ("CAP_KILL", "CAP_CHOWN")}, "effective, but not permitted"),
        ({"permitted": ("CAP_CHOWN",), "ambient": ("CAP_CHOWN",)}, "ambient, but not inheritable"),
    ],
)
def test_capabilities_that_only_one_set_has_are_warned_of(
    runtime: Runtime, sets: dict[str, tuple[str, ...]], what: str
) -> None:
    wanted = Capabilities(bounding=("CAP_KILL", "CAP_CHOWN"), **sets)
    runtime.describe("true", capabilities=wanted)
    assert run(runtime).returncode == 0
    assert "left out, since they can't be granted here: CAP_CHOWN\"" in runtime.log.read_text(), what


def test_a_process_without_a_home_gets_its_users(runtime: Runtime, tmp_path: Path, layer: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text("malformed\nroot:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:\nann2:x:1000:1000::/x:\n")
    runtime.describe("sh", "-c", "echo $HOME; exec sleep 1000", user=User(uid=1000, gid=1000))
    add_mount(runtime, Mount(destination="/etc/passwd", type="bind", source=str(passwd), options=("bind", "ro")))
    start(runtime)
    homes = [runtime.ok("exec", *flags, "one", "sh", "-c", "echo $HOME") for flags in EXECS_WITH_HOMES]
    assert homes == ["/home/ann\n", "/root\n", "/\n", "/chosen\n"]


def test_a_pipe_in_place_of_passwd_holds_nothing_up(runtime: Runtime, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "passwd")
    runtime.describe("sh", "-c", "echo $HOME")
    add_mount(runtime, Mount(destination="/etc/passwd", type="bind", source=str(pipe), options=("bind",)))
    assert run(runtime).stdout == "/\n"


def test_a_working_directory_is_made_even_where_the_root_is_read_only(
    runtime: Runtime, tmp_path: Path, layer: Path
) -> None:
    runtime.describe("sh", "-c", "pwd; touch /x || echo read-only")
    upper, work = tmp_path / "upper", tmp_path / "work"
    upper.mkdir()
    work.mkdir()
    options = (f"lowerdir={layer}", f"upperdir={upper}", f"workdir={work}")
    add_mount(runtime, Mount(destination="/", type="overlay", source="overlay", options=options))
    change_process(runtime, cwd="/new/folder")
    ended = run(runtime)
    assert ended.stdout == "/new/folder\nread-only\n", (ended, runtime.log.read_text())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="is about machines that can be 32 bits wide, too")
def test_a_personality(runtime: Runtime) -> None:
    runtime.describe("uname", "-m")
    change(runtime, personality=Personality(domain="LINUX32"))
    assert run(runtime).stdout == "i686\n"


def test_an_exec_runs_on_the_processors_that_config_json_names(runtime: Runtime) -> None:
    first = str(min(os.sched_getaffinity(0)))
    runtime.describe("sleep", "1000", exec_cpu_affinity=ExecCPUAffinity(initial=first, final=first))
    start(runtime)
    said = runtime.ok("exec", "one", "grep", "Cpus_allowed_list", "/proc/self/status")
    assert said.split() == ["Cpus_allowed_list:", first]
    assert os.sched_getaffinity(runtime.pid) == os.sched_getaffinity(0)  # it isn't for the first process


# Filters of system calls


def refusing(action: str = "SCMP_ACT_ERRNO", errno_ret: int | None = errno.ENOANO, **more: object) -> Seccomp:
    rule = SeccompSyscall(names=RENAME, action=action, errno_ret=errno_ret)  # type: ignore[arg-type]
    return Seccomp(default_action="SCMP_ACT_ALLOW", syscalls=(rule,), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("user", [User(), User(uid=1000)])
@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_a_filter_holds_for_the_first_process_and_for_further_ones(
    runtime: Runtime, user: User, no_new_privileges: bool
) -> None:
    runtime.describe("sleep", "1000", user=user, no_new_privileges=no_new_privileges, capabilities=Capabilities())
    change(runtime, seccomp=refusing())
    start(runtime)
    assert "Seccomp:\t2" in Path(f"/proc/{runtime.pid}/status").read_text()
    assert runtime("exec", "one", "grep", "Seccomp:", "/proc/self/status").stdout == "Seccomp:\t2\n"
    assert "No anode" in runtime("exec", "one", "mv", "-T", "/etc", "/b").stderr


@pytest.mark.parametrize("how", ["run", "exec"])
def test_an_agent_is_asked(runtime: Runtime, tmp_path: Path, how: str) -> None:
    agent = Agent(tmp_path, errno.ENOANO)
    move = ("mv", "-T", "/etc", "/b")
    runtime.describe(*(move if how == "run" else ("sleep", "1000")))
    linux_filter = refusing("SCMP_ACT_NOTIFY", None, listener_path=agent.path, listener_metadata="m")
    if how == "exec":  # only one connection is taken by the agent: that of the exec
        change(runtime, seccomp=linux_filter)
        start(runtime)
        agent.await_message()
        further = Agent(tmp_path, errno.ENOANO, name="further.sock")
        os.rename(further.path, agent.path)
        done = runtime("exec", "one", *move)
        agent = further
        runtime("kill", "one", "KILL")
    else:
        change(runtime, seccomp=linux_filter)
        done = run(runtime)
    assert "No anode" in done.stderr
    agent.join()
    assert agent.asked
    assert (agent.message["fds"], agent.message["metadata"]) == (["seccompFd"], "m")
    assert agent.message["state"]["id"] == "one"
    assert agent.message["pid"] > 0


def test_an_agent_that_is_not_there_makes_no_container(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000")
    change(runtime, seccomp=refusing("SCMP_ACT_NOTIFY", None, listener_path="/nowhere/agent.sock"))
    done = runtime("run", "--detach", "--bundle", str(runtime.bundle), "one")
    assert done.returncode != 0
    assert "/nowhere/agent.sock can't be reached" in runtime.log.read_text()


def test_the_filter_is_compiled_once_for_all_containers(runtime: Runtime) -> None:
    runtime.describe("true")
    change(runtime, seccomp=seccomp_profile.default((), platform.machine()))
    assert run(runtime).returncode == 0
    cached = [path for path in runtime.root.rglob("*") if path.is_file() and path.stat().st_mode & 0o777 == 0o600]
    (compiled,) = (path for path in cached if "seccomp" in path.parent.name)
    before = compiled.stat().st_ino
    assert run(runtime).returncode == 0
    assert compiled.stat().st_ino == before


def test_rules_that_can_t_be_meant_make_no_container(runtime: Runtime) -> None:
    runtime.describe("true")
    change(runtime, seccomp=Seccomp(default_action="SCMP_ACT_ALLOW", architectures=("SCMP_ARCH_Z80",)))
    assert run(runtime).returncode != 0
    assert "SCMP_ARCH_Z80" in runtime.log.read_text()


def test_the_user_that_is_none_is_not_root(runtime: Runtime) -> None:
    """4294967295 tells setresuid(2) to leave the user as it is: without `wrong_values`, `id` said root here."""
    runtime.describe("id", user=User(uid=2**32 - 1, gid=0))
    done = run(runtime)
    assert done.returncode == 1
    assert "root" not in done.stdout
    assert "process.user.uid" in runtime.log.read_text()
    runtime.start("sleep", "1000")
    done = runtime("exec", "--user", str(2**32 - 1), "one", "id")
    assert done.returncode == 255
    assert "root" not in done.stdout
