"""What `boxdeck` does before there is a screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tui.entry import farewell, main


def test_the_command_line_does_not_pay_for_the_app() -> None:
    program = (
        "import sys; sys.argv = ['boxdeck', 'version']\n"
        "from tui.entry import main\n"
        "assert main() == 0\n"
        "print([name for name in ('textual', 'rich', 'pyroute2', 'watchfiles') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_terminal_the_app_says_so(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui.entry", "--root", str(tmp_path)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 125
    assert done.stderr == "boxdeck: the app needs a terminal: see `boxdeck --help` for commands that don't\n"


def test_a_terminal_without_a_cursor_is_refused(tmp_path: Path) -> None:
    """Painting on regardless, the app was at it all the time and heard no key."""
    command = f"TERM=dumb {sys.executable} -m tui.entry --root {tmp_path}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 125
    assert "TERM is 'dumb': if yours does, say so: TERM=xterm-256color boxdeck" in done.stdout


def test_an_option_without_its_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["boxdeck", "--theme"])
    assert main() == 125
    assert capsys.readouterr().err == "boxdeck: --theme needs a value: such as --theme VALUE\n"


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (0, ""),
        (1, "1 container keeps running; `boxdeck` shows it again.\n"),
        (3, "3 containers keep running; `boxdeck` shows them again.\n"),
    ],
)
def test_leaving_says_what_keeps_running(running: int, words: str) -> None:
    assert farewell(running) == words
    assert farewell(running, ".venv/bin/boxdeck") == words.replace("boxdeck", ".venv/bin/boxdeck")


def test_the_app_leaves_the_kernel_to_the_engine() -> None:
    program = (
        "import sys\n"
        "import tui.app\n"
        "print([name for name in ('pyroute2', 'engine.engine', 'engine.linux.libc') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_root_the_app_says_what_the_machine_lacks_and_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("tui.entry._is_served", lambda: True)  # which needs no terminal of ours
    monkeypatch.setattr(sys, "argv", ["boxdeck", "--root", str(tmp_path)])
    assert main() == 125
    told = capsys.readouterr()
    assert told.err.startswith("boxdeck: Boxdeck needs root")
    missing = [line.split()[:2] for line in told.out.splitlines() if line.startswith("MISSING")]
    assert missing == [["MISSING", "root"]]
    assert "sudo boxdeck" in told.out and str(tmp_path) in told.out
