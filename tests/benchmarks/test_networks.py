"""The benchmark of networks: that it prints its rows. Figures are nobody's promise."""

from __future__ import annotations

import os
import re
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
