"""Lines that are painted every second, at the cost of those that differ."""

from __future__ import annotations

from collections.abc import Sequence

from textual.selection import Selection
from textual.strip import Strip

from tui.drawing.lines import Line, plain
from tui.terminal.painter import highlighted, selection_style
from tui.widgets.direct import Direct
from tui.widgets.palette import Palette, bands


class Painted(Direct):
    """Lines in tones from the top of the widget on; their text can be selected."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()
        self._strips: dict[int, Strip] = {}
        self._strips_cells = 0
        self._palette: Palette | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown."""
        return self._lines

    def paint(self, lines: Sequence[Line]) -> None:
        """Show other lines; those that are the same stay as they are."""
        before, self._lines = self._lines, lines
        common = min(len(before), len(lines))
        changed = [y for y in range(common) if before[y] != lines[y]]
        changed.extend(range(common, max(len(before), len(lines))))
        if changed:
            for y in changed:
                self._strips.pop(y, None)
            self.refresh(*bands(changed, self.size))

    def notify_style_update(self) -> None:
        """Look at the colours again before the next paint."""
        super().notify_style_update()
        self._palette = None

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """Lines with the selection over them."""
        cells = self.size.width
        if self._palette is None or cells != self._strips_cells:
            self._palette, self._strips_cells = Palette(self, self.visual_style), cells
            self._strips.clear()
        strips = [self._strips.get(y) or self._made(y, self._palette) for y in rows]
        selection = self.text_selection
        return strips if selection is None else list(map(self._highlighted, strips, map(selection.get_span, rows)))

    def _made(self, y: int, palette: Palette) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        strip = self._strips[y] = palette.strip_at(y, line, self._strips_cells)
        return strip

    def _highlighted(self, strip: Strip, span: tuple[int, int] | None) -> Strip:
        if span is None:
            return strip
        return highlighted(strip, span, selection_style(self.screen))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text."""
        return selection.extract("\n".join(map(plain, self._lines))), "\n"
