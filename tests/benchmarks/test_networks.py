"""The benchmark of networks: that it prints its rows. Figures are nobody's promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.command_line import CHECKOUT
from tests.conftest import needs_root


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
@pytest.mark.timeout(300)
def test_a_short_run_prints_its_rows() -> None:
    argv = [sys.executable, "-m", "tests.benchmarks.networks", "4"]
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    rows = (r"start of the first 1 +\d+\.\d ms", r"start of the last 1 +\d+\.\d ms +\d+\.\d\d of", r"look-ups .* \d+ a")
    for row in rows:
        assert re.search(rf"^{row}", ended.stdout, re.MULTILINE), ended.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)
@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 isn't installed: apt-get install iperf3")
@pytest.mark.timeout(300)
def test_throughput_is_compared() -> None:
    script = "from tests.benchmarks import throughput as t; t._has_docker = lambda: False; raise SystemExit(t.main())"
    ended = subprocess.run(
        [sys.executable, "-c", script, "1"], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    for row in ("container to container, boxdeck", "container to the host, boxdeck"):
        assert re.search(
            rf"^{row} +\d+\.\d\d Gbit/s.* ms by one +\d+\.\d\d, \d+\.\d\d and \d+\.\d\d of the other$",
            ended.stdout,
            re.MULTILINE,
        )
