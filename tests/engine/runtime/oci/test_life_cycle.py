"""From create to delete, and what happens on the way when something goes wrong."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from engine.oci.runtime_spec import Hook, Hooks
from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm


def test_run_gives_the_processes_output_and_exit_status(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "echo $$; hostname; cat /sys/class/net/lo/operstate 2>&-; exit 7")
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert (done.stdout, done.returncode) == ("1\nstandalone\n", 7)
    assert runtime("state", "one").returncode == 1  # gone


def test_run_passes_its_standard_input_on(runtime: Runtime) -> None:
    runtime.describe("cat")
    assert runtime("run", "--bundle", str(runtime.bundle), "one", stdin="hello\n").stdout == "hello\n"


def test_a_container_goes_from_created_over_running_to_stopped(runtime: Runtime, tmp_path: Path) -> None:
    runtime.describe("sleep", "1000")
    pid_file = tmp_path / "pid"
    runtime.detached("create", "--bundle", str(runtime.bundle), "--pid-file", str(pid_file), "one")
    pid = int(pid_file.read_text())
    assert (runtime.status, runtime.pid) == ("created", pid)
    assert "boxdeck-oci" in os.readlink(f"/proc/{pid}/exe")  # a sealed copy, which no container can write to
    runtime.ok("start", "one")
    assert runtime.status == "running"
    assert os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep"
    assert "has not stopped" in runtime("delete", "one").stderr
    runtime.ok("kill", "one", "KILL")
    runtime.await_status("stopped")
    assert "container not running" in runtime("kill", "one").stderr  # words that containerd looks for
    runtime.ok("delete", "one")
    assert "container 'one' does not exist" in runtime("state", "one").stderr


def test_several_are_killed_and_deleted_by_one_pattern(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000")
    config = runtime.bundle / "config.json"
    text = config.read_text()
    for name in ("left-1", "left-2", "right"):
        config.write_text(text.replace(f"{runtime.parent}/one", f"{runtime.parent}/{name}"))
        runtime.detached("run", "--detach", "--bundle", str(runtime.bundle), name)
    try:
        runtime.ok("kill", "--regex", "^left-", "KILL")
        runtime.ok("delete", "--force", "--regex", "^left-")
        assert runtime.ok("list", "--quiet").split() == ["right"]
        runtime.ok("delete", "--force", "--regex", "^left-")  # nobody is left to match
    finally:
        runtime.ok("delete", "--force", "--regex", ".")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"ociVersion": "1.2.0"', '"ociVersion": "2.0.0"', "version '2.0.0' of the OCI runtime specification"),
        ('"linux": {', '"linux": {"mountLabel": "x",', "linux.mountLabel: "),
        ('"linux": {', '"linux": {"intelRdt": {"closID": "x"},', "linux.intelRdt: "),
    ],
)
def test_what_no_container_has_is_refused_by_its_name(runtime: Runtime, old: str, new: str, sentence: str) -> None:
    runtime.describe("true")
    config = runtime.bundle / "config.json"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1))
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert done.returncode == 1 and sentence in done.stderr
    assert runtime.ok("list", "--quiet") == ""


def test_no_container_can_write_to_what_runs_its_init(runtime: Runtime) -> None:
    """CVE-2019-5736. Without `sealed.ensure` the link leads to the interpreter's file, which has no seals."""
    runtime.describe("sleep", "1000")
    runtime.detached("create", "--bundle", str(runtime.bundle), "one")
    executable = os.open(f"/proc/{runtime.pid}/exe", os.O_RDONLY)
    try:
        assert fcntl.fcntl(executable, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
    finally:
        os.close(executable)
    inside = runtime("exec", "one", "sh", "-c", "readlink /proc/1/exe || head -c 1 /proc/1/exe")
    assert (inside.stdout, inside.returncode) == ("", 1)


def test_the_state_has_what_runc_prints(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    state = msgspec.json.decode(runtime.ok("state", "one"))
    assert (state["id"], state["bundle"], state["owner"]) == ("one", str(runtime.bundle), "root")
    assert state["rootfs"].startswith("/") and state["created"].endswith("Z") and state["ociVersion"] == "1.2.0"


def test_an_id_is_used_once_and_is_a_name(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    assert "exists already" in runtime("run", "--bundle", str(runtime.bundle), "one").stderr
    assert "can't be a container's id" in runtime("create", "--bundle", str(runtime.bundle), "../two").stderr
    assert "255 is the longest" in runtime("create", "--bundle", str(runtime.bundle), "x" * 256).stderr
    assert runtime.status == "running"


def test_a_container_is_started_once(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    assert "only a created one can be started" in runtime("start", "one").stderr


def test_changing_config_json_after_create_changes_nothing(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000")
    runtime.detached("create", "--bundle", str(runtime.bundle), "one")
    (runtime.bundle / "config.json").write_text("{")
    runtime.ok("start", "one")
    assert runtime.status == "running"
    assert runtime("exec", "one", "true").returncode == 0


def test_other_users_can_t_walk_the_state(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    for folder in (runtime.root, runtime.root / "one"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_command_that_doesn_t_exist_is_said_in_the_log_and_leaves_nothing(runtime: Runtime) -> None:
    runtime.describe("nosuchcommand")
    assert runtime("run", "--bundle", str(runtime.bundle), "one").returncode == 1
    entry = msgspec.json.decode(runtime.log.read_bytes().splitlines()[0])
    assert entry["level"] == "error" and "nosuchcommand" in entry["msg"]
    assert "executable file not found in $PATH" in entry["msg"]
    assert runtime("state", "one").returncode == 1


def test_what_nobody_may_execute_is_refused_when_the_container_is_made(runtime: Runtime) -> None:
    runtime.describe("/etc/passwd")
    done = runtime("create", "--bundle", str(runtime.bundle), "one")
    assert done.returncode == 1 and "can't be executed (permission denied)" in done.stderr
    assert runtime("state", "one").returncode == 1


def test_a_state_folder_that_can_t_be_made_is_named(runtime: Runtime) -> None:
    runtime.describe("true")
    said = runtime("--root", "/proc/new", "create", "--bundle", str(runtime.bundle), "one").stderr
    assert said == "boxdeck-oci: /proc/new/one can't be made (No such file or directory): choose another --root\n"


def test_a_cgroup_is_never_above_the_top(runtime: Runtime) -> None:
    runtime.describe("cat", "/proc/self/cgroup")
    path = runtime.bundle / "config.json"
    path.write_text(path.read_text().replace(f"/{runtime.parent}/one", f"../..//{runtime.parent}/./x/../one"))
    said = runtime("run", "--bundle", str(runtime.bundle), "one").stdout
    assert f":/{runtime.parent}/one\n" in said and ".." not in said


def test_what_a_killed_create_leaves_can_be_deleted(runtime: Runtime, tmp_path: Path) -> None:
    reached, never = tmp_path / "reached", tmp_path / "never"
    os.mkfifo(reached)
    os.mkfifo(never)
    script = f"echo > {reached}; cat {never}"
    runtime.describe("true", hooks=Hooks(create_runtime=(Hook(path="/bin/sh", args=("sh", "-c", script)),)))
    creating = subprocess.Popen([*runtime.argv, "create", "--bundle", str(runtime.bundle), "one"])
    reached.read_text()
    creating.kill()
    creating.wait()
    runtime.ok("delete", "--force", "one")
    assert runtime("state", "one").returncode == 1
    never.write_text("")  # lets go the hook, whose parent has gone


def test_deleting_by_force_ends_a_start_that_hangs(runtime: Runtime) -> None:
    hang = Hook(path="/bin/sh", args=("sh", "-c", "sleep 1000"))
    runtime.describe("true", hooks=Hooks(start_container=(hang,)))
    runtime.detached("create", "--bundle", str(runtime.bundle), "one")
    starting = subprocess.Popen([*runtime.argv, "start", "one"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    assert starting.poll() is None
    runtime.ok("delete", "--force", "one")
    starting.wait(timeout=100)
    assert runtime("state", "one").returncode == 1


def test_a_container_that_was_never_started_is_deleted_at_once(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000")
    runtime.detached("create", "-b", str(runtime.bundle), "one")
    pid = runtime.pid
    runtime.ok("delete", "one")
    assert not os.path.exists(f"/proc/{pid}") or Path(f"/proc/{pid}/stat").read_text().split()[2] in "ZX"


def test_deleting_by_force_what_isn_t_there_is_no_failure(runtime: Runtime) -> None:
    runtime.ok("delete", "--force", "one")


def test_hooks_after_start_and_after_stop_get_the_state(runtime: Runtime, tmp_path: Path) -> None:
    def writes(name: str) -> tuple[Hook, ...]:
        return (Hook(path="/bin/sh", args=("sh", "-c", f"cat > {tmp_path}/{name}")),)

    hooks = Hooks(poststart=writes("started"), poststop=writes("stopped"))
    runtime.describe("sleep", "1000", hooks=hooks)
    runtime.detached("run", "-d", "-b", str(runtime.bundle), "one")
    started = msgspec.json.decode((tmp_path / "started").read_bytes())
    assert (started["id"], started["status"], started["pid"]) == ("one", "running", runtime.pid)
    runtime.ok("delete", "--force", "one")
    assert msgspec.json.decode((tmp_path / "stopped").read_bytes())["status"] == "stopped"


def test_a_failing_poststart_hook_stops_the_container(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000", hooks=Hooks(poststart=(Hook(path="/bin/false"),)))
    runtime.detached("create", "-b", str(runtime.bundle), "one")
    done = runtime("start", "one")
    assert done.returncode == 1 and "poststart hook" in done.stderr
    runtime.await_status("stopped")


def test_a_failing_poststop_hook_is_a_warning(runtime: Runtime) -> None:
    runtime.describe("true", hooks=Hooks(poststop=(Hook(path="/bin/false"),)))
    assert runtime("run", "-b", str(runtime.bundle), "one").returncode == 0
    assert msgspec.json.decode(runtime.log.read_bytes().splitlines()[-1])["level"] == "warning"


def test_kill_all_reaches_everybody(runtime: Runtime) -> None:
    runtime.start("sh", "-c", "sleep 1000 & sleep 1000 & wait")
    deadline = time.monotonic() + 60
    while len(msgspec.json.decode(runtime.ok("ps", "-f", "json", "one"))) < 3:
        assert time.monotonic() < deadline
    runtime.ok("kill", "--all", "one", "KILL")
    runtime.await_status("stopped")
    runtime.ok("kill", "--all", "one", "TERM")  # nobody is left, which is what was wanted


def test_no_signal_is_the_one_that_asks_to_end(runtime: Runtime) -> None:
    runtime.start("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
    runtime.ok("kill", "one", "")
    runtime.await_status("stopped")


def test_signal_0_only_asks_whether_the_process_lives(runtime: Runtime) -> None:
    """As runc and kill(2) have it."""
    runtime.start("sleep", "1000")
    runtime.ok("kill", "one", "0")
    runtime.ok("kill", "--all", "one", "0")
    assert runtime.status == "running"
    runtime.ok("kill", "one", "KILL")
    runtime.await_status("stopped")
    assert "container not running" in runtime("kill", "one", "0").stderr


def test_a_paused_container_runs_on_when_resumed_and_dies_when_killed(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    runtime.ok("pause", "one")
    assert runtime.status == "paused"
    assert "is paused" in runtime("pause", "one").stderr
    runtime.ok("resume", "one")
    assert runtime.status == "running"
    assert "is running" in runtime("resume", "one").stderr
    runtime.ok("pause", "one")
    runtime.ok("kill", "one", "KILL")
    runtime.await_status("stopped")


def test_a_created_container_that_is_paused_isn_t_started_until_it_is_resumed(runtime: Runtime) -> None:
    runtime.describe("sleep", "1000")
    runtime.detached("create", "--bundle", str(runtime.bundle), "one")
    runtime.ok("pause", "one")
    assert runtime.status == "paused"
    assert "is paused: only a created one can be started" in runtime("start", "one").stderr
    runtime.ok("resume", "one")
    assert runtime.status == "created"
    runtime.ok("start", "one")
    assert runtime.status == "running"


def test_signals_to_run_go_on_to_the_process(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
    running = subprocess.Popen([*runtime.argv, "run", "-b", str(runtime.bundle), "one"], stdout=subprocess.PIPE)
    assert running.stdout is not None and running.stdout.readline() == b"ready\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=100) == 9
    running.stdout.close()
    assert runtime("state", "one").returncode == 1


def test_descriptors_are_preserved_when_asked_for(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from outside\n")
    runtime.describe("sh", "-c", "cat <&3; ls /proc/self/fd | wc -l")
    command = f'exec "$@" 3<{tmp_path}/file 4<{tmp_path}'
    argv = [*runtime.argv, "run", "--preserve-fds", "1", "-b", str(runtime.bundle), "one"]
    done = subprocess.run(["sh", "-c", command, "sh", *argv], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["from outside", "5"]  # 0 to 3, and the folder that ls reads


def test_sockets_passed_in_the_way_of_systemd_reach_the_process(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3")
    command = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3</'
    argv = [*runtime.argv, "run", "-b", str(runtime.bundle), "one"]
    done = subprocess.run(["sh", "-c", command, "sh", *argv], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "1 1" and len(done.stdout.splitlines()) == 2


def test_a_descriptor_that_isn_t_open_can_t_be_preserved(runtime: Runtime) -> None:
    runtime.describe("true")
    done = runtime("run", "--preserve-fds", "50", "-b", str(runtime.bundle), "one")
    assert done.returncode == 1 and "which is to be preserved, isn't open" in done.stderr


def test_run_joins_our_terminal_with_the_process_s(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "tty; read x; echo got $x; exit 6", terminal=True)
    master, slave = os.openpty()
    running = subprocess.Popen(
        [*runtime.argv, "run", "-b", str(runtime.bundle), "one"], stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    os.write(master, b"word\r")
    text = b""
    while b"got word" not in text:
        text += os.read(master, 1024)
    assert b"/dev/pts/0" in text
    assert running.wait(timeout=100) == 6
    os.close(master)
