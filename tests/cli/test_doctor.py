"""``boxdeck doctor``: in text, as JSON, and with an exit status."""

from __future__ import annotations

import subprocess

from tests.command_line import PROGRAM, CommandLine


def test_this_machine_is_examined(boxdeck: CommandLine) -> None:
    answer = boxdeck("doctor")
    assert answer.status == 0
    named = [line[9:26].strip() for line in answer.lines if line[:7].strip() in ("ok", "limited")]
    assert named[:3] == ["root", "kernel", "control groups"] and "nftables" in named and named[-1] == "terminal"
    documents = boxdeck("doctor", "--format", "json").json
    assert [each["Name"] for each in documents] == named
    assert all(bool(each["Remedy"]) == (each["Verdict"] != "good") for each in documents)


def test_a_root_without_power_is_told_so_and_what_to_do() -> None:
    argv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", PROGRAM, "doctor"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "MISSING  root" in ended.stdout and "CAP_SYS_ADMIN" in ended.stdout and "--privileged" in ended.stdout
    assert ended.stdout.count("only root can try") == 4 and "1 missing" in ended.stdout
