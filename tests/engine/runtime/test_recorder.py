"""The recorder among folders that don't say what they should: it records nothing there, and holds nothing open."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import pytest

from engine.runtime import status
from engine.runtime.recorder import Places, Recorder
from engine.runtime.status import Status
from engine.runtime.traffic import TrafficReader

CONTAINER = "c" * 64


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for name in ("containers", "history"):
        (tmp_path / name).mkdir()
    folders = {name: str(tmp_path / name) for name in ("containers", "history", "names")}
    return Places(
        runtimes=folders["containers"], histories=folders["history"], cgroups="/no-such-cgroup", names=folders["names"]
    )


def say(places: Places, state: str) -> None:
    folder = Path(places.runtimes, CONTAINER)
    folder.mkdir(exist_ok=True)
    said = Status(
        container_id=CONTAINER,
        generation=1,
        boot_id=status.boot_id(),
        shim_pid=1,
        shim_start_ticks=1,
        state=state,
        started_unix_ns=time.time_ns(),
    )
    status.write(folder / "status.json", said)


def descriptors() -> int:
    gc.collect()  # what tests before this one have left must not be closed in its course
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("state", ["creating", "created", "running", "exited", "failed"])
def test_a_container_without_a_cgroup_is_not_recorded(places: Places, state: str) -> None:
    say(places, state)
    recorder, before = Recorder(places), descriptors()
    for _ in range(3):
        recorder.record()
    assert descriptors() == before and not os.listdir(places.histories)


def test_what_is_no_status_is_passed_over(places: Places) -> None:
    for name, content in {"a": b"", "b": b"{", "c": b"[1]"}.items():
        Path(places.runtimes, name).mkdir()
        Path(places.runtimes, name, "status.json").write_bytes(content)
    Path(places.runtimes, "file").write_text("no folder")
    Recorder(places).record()
    assert not os.listdir(places.histories)


def test_a_root_that_has_gone_is_no_error(places: Places) -> None:
    recorder = Recorder(places)
    os.rmdir(places.runtimes)
    recorder.record()


def test_of_an_interface_that_is_not_there_no_traffic_is_known() -> None:
    before = descriptors()
    traffic = TrafficReader()
    for names in ((), ("no-such-link",)):
        assert all(value != value for value in traffic.read(names))
    traffic.close()
    assert descriptors() == before


def test_the_loopback_s_bytes_are_counted_from_the_other_end() -> None:
    traffic = TrafficReader()
    received, sent = traffic.read(["lo"])
    folder = Path("/sys/class/net/lo/statistics")
    assert received <= int((folder / "tx_bytes").read_text()) and sent <= int((folder / "rx_bytes").read_text())
    traffic.close()
