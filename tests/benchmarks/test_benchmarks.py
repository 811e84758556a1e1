"""The benchmark itself: that it prints what the README quotes. Figures are nobody's promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import processor
from tests.benchmarks.contest import Result
from tests.benchmarks.samples import Contestant, Look, Samples
from tests.benchmarks.table import Measured, markdown, text
from tests.command_line import CHECKOUT
from tests.conftest import needs_root

ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
CRUN, OURS, BWRAP = Result(20.0, 15.0, 30.0, 10.0), Result(9.0, 8.0, 12.0, None), Result(6.0, 5.0, 7.0, 2.5)
MEASURED = Measured(
    100,
    {"start crun": CRUN, "start boxdeck": OURS, "start bwrap": BWRAP, "exec boxdeck": OURS, "exec crun": CRUN},
    {"boxdeck version": CRUN},
    3 * 2**19,
)


def test_rows_are_sorted_and_have_their_ratio() -> None:
    lines = text(MEASURED).splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["bwrap", "boxdeck", "crun"]
    assert re.fullmatch(r"boxdeck +9\.0 ms +0\.45 +8\.0 +-", lines[4])
    assert "start boxdeck / start bwrap: 1.50" in lines
    assert "the shim's private memory: 1.50 MiB" in lines


def test_without_peers_there_are_no_ratios() -> None:
    alone = text(MEASURED._replace(contest={"start boxdeck": OURS, "exec boxdeck": OURS}))
    assert re.search(r"^boxdeck +9\.0 ms +- ", alone, re.MULTILINE)


def test_the_readmes_form_is_a_table() -> None:
    lines = markdown(MEASURED).splitlines()
    assert "| Boxdeck, in an open engine | 9.0 | 0.45 | - |" in lines
    assert "| `bwrap --unshare-all` | 6.0 | 0.30 | 2.5 |" in lines
    assert lines[-1] == "The shim of a running container has 1.5 MiB of memory of its own."


SAMPLES = Samples(
    looks=(Look(10, 0.5, 0.4), Look(500, 20.0, 18.0)),
    crowd=50,
    contest=(
        Contestant("boxdeck, in an open engine", 2.5, None),
        Contestant("podman stats --no-stream", 50.0, 60.0),
        Contestant("docker stats --no-stream", 500.0, 2200.0),
    ),
    grown_bytes=12 * 1024,
)


def test_the_apps_cost_is_a_line() -> None:
    measured = MEASURED._replace(app_percent=0.7)
    assert "app, 20 containers, idle: 0.70 % of a processor" in text(measured).splitlines()
    assert "The app with 20 containers in sight takes 0.7 % of a processor." in markdown(measured).splitlines()
    assert "idle" not in text(MEASURED)


def test_statistics_have_tables_of_their_own() -> None:
    lines = text(MEASURED._replace(samples=SAMPLES)).splitlines()
    assert any(re.fullmatch(r"500 containers +20\.00 ms +40\.0 us +18\.00 ms", line) for line in lines)
    assert any(re.fullmatch(r"boxdeck, in an open engine +2\.5 ms +0\.05 +-", line) for line in lines)
    assert lines[-1] == "memory after 10,000 looks: +12 KiB"
    lines = markdown(MEASURED._replace(samples=SAMPLES)).splitlines()
    assert "| 10 containers | 0.50 | 50 |" in lines
    assert "| `docker stats --no-stream` | 500.0 | 10.00 | 2200 |" in lines


def test_without_podman_statistics_have_no_ratio() -> None:
    lines = text(MEASURED._replace(samples=SAMPLES._replace(contest=SAMPLES.contest[:1]))).splitlines()
    assert any(re.fullmatch(r"boxdeck, in an open engine +2\.5 ms +- +-", line) for line in lines)


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
@pytest.mark.timeout(300)  # other managers and their daemons are started, too
def test_a_short_run_prints_the_table() -> None:
    argv = [sys.executable, "-m", "tests.benchmarks", "3", "--counts", "2", "4", "--crowd", "3"]
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    for row in (r"boxdeck", r"boxdeck-oci", r"python", r"engine: run to removed, --network bridge", r"boxdeck ps"):
        assert re.search(rf"^{row} +\d+\.\d ms", ended.stdout, re.MULTILINE), ended.stdout
    assert re.search(r"private memory: \d+\.\d\d MiB", ended.stdout)
    assert re.search(r"^4 containers +\d+\.\d\d ms +\d+\.\d us", ended.stdout, re.MULTILINE)
    assert re.search(r"^boxdeck stats --no-stream +\d+\.\d ms", ended.stdout, re.MULTILINE)
    assert re.search(r"^memory after 10,000 looks: [+-]\d+ KiB", ended.stdout, re.MULTILINE)
    assert "Traceback" not in ended.stderr


@pytest.mark.alone
@pytest.mark.skipif(not (ACCOUNTS / "cpuacct.usage").exists(), reason="processor time is measured on v1")
def test_what_a_killed_benchmark_has_left_the_next_one_takes_away() -> None:
    tag = f"0{os.getpid()}"
    script = (
        f"from tests.benchmarks.processor import ProcessorTime as T; T('{tag}', 'boxdeck-{tag}').__enter__(); print()"
    )
    argv = [sys.executable, "-c", f"{script}; input()"]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        benchmark.stdout.readline()
        assert len([*ACCOUNTS.glob(f"boxdeck*{tag}*")]) == 3
        processor.sweep()
        assert len([*ACCOUNTS.glob(f"boxdeck*{tag}*")]) == 3  # it is still there
        benchmark.kill()
    processor.sweep()
    assert [*ACCOUNTS.glob(f"boxdeck*{tag}*")] == []
