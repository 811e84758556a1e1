"""Programs in a container, in our emulators and in tmux: the screens are the same, with colours and attributes.

The container sees this machine's programs, read-only; each program runs in it twice.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine import Engine
from engine.model import ExecRequest
from tests.command_line import CommandLine
from tests.tui.test_terminal_against_tmux import (
    Ours,
    Tmux,
    assert_alike,
    assert_looks_alike,
    followed,
    press_in_both,
    tmux,
    until_both_show,
)
from tests.tui.tmux_cells import cells_of, unlike

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed: apt-get install tmux"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="a Debian's programs are looked at"),
]

ROOT = ("/usr:/usr", "/usr/bin:/bin", "/usr/sbin:/sbin", "/usr/lib:/lib", "/usr/lib64:/lib64")
SETTINGS = ("/etc/alternatives", "/etc/mc", "/etc/man_db.conf", "/etc/manpath.config", "/etc/vim", "/etc/nanorc")
ENVIRONMENT = ("TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "HOME=/root", "PATH=/usr/bin:/usr/sbin")
PREPARE = r"""
cd /; for n in $(seq 200); do echo "$n word $([ $((n % 5)) = 0 ] || echo '日本語 ')end"; done >/text
{ printf '.TH PAGE 1\n.SH NAME\npage - some words\n.SH MORE\n'
  for n in $(seq 40); do printf '.SS part %s\n\\fBbold\\fR and \\fIitalic\\fR words\n' $n; done; } >/page.1
