"""Every kind of disorder, made by hand: found, said in a line, mended, and gone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.cgroups.manager import Cgroup
from engine.runtime import status
from tests.command_line import CommandLine, eventually
from tests.engine.network.boxes import Box, shell
from tests.free_ports import free_port


class Findings:
    """Makes disorder, and has it found and mended."""

    def __init__(self, boxdeck: CommandLine) -> None:
        self.boxdeck = boxdeck

    def found(self) -> list[str]:
        """What a check says now."""
        answer = self.boxdeck("system", "check")
        assert answer.err == ""
        assert answer.status == int(bool(answer.lines))
        return answer.lines

    def are_mended(self, kind: str, *words: str) -> list[str]:
        """See that there is something, and that a repair mends everything; what the repair said."""
        lines = self.found()
        assert any(line.startswith(f"{kind} ") and all(word in line for word in words) for line in lines), lines
        assert all("--repair" in line for line in lines)
        answer = self.boxdeck("system", "check", "--repair")
        assert answer.status == 0, answer.out + answer.err
        assert all("mended: " in line for line in answer.lines)
        assert self.found() == []
        return answer.lines


@pytest.fixture
def findings(boxdeck: CommandLine) -> Iterator[Findings]:
    found = Findings(boxdeck)
    assert boxdeck("ps", "-aq").out == ""
    boxdeck("system", "check", "--repair")
    assert found.found() == []
    yield found
    boxdeck("system", "check", "--repair")


@pytest.fixture
def web(boxdeck: CommandLine) -> str:
    """The id of a container that runs, with a port."""
    return boxdeck.ok("run", "-d", "--name", "web", "-p", f"127.0.0.1:{free_port()}:80", "base", "sleep", "1000")


def change(boxdeck: CommandLine, *statements: str) -> None:
    with closing(sqlite3.connect(boxdeck.paths.database)) as database, database:
        for statement in statements:
            database.execute(statement)


def shim_of(boxdeck: CommandLine, container_id: str) -> int:
    found = status.read(boxdeck.paths.status(container_id))
    assert found is not None
    return found.shim_pid


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


# Containers and their shims


def test_nothing_is_found_where_everything_is_in_order(findings: Findings, web: str) -> None:
    assert findings.found() == []
    assert findings.boxdeck("system", "check", "--format", "json").json == []


def test_a_killed_shim(findings: Findings, web: str) -> None:
    shim = shim_of(findings.boxdeck, web)
    os.kill(shim, signal.SIGKILL)
    assert eventually(lambda: is_gone(shim))
    findings.are_mended("container", "web", "its shim was killed")
    assert findings.boxdeck.state("web")["ExitCode"] == 137


def test_a_container_that_runs_on_paper_only(findings: Findings, web: str) -> None:
    shim = shim_of(findings.boxdeck, web)
    os.kill(shim, signal.SIGKILL)
    assert eventually(lambda: is_gone(shim))
    shutil.rmtree(findings.boxdeck.paths.runtime(web))
    findings.are_mended("container", "web", "has no shim")


def test_a_shim_whose_status_file_was_deleted_is_not_left_alone_with_its_container(
    findings: Findings, web: str
) -> None:
    shim, inside = shim_of(findings.boxdeck, web), findings.boxdeck.state("web")["Pid"]
    shutil.rmtree(findings.boxdeck.paths.runtime(web))
    findings.are_mended("process", str(shim))
    assert eventually(lambda: is_gone(shim) and is_gone(inside))
    assert findings.boxdeck.ok("start", "web") == "web"


def test_a_status_that_cannot_be_read(findings: Findings, web: str) -> None:
    shim = shim_of(findings.boxdeck, web)
    findings.boxdeck.paths.status(web).write_text("garbage")
    findings.are_mended("container", "web", "no shim says anything")
    assert is_gone(shim)
    assert findings.boxdeck.state("web")["Status"] == "exited"
    assert findings.boxdeck.ok("start", "web") == "web"


@pytest.mark.parametrize(
    "order", [("ps", "-a"), ("rm", "--force", "web"), ("stop", "web"), ("system", "reset", "--force")]
)
def test_a_status_that_cannot_be_read_of_a_shim_that_was_killed(
    fresh_boxdeck: CommandLine, order: tuple[str, ...]
) -> None:
    """Nobody waits for its word, and nobody holds its container for running."""
    web = fresh_boxdeck.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "1000")
    shim = shim_of(fresh_boxdeck, web)
    os.kill(shim, signal.SIGKILL)
    assert eventually(lambda: is_gone(shim))
    fresh_boxdeck.paths.status(web).write_text("garbage")
    fresh_boxdeck.ok(*order, timeout=30)
    assert "Up" not in fresh_boxdeck.ok("ps", "-a")


def test_folders_of_no_container(findings: Findings) -> None:
    paths = findings.boxdeck.paths
    (paths.container("a" * 64) / "upper").mkdir(parents=True)
    (paths.runtime("b" * 64)).mkdir(parents=True)
    findings.are_mended("container", "a" * 64, "no container")
    assert not paths.container("a" * 64).exists()
    assert not paths.runtime("b" * 64).exists()


def test_folders_that_a_start_needs(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    container_id = boxdeck.ok("create", "--name", "cold", "base", "cat", "/etc/hostname")
    owner = boxdeck.paths.upper(container_id).stat().st_uid
    shutil.rmtree(boxdeck.paths.upper(container_id))
    shutil.rmtree(boxdeck.paths.work(container_id))
    (boxdeck.paths.container(container_id) / "hostname").unlink()
    assert len(findings.are_mended("container", "cold", "upper")) == 3
    assert boxdeck.paths.upper(container_id).stat().st_uid == owner
    assert boxdeck.ok("start", "-a", "cold") == container_id[:12]


def test_a_config_that_cannot_be_read_is_told_of_and_left_alone(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    container_id = boxdeck.ok("create", "--name", "cold", "base", "true")
    (boxdeck.paths.bundle(container_id) / "config.json").write_text("{")
    answer = boxdeck("system", "check", "--repair")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "config.json" in answer.out and "boxdeck rm -f cold" in answer.out
    boxdeck.ok("rm", "-f", "cold")
    assert findings.found() == []


def test_a_change_of_limits_that_was_cut_short(findings: Findings, web: str) -> None:
    paths = findings.boxdeck.paths
    paths.updates.mkdir(exist_ok=True)
    (paths.updates / web).write_text('{"limits": {}}')
    findings.are_mended("container", "web", "half-done")
    assert not (paths.updates / web).exists()


def test_a_container_that_was_to_be_removed_at_its_end(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    container_id = boxdeck.ok("run", "-d", "--rm", "--name", "brief", "base", "sleep", "1000")
    shim = shim_of(boxdeck, container_id)
    os.kill(shim, signal.SIGKILL)
    assert eventually(lambda: is_gone(shim))
    findings.are_mended("container", "brief")
    assert boxdeck.names("-a") == []


# Control groups and processes


def test_a_cgroup_of_nobody_with_a_process_in_it(findings: Findings, web: str) -> None:
    stray = subprocess.Popen(["sleep", "1000"])
    path = findings.boxdeck.paths.cgroup_path("c" * 64)
    for folder in Cgroup(path).folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
    Cgroup.open(path).join(stray.pid)
    findings.are_mended("cgroup", path, "1 processes")
    assert stray.wait(5) == -signal.SIGKILL
    assert findings.boxdeck.state("web")["Running"]


def test_a_container_that_was_moved_out_of_its_limits(findings: Findings, web: str) -> None:
    pid = findings.boxdeck.state("web")["Pid"]
    for folder in Cgroup(findings.boxdeck.paths.cgroup_path(web)).folders:
        (Path(folder).parent.parent / "cgroup.procs").write_text(str(pid))
    findings.are_mended("cgroup", "web", str(pid))
    assert pid in Cgroup.open(findings.boxdeck.paths.cgroup_path(web)).processes()


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_freezer_that_says_something_else_than_the_store(findings: Findings, web: str, is_paused: bool) -> None:
    cgroup = Cgroup.open(findings.boxdeck.paths.cgroup_path(web))
    if is_paused:
        findings.boxdeck.ok("pause", "web")
        cgroup.thaw()
    else:
        cgroup.freeze()
    findings.are_mended("cgroup", "web", "frozen")
    assert cgroup.is_frozen is is_paused


# Networks, ports, names


def test_a_bridge_and_an_interface_of_nobody(findings: Findings, web: str) -> None:
    paths = findings.boxdeck.paths
    bridge, veth = paths.network_bridge("abcdef"), paths.veth_name("0123456789")
    stray = Box()
    try:
        shell(f"ip link add {bridge} type bridge")
        shell(f"ip link add {veth} type veth peer name eth9 netns {stray.pid}")
        shell(f"ip link set {veth} master {paths.bridge_name}")
        lines = findings.are_mended("network", bridge)
        assert any(veth in line for line in lines)
    finally:
        stray.end()
    assert not {bridge, veth} & set(os.listdir("/sys/class/net"))


def test_a_bridge_of_somebody_else_is_not_touched(findings: Findings) -> None:
    shell("ip link add bdkother0 type bridge")
    try:
        assert findings.found() == []
        findings.boxdeck.ok("system", "check", "--repair")
        assert "bdkother0" in os.listdir("/sys/class/net")
    finally:
        shell("ip link del bdkother0")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("ip link del {veth}", "has gone"),
        ("ip link set {veth} nomaster", "isn't on the bridge"),
        ("ip link set {veth} down", "is down"),
        pytest.param("ip link del {bridge}", "its bridge", marks=pytest.mark.alone),  # else others take its subnet
    ],
)
def test_a_network_that_was_taken_from_a_running_container(findings: Findings, web: str, harm: str, words: str) -> None:
    boxdeck = findings.boxdeck
    shell(harm.format(veth=boxdeck.paths.veth_name(web), bridge=boxdeck.paths.bridge_name))
    findings.are_mended("network", words)
    (settings,) = boxdeck("inspect", "web").json
    gateway = settings["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    pid = settings["State"]["Pid"]
    assert "1 received" in shell(f"nsenter -t {pid} -n ping -c 1 -W 3 {gateway}")


def test_a_flushed_table(findings: Findings, web: str) -> None:
    table = f"inet {findings.boxdeck.paths.table_name}"
    before = shell(f"nft list table {table}")
    shell(f"nft delete table {table}")
    findings.are_mended("firewall", "has gone")
    assert sorted(shell(f"nft list table {table}").split()) == sorted(before.split())


def test_elements_that_were_added_and_taken_away(findings: Findings, web: str) -> None:
    table = f"inet {findings.boxdeck.paths.table_name}"
    shell(f"nft add element {table} everywhere4 '{{ tcp . 4711 : 10.89.0.77 . 80 }}'")
    shell(f"nft flush map {table} ports4")
    lines = findings.are_mended("firewall", "everywhere4", "too many")
    assert any("ports4" in line and "lacks" in line for line in lines)
    assert "4711" not in shell(f"nft list map {table} everywhere4")


def test_ports_of_a_container_that_does_not_run(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    container_id = boxdeck.ok("create", "--name", "cold", "base", "true")
    columns = "container_id, host_address, host_port, protocol, container_address, container_port"
    change(boxdeck, f"INSERT INTO open_ports ({columns}) VALUES ('{container_id}', '0.0.0.0', 9, 'tcp', '10.1.1.1', 9)")
    findings.are_mended("port", "cold", "1 ports")


def test_names_that_nobody_answers(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    boxdeck.ok("network", "create", "checked")
    try:
        boxdeck.ok("run", "-d", "--name", "one", "--network", "checked", "base", "sleep", "1000")
        server = next(pid for pid in filter(str.isdecimal, os.listdir("/proc")) if _serves_names(boxdeck, pid))
        os.kill(int(server), signal.SIGKILL)
        assert eventually(lambda: is_gone(int(server)))
        (boxdeck.paths.names / ("e" * 64)).write_bytes(b"")
        lines = findings.are_mended("names", "checked", "nobody answers")
        assert any("e" * 64 in line for line in lines)
        assert eventually(lambda: boxdeck("exec", "one", "getent", "hosts", "one").status == 0)
    finally:
        boxdeck.remove_all()
        boxdeck.ok("network", "rm", "checked")


def _serves_names(boxdeck: CommandLine, pid: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return str(boxdeck.paths.root).encode() in words and Path(f"/proc/{pid}/comm").read_text() == "boxdeck-names\n"
    except OSError:
        return False


# Leases


def test_a_lease_that_the_store_has_lost(findings: Findings, web: str) -> None:
    change(findings.boxdeck, "DELETE FROM leases", "DELETE FROM endpoints")
    findings.are_mended("lease", "web", "leased to nobody")
    other = findings.boxdeck.ok("run", "-d", "base", "sleep", "1000")
    first, second = findings.boxdeck("inspect", "web", other).json
    addresses = [each["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] for each in (first, second)]
    assert addresses[0] != addresses[1]


def test_a_range_of_ids_that_the_store_has_lost(findings: Findings, web: str) -> None:
    with closing(sqlite3.connect(findings.boxdeck.paths.database)) as database:
        before = database.execute("SELECT * FROM id_ranges").fetchall()
    if not before:
        pytest.skip("this file system takes no idmapped mounts, so containers have no ids of their own")
    change(findings.boxdeck, "DELETE FROM id_ranges")
    findings.are_mended("lease", "web", "ids")
    with closing(sqlite3.connect(findings.boxdeck.paths.database)) as database:
        assert database.execute("SELECT * FROM id_ranges").fetchall() == before


def test_rows_of_a_container_that_is_gone(findings: Findings) -> None:
    change(findings.boxdeck, f"INSERT INTO id_ranges (first, container_id) VALUES (1000013824, '{'d' * 64}')")
    findings.are_mended("store", "id_ranges")


# Images, volumes, files


def test_content_that_no_image_needs(findings: Findings) -> None:
    paths = findings.boxdeck.paths
    layer, blob = paths.layer("sha256:" + "1" * 64), paths.blobs / "sha256" / ("2" * 64)
    (layer / "etc").mkdir(parents=True)
    blob.write_bytes(b"nobody's")
    (paths.temporary / "blob-0123").write_bytes(b"half")
    findings.are_mended("image", str(layer), "no image")
    assert not any(path.exists() for path in (layer, blob, paths.temporary / "blob-0123"))
    assert findings.boxdeck.ok("run", "--rm", "base", "echo", "well") == "well"


def test_an_image_that_has_lost_a_layer_is_told_of(findings: Findings) -> None:
    paths = findings.boxdeck.paths
    (layer,) = (paths.layers / "sha256").iterdir()
    layer.rename(paths.root / "aside")
    try:
        answer = findings.boxdeck("system", "check", "--repair")
        assert (answer.status, len(answer.lines)) == (1, 1)
        assert answer.out.startswith("image base:latest: has lost the layer")
    finally:
        (paths.root / "aside").rename(layer)
    assert findings.found() == []


def test_volumes_without_a_folder_and_folders_without_a_volume(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    boxdeck.ok("volume", "create", "lost")
    boxdeck.ok("volume", "create", "kept")
    shutil.rmtree(boxdeck.paths.volume("lost"))
    (boxdeck.paths.volume_data("kept") / "letter").write_text("dear")
    change(boxdeck, "DELETE FROM volumes WHERE name = 'kept'")
    lines = findings.are_mended("volume", "lost", "has gone")
    assert any("kept" in line for line in lines)
    assert boxdeck.ok("volume", "ls", "-q").split() == ["kept", "lost"]
    assert boxdeck.ok("run", "--rm", "-v", "kept:/data", "base", "cat", "/data/letter") == "dear"
    boxdeck.ok("volume", "rm", "kept", "lost")


def test_small_files_of_containers_that_are_gone(findings: Findings) -> None:
    paths = findings.boxdeck.paths
    left = [paths.history("3" * 64), paths.updates / ("5" * 64)]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert len(findings.are_mended("file", "3" * 64, "no container")) == len(left)
    assert not any(path.exists() for path in left)


def test_a_lock_of_nobody_is_no_disorder_and_goes_with_whoever_looks(findings: Findings) -> None:
    lock = findings.boxdeck.paths.runroot / "locks" / ("4" * 64)
    lock.touch()
    assert findings.found() == []
    assert lock.exists()
    findings.boxdeck.ok("ps")
    assert not lock.exists()


def test_a_mount_of_somebody_else_is_told_of_and_left_alone(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    container_id = boxdeck.ok("create", "--name", "cold", "base", "true")
    upper = boxdeck.paths.upper(container_id)
    shell(f"mount -t tmpfs boxdeck-test {upper}")
    try:
        answer = boxdeck("system", "check", "--repair")
        assert answer.status == 1
        assert answer.out == f"mount {upper}: is something mounted where Boxdeck never does; umount {upper}\n"
    finally:
        shell(f"umount {upper}")
    assert findings.found() == []


# Beside others


@pytest.mark.slow
def test_whoever_starts_and_ends_containers_meanwhile_is_not_taken_for_disorder(findings: Findings) -> None:
    boxdeck = findings.boxdeck
    script = (
        'for i in 1 2; do "$@" run --rm -p 127.0.0.1:0:80 base true; n=$("$@" run -d -v v$$:/v base sleep 99);'
        ' "$@" exec $n true; "$@" rm -f $n >/dev/null; done'
    )
    busy = [subprocess.Popen(["/bin/sh", "-ec", script, "sh", *boxdeck.argv]) for _ in range(3)]
    checks, mended = 0, []
    while any(process.poll() is None for process in busy):
        mended += boxdeck("system", "check", "--repair").lines
        checks += 1
        time.sleep(0.01)
    assert [process.returncode for process in busy] == [0, 0, 0]
    assert checks > 3
    assert mended == []
    for name in boxdeck.ok("volume", "ls", "-q").split():
        boxdeck.ok("volume", "rm", name)
    assert findings.found() == []


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_large_volume_that_is_being_removed_is_no_leftover_until_its_remover_is_killed(
    findings: Findings, is_killed: bool
) -> None:
    boxdeck, temporary = findings.boxdeck, findings.boxdeck.paths.temporary
    boxdeck.ok("volume", "create", "large")
    data = boxdeck.paths.volume_data("large")
    for number in range(30_000):
        (data / str(number)).touch()
    removing = boxdeck.start("volume", "rm", "large")
    try:
        while not any(len(os.listdir(aside)) < 30_000 for aside in temporary.glob("volume-*/large/_data")):
            assert removing.poll() is None
        removing.send_signal(signal.SIGSTOP)
        assert findings.found() == []
        boxdeck.ok("ps")  # which sweeps
        assert any(temporary.glob("volume-*/large/_data/*"))
        if is_killed:
            removing.kill()
            removing.communicate()
            findings.are_mended("file", str(temporary), "a killed engine had begun")
        else:
            removing.send_signal(signal.SIGCONT)
            assert removing.communicate()[0] == b"large\n"
    finally:
        removing.kill()  # who stands still holds the lock of all content
    assert boxdeck("volume", "ls", "-q").out == "" and not any(temporary.iterdir())
