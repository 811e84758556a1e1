"""Programs in a container in the app's pane, all in a real terminal, beside the same programs in it alone."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.command_line import CommandLine
from tests.tmux import PATIENCE_SECONDS, Tmux
from tests.tui.test_programs_against_tmux import ENVIRONMENT, PREPARE, ROOT, SETTINGS
from tests.tui.tmux_cells import BLANK, Cells, cells_printed, unlike
from tui.terminal.emulator import CellStyle

pytestmark = [
    pytest.mark.apart,
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="a Debian's programs are looked at"),
]

COLUMNS, ROWS = 100, 32
PANE_ROWS = ROWS - 1
APT_BAR = (
    "printf '\\n\\0337\\033[0;30r\\0338\\033[1A'; for n in 10 20 30; do echo Unpacking $n; "
    "printf '\\0337\\033[31;0f\\033[42m\\033[30mProgress: [ %s%%]\\033[49m\\033[39m [####......] \\0338' $n; done; "
    "seq 40; sleep 60"
)
NAMED = {"Down", "End", "Enter", "PgDn"}
FIRST = {"less": "word", "man": "NAME", "python3": ">>>", "tmux": "[0]", "prompt": "me:"}
"""What tells that a program is ready for keys, where that is something else than what is looked for in the end."""

FROM = {"top": "PID", "htop": "PID"}
"""A word of the first row that is compared: above are times and loads of two moments."""

ERASED_AT_THE_EDGE = {"top"}
"""Erases to the end of rows that it has filled: in xterm and the pane the last cell goes with it, in tmux it stays."""

PROMPT = r"PS1=\[\e[1;32m\]me\[\e[0m\]:\[\e[38;2;90;160;250;4m\]\w\[\e[0m\]\$ "
VIM = "syntax on | set ruler shortmess+=I termguicolors background=dark"
PROGRAMS = {
    "vim": (("vim", "-n", "-u", "NONE", "-N", "--cmd", VIM, "/source.py"), ["10j$", "G"], "return"),
    "less": (("less", "-S", "-N", "/text"), [" ", "k", "/日本", "Enter", "n"], "日本"),
    "nano": (("nano", "--ignorercfiles", "/text"), ["Down", "End", " more 日", "Enter", "PgDn"], "word"),
    "man": (("man", "-P", "less", "/page.1"), [" ", "k", "/part 30", "Enter"], "part 30"),
    "python3": (
        ("python3", "-q", "-I"),
        ["for n in '日本': print(n)", "Enter", "Enter", "1/0", "Enter"],
        "ZeroDivision",
    ),
    "mc": (
        ("bash", "-c", "export HOME=$(mktemp -d); exec mc --nosubshell --nomouse /folder /folder"),
        ["Down", "Down", "PgDn"],
        "file-1",
    ),
    "apt": (("bash", "-c", APT_BAR), [], "Progress: [ 30%]"),
    "top": (("top", "-d", "100", "-p", "1"), [], "sleep"),
    "htop": (("htop", "-d", "100", "-p", "1"), ["Down"], "F10"),
    "tmux": (
        ("sh", "-c", "exec tmux -f /dev/null -S $(mktemp -u) new-session 'PS1=$ sh'"),
        ["echo in-tmux", "Enter"],
        "in-tmux",
    ),
    "prompt": (
        ("env", PROMPT, "bash", "--norc", "--noprofile", "-i"),
        ["ls --color=always -d /folder /text", "Enter"],
        "/text",
    ),
}


@pytest.fixture
def room(boxdeck: CommandLine) -> Iterator[CommandLine]:
    """A container by this name with this machine's programs, and the terminal's own colours for the app."""
    places = [*ROOT, *(f"{path}:{path}" for path in SETTINGS if Path(path).exists())]
    volumes = [part for place in places for part in ("-v", f"{place}:ro")]
    boxdeck.ok("run", "-d", "--name", "room", "--network", "none", *volumes, "base", "sleep", "1000")
    boxdeck.ok("exec", "-e", "LANG=C.UTF-8", "room", "bash", "-c", PREPARE)
    yield boxdeck
    boxdeck.ok("rm", "-f", "room")


@pytest.fixture
def app(room: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    """The app with a shell that fills the screen, in the terminal's own colours."""
    settings = tmp_path / "app" / "config" / "boxdeck" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('theme = "ansi"\n')
    monkeypatch.setenv("COLORTERM", "truecolor")  # else the app has 256 colours at most
    terminal = Tmux(tmp_path / "app", room.argv, COLUMNS, ROWS)
    try:
        terminal.wait_for("room", "1 of 1 running")
        terminal.press("e")
        terminal.wait_for("ctrl+g", ":/#")
        terminal.press("C-g", "z")
        terminal.wait_for("keys go to the shell")
        yield terminal
    finally:
        terminal.close()


def in_the_pane(app: Tmux) -> Cells:
    """What a pane shows that fills the screen but for the lowest row, which has the keys."""
    return cells_printed(app.cells, COLUMNS, ROWS)[:PANE_ROWS]


def without_blanks(row: list[tuple[str, CellStyle]]) -> list[tuple[str, CellStyle]]:
    end = len(row)
    while end and row[end - 1] == BLANK:
        end -= 1
    return row[:end]


def differences(app: Tmux, alone: Tmux, name: str) -> list[str]:
    """Where the pane shows something else than the terminal, but for the cursor, which the pane paints itself."""
    mine, theirs = in_the_pane(app), cells_printed(alone.cells, COLUMNS, PANE_ROWS)
    x, y = alone.cursor
    for screen in (mine, theirs):
        screen[y] = without_blanks([cell for column, cell in at_columns(screen[y]) if column != x])
    word, cells = FROM.get(name, ""), COLUMNS - 1 if name in ERASED_AT_THE_EDGE else COLUMNS
    begin = next(y for y, row in enumerate(theirs) if word in "".join(text for text, _ in row))
    return unlike([row[:cells] for row in mine[begin:]], [row[:cells] for row in theirs[begin:]])


def at_columns(row: list[tuple[str, CellStyle]]) -> Iterator[tuple[int, tuple[str, CellStyle]]]:
    column = 0
    for cell in row:
        yield column, cell
        column += max(1, cell_len(cell[0]))


def press(terminal: Tmux, keys: list[str]) -> None:
    for key in keys:
        terminal.press(key) if key in NAMED else terminal.keys(key)
        time.sleep(0.2)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_looks_in_the_pane_as_it_does_in_the_terminal_itself(
    name: str, room: CommandLine, app: Tmux, tmp_path: Path
) -> None:
    argv, keys, marker = PROGRAMS[name]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} isn't installed")
    variables = [part for variable in ENVIRONMENT for part in ("-e", variable)]
    (tmp_path / "alone").mkdir()
    alone = Tmux(tmp_path / "alone", [*room.argv, "exec", "-it", *variables, "room", *argv], COLUMNS, PANE_ROWS)
    try:
        app.type(f"clear; exec env {shlex.join((*ENVIRONMENT, *argv))}")
        for terminal in (app, alone):
            terminal.wait_for(FIRST.get(name, marker))
            press(terminal, keys)
            terminal.wait_for(marker)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while found := differences(app, alone, name):
            assert time.monotonic() < deadline, "\n".join([*found[:5], app.screen, alone.screen])
            time.sleep(0.2)
    finally:
        alone.close()
