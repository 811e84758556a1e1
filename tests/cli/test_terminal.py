"""The command line on a real terminal: exec and run with ``-it``, resizing, raw keys, detaching, attaching."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine, eventually

Typist = Callable[..., "Terminal"]
PROMPT = b"# "


class Terminal:
    """A command on a pseudo-terminal of 80 columns and 24 rows, unless resized."""

    def __init__(self, argv: list[str]) -> None:
        self._master, slave = pty.openpty()
        self.resize(24, 80)
        self.cooked = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - this process has one thread
        )
        self._slave = slave
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def expect(self, pattern: bytes, seconds: float = 15.0) -> re.Match[bytes]:
        """Read until a pattern appears; what was read up to it is used up."""
        deadline = time.monotonic() + seconds
        os.set_blocking(self._master, False)
        while (match := re.search(pattern, self.seen)) is None:
            assert time.monotonic() < deadline, (pattern, self.seen)
            try:
                self.seen += os.read(self._master, 65536)
            except BlockingIOError:
                time.sleep(0.01)
        self.seen = self.seen[match.end() :]
        return match

    def end(self) -> int:
        return self.process.wait(20)

    def is_cooked(self) -> bool:
        return termios.tcgetattr(self._slave)[:4] == self.cooked[:4]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def sit_at(boxdeck: CommandLine) -> Iterator[Typist]:
    """Runs boxdeck on a terminal of its own."""
    opened: list[Terminal] = []

    def sit(*arguments: str) -> Terminal:
        opened.append(Terminal([*boxdeck.argv, *arguments]))
        return opened[-1]

    yield sit
    for terminal in opened:
        terminal.close()


def test_a_shell_with_its_terminal(sit_at: Typist) -> None:
    terminal = sit_at("run", "--rm", "-it", "base", "sh")
    terminal.expect(PROMPT)
    terminal.type(b"tty; stty size; ps -o pid,tty,comm\r")
    terminal.expect(rb"/dev/(console|pts/0)\r\n24 80\r\n")
    terminal.expect(rb"1 (console|pts/0) +sh")
    terminal.type(b"exit 12\r")
    assert terminal.end() == 12
    assert terminal.is_cooked()


def test_resizing_reaches_the_process(sit_at: Typist) -> None:
    terminal = sit_at("run", "--rm", "-it", "base", "sh")
    terminal.expect(PROMPT)
    terminal.resize(40, 120)
    terminal.type(b"sleep 0.3; stty size\r")
    terminal.expect(rb"\r\n40 120\r\n")
    terminal.type(b"exit\r")
    assert terminal.end() == 0


def test_ctrl_c_goes_to_the_process_not_to_us(sit_at: Typist) -> None:
    terminal = sit_at("run", "--rm", "-it", "base", "sh")
    terminal.expect(PROMPT)
    terminal.type(b"sleep 99\r")
    time.sleep(0.3)
    terminal.type(b"\x03")
    terminal.expect(PROMPT)
    terminal.type(b"echo $?; exit\r")
    terminal.expect(rb"\r\n130\r\n")
    assert terminal.end() == 0


def test_exec_opens_a_second_shell(boxdeck: CommandLine, sit_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "host", "--hostname", "quay", "base", "sleep", "99")
    terminal = sit_at("exec", "-it", "host", "sh")
    terminal.expect(PROMPT)
    terminal.type(b"hostname; stty size; exit 3\r")
    terminal.expect(rb"quay\r\n24 80\r\n")
    assert terminal.end() == 3
    assert boxdeck.names() == ["host"]


def test_vi_writes_a_file(boxdeck: CommandLine, sit_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "editor", "base", "sleep", "99")
    terminal = sit_at("exec", "-it", "editor", "vi", "/root/note")
    terminal.expect(rb"~")
    terminal.type(b"ihello there\x1b:wq\r")
    assert terminal.end() == 0
    assert boxdeck.ok("exec", "editor", "cat", "/root/note") == "hello there"


def test_detaching_leaves_it_running_and_attaching_comes_back(boxdeck: CommandLine, sit_at: Typist) -> None:
    terminal = sit_at("run", "-it", "--name", "left", "base", "sh")
    terminal.expect(PROMPT)
    terminal.type(b"word=kept\r")
    terminal.expect(PROMPT)
    terminal.type(b"\x10\x11")
    assert terminal.end() == 0
    assert terminal.is_cooked()
    assert boxdeck.names() == ["left"]
    again = sit_at("attach", "left")
    again.type(b"echo $word; exit 2\r")
    again.expect(rb"\r\nkept\r\n")
    assert again.end() == 2
    assert boxdeck.state("left")["ExitCode"] == 2


def test_ctrl_p_alone_is_passed_on(sit_at: Typist) -> None:
    terminal = sit_at("run", "--rm", "-it", "base", "sh", "-c", "stty raw -echo; echo go; head -c 2 | od -An -tx1")
    terminal.expect(rb"go")
    terminal.type(b"\x10a")
    terminal.expect(rb"10 61")
    assert terminal.end() == 0


def test_a_hung_up_terminal_leaves_the_container(boxdeck: CommandLine, sit_at: Typist) -> None:
    terminal = sit_at("run", "-it", "--name", "stays", "base", "sh")
    terminal.expect(PROMPT)
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 128 + signal.SIGHUP
    assert boxdeck.names() == ["stays"]


def test_an_exec_ends_with_the_terminal_it_was_started_from(boxdeck: CommandLine, sit_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "host", "base", "sleep", "99")
    terminal = sit_at("exec", "-it", "host", "sh")
    terminal.expect(PROMPT)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    assert eventually(lambda: boxdeck.ok("exec", "host", "ps", "-o", "comm=").split() == ["sleep", "ps"])


def test_a_kept_exec_outlives_its_terminal_and_is_returned_to(boxdeck: CommandLine, sit_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "host", "base", "sleep", "99")
    terminal = sit_at("exec", "-it", "--keep", "mine", "host", "sh")
    terminal.expect(PROMPT)
    terminal.type(b"word=kept; echo seen-$((1+1))\r")
    terminal.expect(rb"seen-2")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.end() == 128 + signal.SIGHUP
    again = sit_at("exec", "-it", "--keep", "mine", "host", "sh")
    again.expect(rb"seen-2")
    again.type(b"echo $word; exit 4\r")
    again.expect(rb"\r\nkept\r\n")
    assert again.end() == 4


def test_a_recording_plays_what_was_shown(boxdeck: CommandLine, sit_at: Typist, tmp_path: Path) -> None:
    boxdeck.ok("run", "-d", "--name", "host", "base", "sleep", "99")
    file = tmp_path / "cast"
    terminal = sit_at("exec", "-it", "--record", str(file), "host", "sh")
    terminal.expect(PROMPT)
    terminal.resize(30, 100)
    terminal.type("echo grün-$((1+1)); exit 3\r".encode())
    assert terminal.end() == 3
    header, *events = [json.loads(line) for line in file.read_text().splitlines()]
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert "grün-2" in "".join(text for _, kind, text in events if kind == "o")
    assert [text for _, kind, text in events if kind == "r"] == ["100x30"]
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)
    again = sit_at("exec", "-it", "--record", str(file), "host", "sh")
    again.expect(b"is there already: remove it, or record to another file")
    assert again.end() == 125
    assert boxdeck("exec", "--record", str(tmp_path / "new"), "host", "true").status != 0
    assert not (tmp_path / "new").exists()


def test_progress_is_shown_while_base_is_assembled(fresh_boxdeck: CommandLine) -> None:
    terminal = Terminal([*fresh_boxdeck.argv, "run", "--rm", "base", "echo", "ready"])
    try:
        terminal.expect(rb"\r\x1b\[J[A-Z].*\r\x1b\[Jready")
        assert terminal.end() == 0
    finally:
        terminal.close()


def test_stats_redraws_in_place_fits_the_terminal_and_gives_the_cursor_back(
    boxdeck: CommandLine, sit_at: Typist
) -> None:
    for name in ("one", "two", "three"):
        boxdeck.ok("run", "-d", "--name", name, "base", "sleep", "99")
    terminal = sit_at("stats", "--interval", "30")
    terminal.expect(rb"\x1b\[\?25l")
    line = rb"[^\x1b]+\x1b\[K"
    first = terminal.expect(rb"\x1b\[HNAME" + rb"\r\n".join([line] * 4) + rb"\x1b\[J")[0]
    assert b"--" in first  # no rates yet
    second = terminal.expect(rb"(?s)\x1b\[HNAME.*?\x1b\[J", seconds=20)[0]
    assert all(name in second for name in (b"one", b"two", b"three"))
    terminal.resize(3, 30)  # is followed at once
    small = terminal.expect(rb"(?s)\x1b\[HNAME.*?\x1b\[J", seconds=20)[0].decode()
    assert "… and 2 more" in small
    lines = re.sub(r"\x1b\[\??[\dJKHhl]+", "", small).split("\r\n")
    assert len(lines) == 3 and all(len(line) <= 30 for line in lines)
    terminal.type(b"\x03")
    terminal.expect(rb"\r\n\x1b\[\?25h")
    assert terminal.end() == 0


def test_stats_that_is_terminated_gives_the_cursor_back(boxdeck: CommandLine, sit_at: Typist) -> None:
    terminal = sit_at("stats")
    terminal.expect(rb"NAME")
    terminal.process.terminate()
    terminal.expect(rb"\x1b\[\?25h")
    assert terminal.end() == 143


def test_statistics_have_all_columns_on_eighty_cells(boxdeck: CommandLine, sit_at: Typist) -> None:
    boxdeck.ok("run", "-d", "--name", "a_container_with_a_long_name", "base", "sleep", "99")
    terminal = sit_at("stats")
    terminal.expect(rb"NAME +CPU % +MEM USAGE ?/ ?LIMIT +NET I/O +BLOCK I/O +PIDS\x1b")
    terminal.expect(rb"a_container\S* +[\d.]+% +.* 1\x1b")
    terminal.type(b"\x03")
    assert terminal.end() == 0
    terminal = sit_at("stats", "--no-stream")
    terminal.expect(rb"BLOCK I/O +PIDS *\r\na_container\S* +[\d.]+% +.* 1 *\r\n")
    assert terminal.end() == 0
