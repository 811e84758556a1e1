"""The same program in our emulator and in tmux: the screens are the same, character by character."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from tests.tui.emulators import EMULATORS
from tests.tui.pty_session import ENVIRONMENT, PtySession
from tests.tui.tmux_cells import Cells, cells_of, cells_printed, unlike
from tui.terminal.emulator import Emulator
from tui.terminal.session import TerminalSession

COLUMNS, ROWS = 80, 24
PATIENCE_SECONDS = 8

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed: apt-get install tmux")


class Tmux:
    """A tmux server of the test's own with one window of a known size."""

    def __init__(self, socket: Path, configuration: Path) -> None:
        self._command = ["tmux", "-S", str(socket), "-f", str(configuration)]

    def run(self, *arguments: str) -> str:
        return subprocess.run([*self._command, *arguments], check=True, capture_output=True, text=True).stdout

    def start(self, *argv: str) -> None:
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        environment = [part for name in ("LANG", "HOME") for part in ("-e", f"{name}={ENVIRONMENT[name]}")]
        self.run("new-session", "-d", *size, *environment, shlex.join(argv))

    def screen(self) -> list[str]:
        return [line.rstrip() for line in self.run("capture-pane", "-p").split("\n")[:ROWS]]

    def cells(self) -> Cells:
        return cells_printed(self.run("capture-pane", "-p", "-e", "-N"), COLUMNS, ROWS)

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.run("kill-server")


class Ours:
    """The same program on a pseudo-terminal that our emulators read; the first of them answers and encodes keys."""

    def __init__(self, session: TerminalSession) -> None:
        self.session = session
        self.emulators = [kind(COLUMNS, ROWS) for kind in EMULATORS]
        self.emulator = self.emulators[0]
        self.fed = 0
        """Bytes of output so far."""

    async def follow(self) -> None:
        while (chunk := await self.session.read()) is not None:
            for emulator in self.emulators:
                emulator.feed(chunk.data)
            self.fed += len(chunk.data)
            if replies := self.emulator.take_replies():
                await self.session.write(replies)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.session.write(self.emulator.encode_key(key, key if len(key) == 1 else None))

    def screen(self) -> list[str]:
        return text_of(self.emulator)

    def screens(self) -> list[list[str]]:
        return [text_of(emulator) for emulator in self.emulators]


def text_of(emulator: Emulator) -> list[str]:
    return ["".join(run.text for run in emulator.row(y)).rstrip() for y in range(ROWS)]


@contextmanager
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    configuration = tmp_path / "tmux.conf"
    configuration.write_text("set -g status off\nset -g default-terminal xterm-256color\nset -s escape-time 0\n")
    server = Tmux(tmp_path / "socket", configuration)
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def both(tmp_path: Path, *argv: str) -> AsyncIterator[tuple[Ours, Tmux]]:
    """A program on a terminal of ours and in tmux."""
    with tmux(tmp_path) as server:
        server.start(*argv)
        async with followed(PtySession.spawn(*argv, rows=ROWS, columns=COLUMNS)) as ours:
            yield ours, server


@asynccontextmanager
async def followed(session: TerminalSession) -> AsyncIterator[Ours]:
    """What a session's process shows."""
    ours = Ours(session)
    following = asyncio.create_task(ours.follow())
    try:
        yield ours
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await session.close()


TMUX_NAMES = {"enter": "Enter", "escape": "Escape", "space": "Space", "pagedown": "PgDn", "pageup": "PgUp"}
TMUX_NAMES |= {"down": "Down", "up": "Up", "left": "Left", "right": "Right", "end": "End", "home": "Home"}
TMUX_NAMES |= {"ctrl+d": "C-d", "ctrl+u": "C-u", "ctrl+v": "C-v", "ctrl+w": "C-w", "backspace": "BSpace"}


async def press_in_both(ours: Ours, server: Tmux, keys: list[str]) -> None:
    for key in keys:
        await ours.press(key)
        server.run("send-keys", *(["-l", key] if key not in TMUX_NAMES else [TMUX_NAMES[key]]))
        await asyncio.sleep(0.01)


async def until_both_show(ours: Ours, server: Tmux, marker: str) -> None:
    for _ in range(int(PATIENCE_SECONDS / 0.1)):
        await asyncio.sleep(0.1)
        if all(any(marker in line for line in screen) for screen in (ours.screen(), server.screen())):
            return
    raise AssertionError(ours.screen())


async def assert_alike(ours: Ours, server: Tmux, marker: str) -> None:
    """Wait until both show the marker and the same screen."""
    for _ in range(int(PATIENCE_SECONDS / 0.1)):
        await asyncio.sleep(0.1)
        mine, theirs = ours.screens(), server.screen()
        if all(screen == theirs for screen in mine) and any(marker in line for line in theirs):
            return
    for emulator, screen in zip(ours.emulators, ours.screens(), strict=True):
        assert screen == server.screen(), emulator
    assert any(marker in line for line in ours.screen()), ours.screen()


async def assert_looks_alike(ours: Ours, server: Tmux, marker: str) -> None:
    """Wait until both show the marker and the same cells, in the same colours and attributes."""
    await assert_alike(ours, server, marker)
    for _ in range(int(PATIENCE_SECONDS / 0.1)):
        theirs = server.cells()
        if not any(unlike(cells_of(emulator), theirs) for emulator in ours.emulators):
            return
        await asyncio.sleep(0.1)
    for emulator in ours.emulators:
        assert not unlike(cells_of(emulator), server.cells()), emulator


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    lines = [f"{n:4} " + "word " * (n % 30) + ("日本語 " * 3 if n % 5 == 0 else "") for n in range(200)]
    path.write_text("\n".join(lines) + "\n")
    return path


