"""Programs that paint a whole screen, in our emulator and in tmux: the screens are the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tui.test_terminal_against_tmux import assert_alike, both, press_in_both, until_both_show

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed: apt-get install tmux")


def needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} isn't installed: apt-get install {package}"
    )


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("".join(f"{number:4} word {'日本語 ' if number % 5 == 0 else ''}end\n" for number in range(200)))
    return path


@needs("nano", "nano")
async def test_nano(tmp_path: Path, text: Path) -> None:
    async with both(tmp_path, "nano", "--ignorercfiles", str(text)) as (ours, server):
        await assert_alike(ours, server, "word")
        await press_in_both(ours, server, ["down", "down", "end", *" more 日", "enter", "pagedown"])
        await assert_alike(ours, server, "word")


@needs("man", "man-db")
async def test_man(tmp_path: Path) -> None:
    page = tmp_path / "page.1"
    body = "".join(f".SS part {number}\n\\fBbold\\fR and \\fIitalic\\fR words\n" for number in range(40))
    page.write_text(f".TH PAGE 1\n.SH NAME\npage - some words\n.SH MORE\n{body}")
    async with both(tmp_path, "man", "-P", "less", str(page)) as (ours, server):
        await assert_alike(ours, server, "NAME")
        await press_in_both(ours, server, ["space", "k", "/", *"part 30", "enter"])
        await assert_alike(ours, server, "part 30")


@needs("mc", "mc")
async def test_mc(tmp_path: Path) -> None:
    folder, home = tmp_path / "folder", tmp_path / "home"  # mc makes folders at home, and both would see the other's
    folder.mkdir()
    home.mkdir()
    for number in range(30):
        (folder / f"file-{number}").write_text("x" * number)
    command = ("env", f"HOME={home}", "mc", "--nosubshell", "--nomouse", str(folder), str(folder))
    async with both(tmp_path, *command) as (ours, server):
        await until_both_show(ours, server, "file-1")
        await press_in_both(ours, server, ["down", "down", "down", "pagedown"])
        await assert_alike(ours, server, "file-1")


@needs("python3", "python3")
async def test_pythons_prompt(tmp_path: Path) -> None:
    async with both(tmp_path, "python3", "-q", "-I") as (ours, server):
        await assert_alike(ours, server, ">>>")
        await press_in_both(ours, server, [*"sum(range(100))", "backspace", "backspace", *"))", "enter"])
        await assert_alike(ours, server, "4950")
        await press_in_both(ours, server, [*"for n in '日本': print(n)", "enter", "enter", *"1/0", "enter"])
        await assert_alike(ours, server, "ZeroDivisionError")


@needs("tmux", "tmux")
async def test_tmux_itself(tmp_path: Path) -> None:
    inner = f"unset TMUX; exec tmux -f /dev/null -S {tmp_path}/inner-$PPID new-session 'PS1=$ sh'"
    async with both(tmp_path, "sh", "-c", inner) as (ours, server):
        try:
            await until_both_show(ours, server, "[0]")
            await press_in_both(ours, server, list("echo in-tmux"))
            await press_in_both(ours, server, ["enter"])
            await until_both_show(ours, server, "in-tmux")
            assert [line for line in ours.screen()[:-1] if line] == [line for line in server.screen()[:-1] if line]
        finally:
            await press_in_both(ours, server, [*"exit", "enter"])


@needs("apt-get", "apt")
async def test_an_apt_progress_bar_stays_at_the_bottom(tmp_path: Path) -> None:
    # What apt's "Fancy" progress writes (apt-pkg/install-progress.cc): a region without the last row, and a bar in it.
    script = (
        "printf '\\n\\0337\\033[0;23r\\0338\\033[1A'; for n in 10 20 30; do echo Unpacking $n; "
        "printf '\\0337\\033[24;0f\\033[42m\\033[30mProgress: [ %s%%]\\033[49m\\033[39m [####......] \\0338' $n; done; "
        "seq 40; sleep 60"
    )
    async with both(tmp_path, "bash", "-c", script) as (ours, server):
        await assert_alike(ours, server, "Progress: [ 30%]")
        assert ours.screen()[23].startswith("Progress")


@needs("htop", "htop")
async def test_htop_draws_its_table(tmp_path: Path) -> None:
    async with both(tmp_path, "htop", "-d", "100", "-p", "1") as (ours, server):
        await until_both_show(ours, server, "F10")
        header = [next(line for line in screen if "PID" in line) for screen in (ours.screen(), server.screen())]
        assert header[0] == header[1]
        assert ours.screen()[-1] == server.screen()[-1]


@needs("vim", "vim")
async def test_vim_with_colours(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("def f(x):\n    return 'text', x + 1  # words\n" * 20)
    vim = ("vim", "-n", "-u", "NONE", "-N", "--cmd", "syntax on | set ruler shortmess+=I", str(source))
    async with both(tmp_path, *vim) as (ours, server):
        await until_both_show(ours, server, "return")
        await press_in_both(ours, server, ["1", "0", "j", "$", "ctrl+v", "j", "escape", "G"])
        await assert_alike(ours, server, "return")
