"""vttest in our emulator and in tmux: every page of its menus 1, 2, 3, 6, 8 and 11 looks the same, colours and all.

Slow since each page has to come to rest in both. Where tmux shows something else than the page says it should, the
page itself is asked: see `OTHERWISE`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.test_terminal_against_tmux import Ours, Tmux, both
from tests.tui.tmux_cells import cells_of, unlike
from tui.terminal.emulator import Emulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed: apt-get install tmux"),
    pytest.mark.skipif(shutil.which("vttest") is None, reason="vttest isn't installed: apt-get install vttest"),
]

REST_SECONDS, LOOKS, LOOKS_WITHOUT_PROMPT = 0.12, 60, 12
PROMPTS = "Push <RETURN>", "Enter choice number"
VT100, OURS = b"\x1b[?1;2c", b"\x1b[?62;22c"
"""What tmux and we say we are. vttest has other menus for a VT220, so both say VT100 here."""

WALKS = {
    "cursor movements": ("1", *[""] * 6),
    "screen features": ("2", *[""] * 15),
    "character sets": ("3", ""),
    "reports": ("6", "3", "", "4", "", "1", ""),
    "VT102 features": ("8", *[""] * 14),
    "ISO 6429 colours": ("11", "6", "1", "", "2", "", "3", ""),
    "ECMA-48 movements": ("11", "7", "2", "", "3", "", "4", "", "5", ""),
    "xterm": ("11", "8", "2", "", "3", "", "4", "", "7", "", "8", ""),
}


def letters_in_order(screen: list[str]) -> bool:
    return [line[:1] for line in screen[2:20]] == [chr(ord("I") + n) for n in range(18)]


def origin_at_the_bottom(screen: list[str]) -> bool:
    return screen[23].startswith("Origin mode test. This line should be at the bottom")


def lines_are_drawn(screen: list[str]) -> bool:
    return any(line.startswith("line:      ──────────") for line in screen)


def special_graphics(screen: list[str]) -> bool:
    return any("┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·" in line for line in screen)


def stars_below_each_other(screen: list[str]) -> bool:
    return all(line == " " * 39 + "*" for line in screen[:20])


OTHERWISE: tuple[Callable[[list[str]], bool], ...] = (
    letters_in_order,  # tmux loses lines where a control character follows one in the last column
    origin_at_the_bottom,  # tmux keeps the cursor of before the region was set
    lines_are_drawn,  # capture-pane prints the letters that stand for lines
    special_graphics,
    stars_below_each_other,  # tmux doesn't scroll sideways
)


def repeats_after_a_movement(screen: list[str]) -> bool:
    """REP repeats what was written before the cursor moved, which the page itself calls undefined in ECMA-48."""
    return screen[0] == " " + "+" * 12


OTHERWISE_OF = {"BitttyEmulator": OTHERWISE, "GhosttyEmulator": (*OTHERWISE, repeats_after_a_movement)}


async def at_rest(ours: Ours, server: Tmux, fed: int) -> tuple[list[list[str]], list[str]]:
    """All screens once they don't change any more, each like tmux's or unlike it for a reason that is known.

    That alone isn't enough: both may still show what they did before a key, or the half of a page that waits for a
    report. So there must be output after the first `fed` bytes, and a prompt; a page without one gets some time.
    """
    before: tuple[list[list[str]], list[str]] = ([], [])
    for look in range(LOOKS):
        await asyncio.sleep(REST_SECONDS)
        now = ours.screens(), server.screen()
        understood = all(is_understood(*pair, now[1]) for pair in zip(ours.emulators, now[0], strict=True))
        asks = any(prompt in line for line in now[1] for prompt in PROMPTS)
        if now == before and ours.fed > fed and understood and (asks or look > LOOKS_WITHOUT_PROMPT):
            return now
        before = now
    return before


def is_understood(emulator: Emulator, mine: list[str], theirs: list[str]) -> bool:
    return mine == theirs or any(holds(mine) for holds in OTHERWISE_OF[type(emulator).__name__])


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
async def test_vttest_looks_as_in_tmux(tmp_path: Path, walk: tuple[str, ...]) -> None:
    async with both(tmp_path, "vttest", "24x80.80") as (ours, server):
        replies = ours.emulator.take_replies
        ours.emulator.take_replies = lambda: replies().replace(OURS, VT100)  # type: ignore[method-assign]
        await at_rest(ours, server, 0)
        for step, keys in enumerate(walk):
            fed = ours.fed
            await ours.session.write(f"{keys}\r".encode())
            if keys:
                server.run("send-keys", "-l", keys)
            server.run("send-keys", "Enter")
            screens, theirs = await at_rest(ours, server, fed)
            for emulator, mine in zip(ours.emulators, screens, strict=True):
                assert is_understood(emulator, mine, theirs), (emulator, step, mine, theirs)
                if mine == theirs:
                    assert not unlike(cells_of(emulator), server.cells()), (emulator, step, mine)