VI_KEYS = {
    "moving": ["1", "0", "j", "$", "ctrl+d", "ctrl+d", "ctrl+u", "H"],
    "inserting": ["o", *"hello 日本", "enter", *"x", "escape", "k", "O", *"above", "escape"],
    "deleting": ["3", "d", "d", "j", "2", "x", "D", "j", "J"],
    "scrolling": ["pagedown", "down", "down", "up", "G", "pageup"],
    "splitting": [*":split", "enter", "G", "ctrl+w", "w", "3", "d", "d"],
    "searching": ["/", *"150", "enter", "z", "t"],
}


@pytest.mark.parametrize("keys", VI_KEYS.values(), ids=VI_KEYS.keys())
@pytest.mark.skipif(shutil.which("vi") is None, reason="vi isn't installed: apt-get install vim-tiny")
async def test_vi_looks_as_in_tmux(tmp_path: Path, text: Path, keys: list[str]) -> None:
    vi = ("vi", "-n", "-u", "NONE", "-N", "--cmd", "set ruler shortmess+=I", str(text))
    async with both(tmp_path, *vi) as (ours, server):
        await until_both_show(ours, server, "word")  # the ruler comes and goes until the cursor moves
        await press_in_both(ours, server, keys)
        await assert_alike(ours, server, "word")


@pytest.mark.skipif(shutil.which("less") is None, reason="less isn't installed: apt-get install less")
async def test_less_looks_as_in_tmux(tmp_path: Path, text: Path) -> None:
    async with both(tmp_path, "less", "-S", "-N", str(text)) as (ours, server):
        await assert_alike(ours, server, "word")
        for keys in (["space", "space"], ["k", "k", "up"], ["/", *"日本", "enter", "n"], ["G"], ["right"]):
            await press_in_both(ours, server, keys)
            await assert_alike(ours, server, "日" if "/" in keys else "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash isn't installed")
async def test_a_shell_line_that_is_edited_looks_as_in_tmux(tmp_path: Path) -> None:
    async with both(tmp_path, "env", "PS1=$ ", "bash", "--norc", "--noprofile", "-i") as (ours, server):
        await assert_alike(ours, server, "$")
        await press_in_both(ours, server, list("echo " + "a long line " * 6))
        await press_in_both(ours, server, ["home", "right", *"XY", "end", "backspace", "left"])
        await assert_alike(ours, server, "XY")
        await press_in_both(ours, server, ["end", "enter"])
        await assert_alike(ours, server, "not found")  # what is typed earlier is echoed amid it
        await press_in_both(ours, server, [*"stty size", "enter"])
        await assert_alike(ours, server, f"{ROWS} {COLUMNS}")


SCRIPTS = {
    "scroll region": r"\033[5;10r\033[10;1H1\n2\n3\n\033M\033[7;1H\033M\033[2L\033[1M\033[r",
    "insert and delete characters": r"abcdefgh\r\033[3C\033[4@xy\033[2P\033[4hins\033[4l\033[3X",
    "erasing": r"\033[1;31mred\033[0K\n\033[44mblue\033[1K\033[0m\n\033[2;5H\033[1J\033[8;1Hx\033[0J",
    "tabs": r"a\tb\t\tc\r\033[3g\033[5C\033H\r\td\033[Ze",
    "wrapping": r"\033[1;75H1234567890\033[?7l\033[3;75H1234567890\033[?7h\033[4;80Hxy",
    "wide characters": r"\033[1;79H日本語\033[3;80H日\033[6;1H日本\033[6;3H\033[2P",
    "combining characters": r"e\xcc\x81a\xcc\x88o\xcc\x84\xcc\x81|\r\n\xcc\x81x",
    "saving the cursor": r"\033[5;5H\0337\033[1;1Hx\0338y\033[s\033[9;9Hz\033[uw",
    "origin mode": r"\033[5;10r\033[?6h\033[1;1Htop\033[99;1Hbottom\033[?6l\033[1;1Hhome\033[r",
    "the other screen": r"main\033[?1049h\033[2J\033[3;3Hother\033[?1049l back\033[?47hx\033[?47l",
    "moving": r"\033[10;10H\033[3A\033[2Ca\033[4Db\033[2Bc\033[5Gd\033[7de\033[2Ef\033[3Fg\033[99;999Hh",
    "repeating": r"=\033[20b\r\n\033[5;1H\033[3S\033[2Tx",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
async def test_a_sequence_draws_what_it_draws_in_tmux(tmp_path: Path, script: str) -> None:
    fill = "".join(f"line {n} {'abc ' * (n % 7)}\\n" for n in range(1, ROWS))
    command = f"printf '{fill}\\033[H'; printf '{script}'; printf '\\033[24;1H\\033[2Kdone'; sleep 60"
    async with both(tmp_path, "bash", "-c", command) as (ours, server):
        await assert_alike(ours, server, "done")


@pytest.mark.skipif(shutil.which("top") is None, reason="top isn't installed: apt-get install procps")
async def test_top_draws_its_table(tmp_path: Path) -> None:
    async with both(tmp_path, "top", "-d", "0.3", "-p", str(os.getpid())) as (ours, server):
        await asyncio.sleep(1.5)
        header = next(line for line in ours.screen() if "PID" in line)
        assert "COMMAND" in header
        assert [line[:8] for line in ours.screen()[:5]] == [line[:8] for line in server.screen()[:5]]
        assert str(os.getpid()) in "".join(ours.screen())
