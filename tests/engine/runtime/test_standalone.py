"""boxdeck-oci as its callers use it: a bundle, and runc's words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import Engine
from engine.cgroups.manager import remove_parent
from engine.images.layers import lower_directories
from engine.oci import runtime_spec
from engine.oci.runtime_spec import Linux, LinuxPids, LinuxResources, Mount, Namespace, Process, Root, Spec

pytestmark = pytest.mark.vm


class Runtime:
    """The command, on a state folder and a bundle of its own."""

    def __init__(self, folder: Path, layer: Path) -> None:
        self._root = folder / "state"
        self.log = folder / "log.json"
        self.bundle = folder / "bundle"
        self.bundle.mkdir()
        self._layer = layer
        self.parent = f"boxdeck-test-{os.getpid()}"

    def describe(self, *command: str, **process: object) -> None:
        """Write a config.json that runs a command on the layer of `base`, read-only."""
        spec = Spec(
            oci_version="1.2.0",
            root=Root(path=str(self._layer), readonly=True),
            process=Process(args=command, cwd="/", env=("PATH=/usr/bin:/bin",), **process),  # type: ignore[arg-type]
            hostname="standalone",
            mounts=(
                Mount(destination="/proc", type="proc", source="proc"),
                Mount(destination="/dev", type="tmpfs", source="tmpfs", options=("nosuid", "mode=755")),
                Mount(destination="/dev/pts", type="devpts", source="devpts", options=("newinstance", "ptmxmode=0666")),
            ),
            linux=Linux(
                namespaces=tuple(Namespace(type=kind) for kind in ("mount", "uts", "ipc", "pid", "network")),  # type: ignore[arg-type]
                cgroups_path=f"/{self.parent}/one",
                resources=LinuxResources(pids=LinuxPids(limit=20)),
            ),
        )
        (self.bundle / "config.json").write_bytes(runtime_spec.encode(spec))

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine.runtime.cli", "--root", str(self._root)]
        command += ["--log", str(self.log), "--log-format", "json", *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    def state(self) -> str:
        return str(msgspec.json.decode(self("state", "one").stdout)["status"])


@pytest.fixture
async def layer(engine: Engine) -> Path:
    return lower_directories(engine.paths, await engine.images.get("base"))[0]


@pytest.fixture
def runtime(tmp_path: Path, layer: Path) -> Iterator[Runtime]:
    made = Runtime(tmp_path, layer)
    yield made
    made("delete", "--force", "one")
    assert remove_parent(made.parent)


def test_run_gives_the_processes_output_and_exit_status(runtime: Runtime) -> None:
    runtime.describe("sh", "-c", "echo $$; hostname; cat /sys/class/net/lo/operstate 2>&-; exit 7")
    done = runtime("run", "--bundle", str(runtime.bundle), "one")
    assert (done.stdout, done.returncode) == ("1\nstandalone\n", 7)
    assert runtime("state", "one").returncode == 1  # gone


def test_a_container_goes_from_created_over_running_to_stopped(runtime: Runtime, tmp_path: Path) -> None:
    runtime.describe("sleep", "1000")
    pid_file = tmp_path / "pid"
    arguments = ("create", "--bundle", str(runtime.bundle), "--pid-file", str(pid_file), "one")
    # The process keeps the standard streams of `create`, so they may not be pipes that somebody waits for.
    command = [sys.executable, "-m", "engine.runtime.cli", "--root", str(tmp_path / "state"), *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
    pid = int(pid_file.read_text())
    assert runtime.state() == "created"
    assert "python" in os.readlink(f"/proc/{pid}/exe")
    assert runtime("start", "one").returncode == 0
    assert runtime.state() == "running"
    assert os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep"
    assert "has not stopped" in runtime("delete", "one").stderr
    assert runtime("kill", "one", "KILL").returncode == 0
    deadline = time.monotonic() + 5
    while runtime.state() != "stopped" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runtime("delete", "one").returncode == 0
    assert "there is no container 'one'" in runtime("state", "one").stderr


def test_a_command_that_doesn_t_exist_is_said_in_the_log_and_leaves_nothing(runtime: Runtime) -> None:
    runtime.describe("nosuchcommand")
    assert runtime("run", "--bundle", str(runtime.bundle), "one").returncode == 1
    entry = msgspec.json.decode(runtime.log.read_bytes().splitlines()[0])
    assert entry["level"] == "error" and "nosuchcommand" in entry["msg"]
    assert runtime("state", "one").returncode == 1


def test_a_bundle_that_doesn_t_exist_is_one_sentence(runtime: Runtime) -> None:
    done = runtime("run", "--bundle", "/nowhere", "one")
    assert done.returncode == 1 and "/nowhere/config.json can't be read" in done.stderr
    assert "Traceback" not in done.stderr