mkdir -p /folder /one /two; for n in $(seq 30); do seq $n >/folder/file-$n; done; mkdir /folder/sub
for n in $(seq 20); do printf "def f(x):\n    return 'text', x + 1  # words\n"; done >/source.py
"""


def needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not Path("/usr/bin", program).exists(), reason=f"{program} isn't installed: apt-get install {package}"
    )


@pytest.fixture(scope="module")
def room(shared_command_line: CommandLine) -> Iterator[CommandLine]:
    """A container by this name for all programs."""
    places = [*ROOT, *(f"{path}:{path}" for path in SETTINGS if Path(path).exists())]
    volumes = [part for place in places for part in ("-v", f"{place}:ro")]
    run = ("run", "-d", "--name", "room", "--network", "none", *volumes)
    shared_command_line.ok(*run, "base", "sleep", "1000")
    shared_command_line.ok("exec", "-e", "LANG=C.UTF-8", "room", "bash", "-c", PREPARE)
    yield shared_command_line
    shared_command_line.ok("rm", "-f", "room")


@asynccontextmanager
async def both_in(room: CommandLine, tmp_path: Path, *argv: str) -> AsyncIterator[tuple[Ours, Tmux]]:
    """A program in the container by the engine, as a pane has it, and by the command line in tmux."""
    variables = [part for variable in ENVIRONMENT for part in ("-e", variable)]
    async with Engine.open(str(room.paths.root), str(room.paths.runroot)) as engine:
        request = ExecRequest(argv=argv, env=ENVIRONMENT, tty=True, interactive=True)
        with tmux(tmp_path) as server:
            server.start(*room.argv, "exec", "-it", *variables, "room", *argv)
            async with followed(await engine.containers.exec("room", request)) as ours:
                yield ours, server


async def assert_alike_in(ours: Ours, server: Tmux, marker: str, part: Callable[[list[str]], object]) -> None:
    """Wait until both show the marker and a part of all screens is the same."""
    for _ in range(80):
        screens = [*ours.screens(), server.screen()]
        if all(any(marker in line for line in screen) for screen in screens):
            parts = [part(screen) for screen in screens]
            if all(each == parts[-1] for each in parts):
                return
        await asyncio.sleep(0.1)
    raise AssertionError((ours.screens(), server.screen()))


def table_header(screen: list[str]) -> str:
    return next(line for line in screen if "PID" in line)


@needs("nano", "nano")
async def test_nano(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "nano", "--ignorercfiles", "/text") as (ours, server):
        await assert_looks_alike(ours, server, "word")
        await press_in_both(ours, server, ["down", "down", "end", *" more 日", "enter", "pagedown"])
        await assert_looks_alike(ours, server, "word")


@needs("less", "less")
async def test_less(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "less", "-S", "-N", "/text") as (ours, server):
        await press_in_both(ours, server, ["space", "k", "/", *"日本", "enter", "n"])
        await assert_looks_alike(ours, server, "日本")


@needs("man", "man-db")
async def test_man(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "man", "-P", "less", "/page.1") as (ours, server):
        await assert_looks_alike(ours, server, "NAME")
        await press_in_both(ours, server, ["space", "k", "/", *"part 30", "enter"])
        await assert_looks_alike(ours, server, "part 30")


@needs("mc", "mc")
async def test_mc(room: CommandLine, tmp_path: Path) -> None:
    # Each has a home of its own: mc makes folders there, and both would see the other's.
    start = "export HOME=$(mktemp -d); exec mc --nosubshell --nomouse /folder /folder"
    async with both_in(room, tmp_path, "bash", "-c", start) as (ours, server):
        await until_both_show(ours, server, "file-1")
        await press_in_both(ours, server, ["down", "down", "down", "pagedown"])
        await assert_looks_alike(ours, server, "file-1")


@needs("python3", "python3")
async def test_pythons_prompt(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "python3", "-q", "-I") as (ours, server):
        await assert_alike(ours, server, ">>>")
        await press_in_both(ours, server, [*"sum(range(100))", "backspace", "backspace", *"))", "enter"])
        await assert_alike(ours, server, "4950")
        await press_in_both(ours, server, [*"for n in '日本': print(n)", "enter", "enter", *"1/0", "enter"])
        await assert_looks_alike(ours, server, "ZeroDivisionError")


@needs("tmux", "tmux")
async def test_tmux_itself(room: CommandLine, tmp_path: Path) -> None:
    inner = "exec tmux -f /dev/null -S $(mktemp -u) new-session 'PS1=$ sh'"
    async with both_in(room, tmp_path, "sh", "-c", inner) as (ours, server):
        await until_both_show(ours, server, "[0]")
        await press_in_both(ours, server, [*"echo in-tmux", "enter"])
        await assert_alike_in(ours, server, "in-tmux", lambda screen: screen[:-1])  # the last has the time
        await press_in_both(ours, server, [*"exit", "enter"])


@needs("apt-get", "apt")
async def test_an_apt_progress_bar_stays_at_the_bottom(room: CommandLine, tmp_path: Path) -> None:
    # What apt's "Fancy" progress writes (apt-pkg/install-progress.cc): a region without the last row, and a bar in it.
    script = (
        "printf '\\n\\0337\\033[0;23r\\0338\\033[1A'; for n in 10 20 30; do echo Unpacking $n; "
        "printf '\\0337\\033[24;0f\\033[42m\\033[30mProgress: [ %s%%]\\033[49m\\033[39m [####......] \\0338' $n; done; "
        "seq 40; sleep 60"
    )
    async with both_in(room, tmp_path, "bash", "-c", script) as (ours, server):
        await assert_looks_alike(ours, server, "Progress: [ 30%]")
        assert ours.screen()[23].startswith("Progress")


@needs("bash", "bash")
async def test_a_coloured_prompt(room: CommandLine, tmp_path: Path) -> None:
    prompt = r"PS1=\[\e[1;32m\]me\[\e[0m\]:\[\e[38;2;90;160;250;4m\]\w\[\e[0m\]\$ "
    async with both_in(room, tmp_path, "env", prompt, "bash", "--norc", "--noprofile", "-i") as (ours, server):
        await assert_alike(ours, server, "me:")
        await press_in_both(ours, server, [*"ls --color=always -d /folder /text", "enter"])
        await assert_looks_alike(ours, server, "/text")


@needs("top", "procps")
async def test_top_sees_the_container_alone(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "top", "-d", "100", "-p", "1") as (ours, server):
        await assert_alike_in(ours, server, "sleep", table_header)


@needs("htop", "htop")
async def test_htop_draws_its_table(room: CommandLine, tmp_path: Path) -> None:
    async with both_in(room, tmp_path, "htop", "-d", "100", "-p", "1") as (ours, server):
        await assert_alike_in(ours, server, "F10", lambda screen: (table_header(screen), screen[-1]))
        for emulator in ours.emulators:
            assert not unlike(cells_of(emulator)[-1:], server.cells()[-1:])


@needs("vim", "vim")
async def test_vim_with_colours(room: CommandLine, tmp_path: Path) -> None:
    vim = (
        "vim",
        "-n",
        "-u",
        "NONE",
        "-N",
        "--cmd",
        "syntax on | set ruler shortmess+=I termguicolors background=dark",
        "/source.py",
    )
    async with both_in(room, tmp_path, *vim) as (ours, server):
        await until_both_show(ours, server, "return")
        await press_in_both(ours, server, ["1", "0", "j", "$", "ctrl+v", "j", "escape", "G"])
        await assert_looks_alike(ours, server, "return")
