"""What libghostty's view shows, as a copy that stays the same while the terminal goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from tui.terminal.emulator import PLAIN, CellStyle, Colour, Row
from tui.terminal.ghostty_cells import RowCells
from tui.terminal.ghostty_library import ffi, lib, owned, sized

_CLUSTER_BYTES = 256


class GhosttyScreen:
    """The library's render state.

    Attributes:
        cursor: a ``GhosttyRenderStateCursor``.
    """

    def __init__(self) -> None:
        self._state = owned("GhosttyRenderState", lib.ghostty_render_state_new, lib.ghostty_render_state_free)
        self._rows = owned(
            "GhosttyRenderStateRowIterator",
            lib.ghostty_render_state_row_iterator_new,
            lib.ghostty_render_state_row_iterator_free,
        )
        self._cells = owned(
            "GhosttyRenderStateRowCells",
            lib.ghostty_render_state_row_cells_new,
            lib.ghostty_render_state_row_cells_free,
        )
        self._rows_pointer = ffi.new("GhosttyRenderStateRowIterator*", self._rows)
        self._cells_pointer = ffi.new("GhosttyRenderStateRowCells*", self._cells)
        self._view = ffi.new("GhosttyCellsView*")
        self._style = sized("GhosttyStyle")
        self._style_bytes = ffi.buffer(self._style)
        self._cluster = ffi.new("uint8_t[]", _CLUSTER_BYTES)
        self.cursor = sized("GhosttyRenderStateCursor")
        self._height = 0
        self._next = 0

    def update(self, terminal: Any, height: int) -> None:
        """Copy what a terminal's view shows now."""
        lib.ghostty_render_state_update(self._state, terminal)
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR, self.cursor)
        self._height = height
        self._rewind()

    def take_changed_rows(self) -> Sequence[int]:
        """Rows that changed since the last call."""
        how = ffi.new("GhosttyRenderStateDirty*")
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, how)
        if how[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FALSE:
            return ()
        self._rewind()
        changed, y = [], ffi.new("uint16_t*")
        while lib.ghostty_render_state_row_iterator_next_dirty(self._rows, y):
            changed.append(int(y[0]))
        lib.ghostty_render_state_clean(self._state)
        self._rewind()
        return range(self._height) if how[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL else changed

    def row(self, y: int, link_of: Callable[[int], str]) -> Row:
        """One row as runs.

        Args:
            link_of: the address of the link at a column.
        """
        return RowCells(self._raw(y), self._style_at, self._cluster_at, link_of).runs()

    def width_at(self, x: int, y: int) -> int:
        """Columns that a cell's character takes."""
        wide = ffi.new("GhosttyCellWide*")
        self._go_to(y)
        lib.ghostty_cell_get(self._view.ptr[x], lib.GHOSTTY_CELL_DATA_WIDE, wide)
        return 2 if wide[0] == lib.GHOSTTY_CELL_WIDE_WIDE else 1

    def _raw(self, y: int) -> bytes:
        self._go_to(y)
        return bytes(ffi.buffer(self._view.ptr, self._view.len * ffi.sizeof("GhosttyCell")))

    def _rewind(self) -> None:
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._rows_pointer)
        self._next = 0

    def _go_to(self, y: int) -> None:
        """Have a row's cells at hand; rows are mostly asked for from the top."""
        if y + 1 == self._next:
            return
        if y < self._next:
            self._rewind()
        while self._next <= y:
            lib.ghostty_render_state_row_iterator_next(self._rows)
            self._next += 1
        lib.ghostty_render_state_row_get(self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view)
        lib.ghostty_render_state_row_get(self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells_pointer)

    def _style_at(self, x: int) -> CellStyle:
        lib.ghostty_render_state_row_cells_select(self._cells, x)
        lib.ghostty_render_state_row_cells_get(self._cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, self._style)
        return _cell_style(bytes(self._style_bytes))

    def _cluster_at(self, x: int) -> str:
        text = ffi.new("GhosttyBuffer*", (self._cluster, _CLUSTER_BYTES, 0))
        lib.ghostty_render_state_row_cells_select(self._cells, x)
        lib.ghostty_render_state_row_cells_get(
            self._cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_UTF8, text
        )
        return bytes(ffi.buffer(self._cluster, text.len)).decode("utf-8", "replace") or "�"


@lru_cache(maxsize=4096)
def _cell_style(raw: bytes) -> CellStyle:
    """A ``GhosttyStyle`` in our words."""
    style = ffi.from_buffer("GhosttyStyle*", raw)
    converted = CellStyle(
        foreground=_colour(style.fg_color),
        background=_colour(style.bg_color),
        bold=bool(style.bold),
        dim=bool(style.faint),
        italic=bool(style.italic),
        underline=style.underline != 0,
        reverse=bool(style.inverse),
        conceal=bool(style.invisible),
        strike=bool(style.strikethrough),
    )
    return PLAIN if converted == PLAIN else converted


def _colour(colour: Any) -> Colour:
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(colour.value.palette)
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        return int(colour.value.rgb.r), int(colour.value.rgb.g), int(colour.value.rgb.b)
    return None
