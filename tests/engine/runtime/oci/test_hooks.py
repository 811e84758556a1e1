"""Hooks of a config.json: all six, in order, where they belong, with the state on their standard input."""

from __future__ import annotations

import os
import platform
import signal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from engine.oci import runtime_spec, seccomp_spec
from engine.oci.process_spec import Capabilities, Rlimit, User
from engine.oci.runtime_spec import Hook, Hooks
from engine.runtime import seccomp_profile
from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm

# A hook's report: its name, the state that it got, and the namespaces and root that it sees.
_REPORT = (
    'name=$1; state=$(cat); echo "$name $(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/uts) $state" >> "$2"'
)


def reporter(name: str, target: str | Path) -> tuple[Hook, ...]:
    """A hook that adds a line to a file."""
    return (Hook(path="/bin/sh", args=("sh", "-c", _REPORT, "sh", name, str(target)), env=("PATH=/usr/bin:/bin",)),)


def reports(target: Path) -> list[list[str]]:
    """What hooks have written: name, mount namespace, UTS namespace, state."""
    return [line.split(" ", 3) for line in target.read_text().splitlines()]


def test_hooks_run_in_order_with_the_state_of_that_moment(runtime: Runtime, tmp_path: Path) -> None:
    target = tmp_path / "report"
    hooks = Hooks(
        prestart=reporter("prestart", target),
        create_runtime=reporter("createRuntime", target),
        create_container=reporter("createContainer", target),
        poststart=reporter("poststart", target),
        poststop=reporter("poststop", target),
    )
    runtime.describe("sleep", "1000", hooks=hooks)
    runtime.detached("run", "--detach", "--bundle", str(runtime.bundle), "one")
    pid = runtime.pid
    runtime.ok("kill", "one", "KILL")
    runtime.await_status("stopped")
    runtime.ok("delete", "one")
    found = reports(target)
    assert [row[0] for row in found] == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    states = [msgspec.json.decode(row[3]) for row in found]
    assert [state["status"] for state in states] == ["creating", "creating", "creating", "running", "stopped"]
    assert {state["id"] for state in states} == {"one"} and {state["bundle"] for state in states} == {
        str(runtime.bundle)
    }
    assert [states[0]["pid"], states[1]["pid"], states[3]["pid"]] == [pid, pid, pid]


def test_hooks_are_where_the_specification_puts_them(runtime: Runtime, tmp_path: Path) -> None:
    target = tmp_path / "report"
    hooks = Hooks(
        create_runtime=reporter("createRuntime", target), create_container=reporter("createContainer", target)
    )
    runtime.describe("sleep", "1000", hooks=hooks)
    runtime.detached("run", "--detach", "--bundle", str(runtime.bundle), "one")
    outside, inside = reports(target)
    assert outside[1:3] == [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "uts")]
    assert inside[1:3] == [os.readlink(f"/proc/{runtime.pid}/ns/{kind}") for kind in ("mnt", "uts")]


def test_the_hook_before_the_program_is_the_containers_own(runtime: Runtime) -> None:
    script = "cat > /dev/shm-report; hostname >> /dev/shm-report"
    hook = Hook(path="/usr/bin/sh", args=("sh", "-c", script), env=("PATH=/usr/bin:/bin",))
    runtime.describe("cat", "/dev/shm-report", hooks=Hooks(start_container=(hook,)))
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    state, hostname = done.stdout.rsplit("}", 1)
    assert msgspec.json.decode(state + "}")["status"] == "created" and hostname.strip() == "standalone"


_SURROUNDINGS = 'echo "$(umask) $(pwd) $(grep SigIgn /proc/self/status | cut -f 2)" >> "$0"'


