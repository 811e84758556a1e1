"""What is told of containers, of this runtime, and of its command line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.cgroups.manager import Cgroup
from engine.oci.runtime_spec import decode
from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm


def test_list_tells_of_all_containers(runtime: Runtime) -> None:
    assert msgspec.json.decode(runtime.ok("list", "--format=json")) == []
    runtime.start("sleep", "1000")
    heading, line = runtime.ok("list").splitlines()
    assert heading.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert line.split()[:3] == ["one", str(runtime.pid), "running"]
    assert runtime.ok("list", "-q") == "one\n"
    assert msgspec.json.decode(runtime.ok("list", "-f", "json"))[0]["id"] == "one"


def test_ps_shows_the_container_s_processes_alone(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    assert msgspec.json.decode(runtime.ok("ps", "--format", "json", "one")) == [runtime.pid]
    heading, line = runtime.ok("ps", "one", "-o", "pid,args").splitlines()
    assert heading.split() == ["PID", "COMMAND"] and line.split() == [str(runtime.pid), "sleep", "1000"]
    assert "column PID" in runtime("ps", "one", "-o", "args").stderr


def test_ps_of_a_container_that_has_stopped_shows_nobody(runtime: Runtime) -> None:
    runtime.start("true")
    runtime.await_status("stopped")
    assert runtime.ok("ps", "--format", "json", "one") == "[]\n"
    assert runtime.ok("ps", "one").split()[:2] == ["UID", "PID"]


def test_events_print_what_is_used(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    event = msgspec.json.decode(runtime.ok("events", "--stats", "one"))
    assert (event["type"], event["id"]) == ("stats", "one")
    assert event["data"]["pids"] == {"current": 1, "limit": 20}
    assert event["data"]["memory"]["usage"]["usage"] > 0
    assert "is no interval" in runtime("events", "--interval", "soon", "one").stderr


def test_limits_are_changed_by_flags_and_by_json(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    runtime.ok("update", "--memory", "64m", "--pids-limit", "30", "one")
    limits = Cgroup.open(f"/{runtime.parent}/one").read_limits()
    assert (limits.memory_bytes, limits.pids) == (64 << 20, 30)
    done = runtime("update", "--resources", "-", "one", stdin='{"pids": {"limit": 40}}')
    assert done.returncode == 0, done.stderr
    assert Cgroup.open(f"/{runtime.parent}/one").read_limits().pids == 40
    assert "is no size" in runtime("update", "--memory", "much", "one").stderr


def test_spec_writes_a_config_that_runs(runtime: Runtime) -> None:
    runtime.ok("spec", "--bundle", str(runtime.bundle))
    plain = decode((runtime.bundle / "config.json").read_bytes())
    assert plain.process is not None and plain.process.args == ("sh",) and plain.process.no_new_privileges
    assert "exists already" in runtime("spec", "--bundle", str(runtime.bundle)).stderr
    (runtime.bundle / "config.json").unlink()
    runtime.ok("spec", "--bundle", str(runtime.bundle), "--rootless")
    rootless = decode((runtime.bundle / "config.json").read_bytes())
    assert rootless.linux is not None and rootless.linux.namespace("user") and not rootless.linux.namespace("network")


def test_spec_writes_to_a_file_of_another_name(runtime: Runtime, tmp_path: Path) -> None:
    runtime.ok("spec", "--file", str(tmp_path / "other.json"))
    assert decode((tmp_path / "other.json").read_bytes()).process is not None


def test_features_are_those_of_the_specification(runtime: Runtime) -> None:
    features = msgspec.json.decode(runtime.ok("features"))
    assert (features["ociVersionMin"], features["ociVersionMax"]) == ("1.0.0", "1.3.0")
    assert features["hooks"][0] == "prestart" and len(features["hooks"]) == 6
    assert {"rro", "tmpcopyup", "idmap"} <= set(features["mountOptions"])
    assert "time" in features["linux"]["namespaces"]
    assert "SCMP_ARCH_X86_64" in features["linux"]["seccomp"]["archs"]
    assert features["linux"]["cgroup"] == {"v1": True, "v2": True, "systemd": True, "systemdUser": False, "rdma": True}


def test_the_version_has_the_form_that_dockerd_reads(runtime: Runtime) -> None:
    program, spec = runtime.ok("--version").splitlines()
    assert program.startswith("boxdeck-oci version ") and spec == "spec: 1.3.0"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("frobnicate",), "there is no verb 'frobnicate'"),
        (("state",), "state doesn't take 0 words"),
        (("state", "--frob", "one"), "there is no flag --frob"),
        (("create", "--bundle"), "the flag --bundle needs a value"),
        (("create", "--preserve-fds", "few", "one"), "the value of --preserve-fds is not valid"),
        (("run", "--bundle", "/nowhere", "one"), "/nowhere/config.json can't be read"),
        (("state", "one"), "container 'one' does not exist"),
        (("kill", "one", "NOSUCH"), "'NOSUCH' is not a signal"),
        (("list", "--format", "xml"), "--format can't be 'xml': choose one of table, json"),
        (("--log", "/nowhere/log", "list"), "the log /nowhere/log can't be written (No such file or directory)"),
        (("--log-level", "loud", "list"), "--log-level can't be 'loud': choose one of error, warning, debug"),
        (("--cgroup-manager", "none", "list"), "--cgroup-manager can't be 'none': choose one of cgroupfs, systemd"),
        (("kill", "--regex", "(", "KILL"), "'(' is no regular expression"),
        (("update", "--l3-cache-schema", "L3:0=f", "one"), "--l3-cache-schema: resource control (Intel RDT) isn't sup"),
    ],
)
def test_what_is_wrong_is_one_sentence(runtime: Runtime, arguments: tuple[str, ...], sentence: str) -> None:
    done = runtime(*arguments)
    assert done.returncode == 1 and sentence in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_help_names_verbs_and_flags(runtime: Runtime) -> None:
    assert "checks" not in runtime.ok("--help") and "  exec " in runtime.ok("help")
    assert "--console-socket" in runtime.ok("exec", "--help")
