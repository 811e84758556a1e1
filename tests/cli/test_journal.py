"""``--log-driver journald``, with a real journal in a mount namespace of its own."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.command_line import CommandLine

JOURNALD = Path("/lib/systemd/systemd-journald")
SCRIPT = """
set -e
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal
systemd-machine-id-setup >/dev/null 2>&1 || true
{journald} >/dev/null 2>&1 &
journal=$!
trap 'kill $journal; wait $journal || :' EXIT
for try in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
{boxdeck} run --name web --log-driver journald --log-opt labels=app.tier -l app.tier=front base sh -c {script}
for try in $(seq 50); do
    journalctl --directory /run/log/journal --sync >/dev/null 2>&1 || :
    journalctl --directory /run/log/journal -o export CONTAINER_NAME=web > {out} 2>/dev/null || :
    [ "$(grep -c '^MESSAGE=' {out})" -ge 3 ] && break
    sleep 0.1
done
{boxdeck} logs web 2> {refused} || :
"""


@pytest.mark.skipif(not JOURNALD.exists(), reason="systemd-journald isn't installed: apt-get install systemd")
def test_lines_are_entries_of_the_journal(boxdeck: CommandLine, tmp_path: Path) -> None:
    boxdeck.ok("run", "--rm", "base", "true")
    out, refused = tmp_path / "out", tmp_path / "refused"
    words = {
        "journald": JOURNALD,
        "boxdeck": shlex.join(boxdeck.argv),
        "script": shlex.quote("echo one; echo two >&2; printf unended"),
        "out": out,
        "refused": refused,
    }
    subprocess.run(["unshare", "-m", "sh", "-c", SCRIPT.format(**words)], check=True, timeout=120)
    entries = [
        dict(line.split("=", 1) for line in entry.splitlines()) for entry in out.read_text().split("\n\n") if entry
    ]
    said = {entry["MESSAGE"]: entry["PRIORITY"] for entry in entries}
    assert said == {"one": "6", "two": "3", "unended": "6"}
    assert {(entry["IMAGE_NAME"], entry["APP_TIER"]) for entry in entries} == {("base", "front")}
    assert all(entry["CONTAINER_ID_FULL"].startswith(entry["CONTAINER_ID"]) for entry in entries)
    assert "read it with: journalctl CONTAINER_NAME=web" in refused.read_text()


def test_without_a_journal_that_is_said(boxdeck: CommandLine) -> None:
    """Also on a machine that has one: in a mount namespace where its folder is empty."""
    hidden = 'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && exec "$@"'
    command = (*boxdeck.argv, "run", "--log-driver", "journald", "base", "true")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", hidden, "-", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 125 and done.stderr.startswith("boxdeck: there is no journal on this machine")
    assert boxdeck.ok("ps", "-aq") == ""
