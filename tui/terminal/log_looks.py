"""What colours in a line of a log mean. A module of its own: what it stands on takes a quarter of the app's start."""

from __future__ import annotations

import re

from bittty.style import Style, parse_sgr_with_reset

from tui.terminal.bittty_emulator import cell_style
from tui.terminal.emulator import CellStyle

__all__ = ("Looks",)

_LINK = re.compile(r"\x1b\]8;[^;]*;(.*?)(?:\x07|\x1b\\)")


class Looks:
    """The look that is in force, from the beginning of a line on."""

    def __init__(self) -> None:
        self._style = Style()
        self.cell: CellStyle = cell_style(self._style)

    def obey(self, sequence: str) -> None:
        """Take up what a sequence asks for; one that is neither SGR nor a link (OSC 8) changes nothing."""
        if (link := _LINK.fullmatch(sequence)) is not None:
            self._style = self._style.replace(hyperlink=link[1] or None)
            self.cell = cell_style(self._style)
        if not sequence.startswith("\x1b[") or not sequence.endswith("m") or sequence[2:3] in ("?", ">"):
            return
        change, reset = parse_sgr_with_reset(sequence)
        base = Style(hyperlink=self._style.hyperlink) if reset else self._style
        self._style = base if change is None else base.merge(change)
        self.cell = cell_style(self._style)