def test_hooks_have_the_bundle_as_their_folder_and_write_nothing_that_others_can_change(
    runtime: Runtime, tmp_path: Path
) -> None:
    target = tmp_path / "surroundings"
    hook = (Hook(path="/bin/sh", args=("sh", "-c", _SURROUNDINGS, str(target)), env=("PATH=/usr/bin:/bin",)),)
    hooks = Hooks(prestart=hook, create_runtime=hook, create_container=hook, poststart=hook, poststop=hook)
    runtime.describe("true", hooks=hooks)
    assert runtime("run", "--bundle", str(runtime.bundle), "one").returncode == 0
    found = [line.split() for line in target.read_text().splitlines()]
    assert [(umask, folder) for umask, folder, _ in found] == [("0022", str(runtime.bundle))] * 5
    pythons = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1  # of signals, those that Python ignores
    assert not any(int(ignored, 16) & pythons for _, _, ignored in found)


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_the_hook_before_the_program_has_no_more_privileges_than_that(
    runtime: Runtime, no_new_privileges: bool
) -> None:
    """Its program is a file of the image's."""
    fields = "Umask|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp"
    script = f"grep -E '^({fields})' /proc/self/status; ulimit -n; pwd"
    given = ("CAP_KILL", "CAP_CHOWN")
    hook = Hook(path="/bin/sh", args=("sh", "-c", script), env=("PATH=/usr/bin:/bin",))
    runtime.describe(
        *("sh", "-c", script),
        hooks=Hooks(start_container=(hook,)),
        user=User(uid=5, gid=6, umask=0o27, additional_gids=(7,)),
        capabilities=Capabilities(bounding=given, permitted=given, effective=given),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=33, hard=44),),
        no_new_privileges=no_new_privileges,
    )
    path = runtime.bundle / "config.json"
    spec = runtime_spec.decode(path.read_bytes())
    assert spec.linux is not None
    filter = seccomp_profile.default(given, platform.machine())
    linux = replace(spec.linux, seccomp_text=seccomp_spec.encode(filter))
    path.write_bytes(runtime_spec.encode(replace(spec, linux=linux)))
    said = runtime("run", "--bundle", str(runtime.bundle), "one").stdout.splitlines()
    half = len(said) // 2
    assert half > 10 and said[:half] == said[half:], said


@pytest.mark.parametrize("kind", ["prestart", "create_runtime", "create_container", "start_container"])
def test_a_hook_that_fails_ends_the_container_before_its_program(runtime: Runtime, tmp_path: Path, kind: str) -> None:
    witness = tmp_path / "poststop"
    failing = (Hook(path="/bin/sh", args=("sh", "-c", "exit 3")),)
    runtime.describe(
        "echo", "the program ran", hooks=Hooks(**{kind: failing, "poststop": reporter("poststop", witness)})
    )
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert done.returncode != 0 and "hook /bin/sh ended with status 3" in done.stderr
    assert "the program ran" not in done.stdout
    assert runtime("state", "one").returncode == 1


def test_a_hook_that_takes_too_long_is_killed(runtime: Runtime) -> None:
    hook = Hook(path="/bin/sleep", args=("sleep", "1000"), timeout=1)
    runtime.describe("true", hooks=Hooks(create_runtime=(hook,)))
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert "createRuntime hook /bin/sleep took longer than its 1 s" in done.stderr


def test_a_hook_that_isn_t_there_is_named(runtime: Runtime) -> None:
    runtime.describe("true", hooks=Hooks(prestart=(Hook(path="/nowhere/hook"),)))
    assert "prestart hook /nowhere/hook" in runtime("run", "--bundle", str(runtime.bundle), "one").stderr


def test_a_hook_that_reads_nothing_is_none_the_worse(runtime: Runtime) -> None:
    runtime.describe("echo", "ran", hooks=Hooks(create_runtime=(Hook(path="/bin/true"),)))
    assert runtime("run", "--bundle", str(runtime.bundle), "one").stdout == "ran\n"


def test_after_a_failing_poststart_hook_the_container_is_stopped(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000", hooks=Hooks(poststart=(Hook(path="/bin/false"),)))
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert done.returncode != 0 and "poststart hook /bin/false ended with status 1" in done.stderr
