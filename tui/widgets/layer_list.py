"""The layers of an image or container, the topmost first, and above them all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import Layer
from tui.drawing import layer_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.exploration import Exploration
from tui.widgets.row_list import RowList


class LayerList(RowList):
    """One row a layer; the cursor is the one whose files are listed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._exploration: Exploration | None = None

    @property
    def count(self) -> int:
        """The layers and the row for all of them."""
        return len(self._layers) + 1 if self._layers else 0

    @property
    def _layers(self) -> Sequence[Layer]:
        return self._exploration.layers or () if self._exploration is not None else ()

    @property
    def titles(self) -> Sequence[Line]:
        """What the columns are."""
        return (layer_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """How far reading is, or why there are none."""
        exploration = self._exploration
        if exploration is None:
            return ()
        if exploration.error:
            return line(Span(exploration.error, Tone.BAD))
        if exploration.layers is not None:
            return line(Span("it has no layers", Tone.MUTED))
        read = f" {exploration.files_read:,} files" if exploration.files_read else ""
        return line(Span(f"reading…{read}", Tone.MUTED))

    def row(self, index: int, cells: int) -> Line:
        """One layer."""
        layers, is_selected = self._layers, index == self.cursor
        if index == 0:
            return layer_rows.all_row(layers, cells, is_selected=is_selected)
        largest = max(layer.size_bytes for layer in layers)
        return layer_rows.layer_row(layers[index - 1], largest, cells, is_selected=is_selected)

    def show_layers(self, exploration: Exploration | None) -> None:
        """Look at these layers."""
        self._exploration = exploration
        if exploration is not None:
            numbers = [None, *(layer.number for layer in self._layers)]
            self.cursor = numbers.index(exploration.layer) if exploration.layer in numbers else 0
        self.show()

    def go_to(self, index: int) -> None:
        """Choose a layer."""
        if self._exploration is not None and self.count:
            place = max(0, min(self.count - 1, index))
            self._exploration.choose(self._layers[place - 1].number if place else None)
        super().go_to(index)
