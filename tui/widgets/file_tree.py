"""The files on top of a layer, as a tree of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.drawing import file_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.exploration import Exploration
from tui.file_list import FileRow
from tui.key_names import key_name
from tui.widgets.row_list import RowList


class FileTree(RowList):
    """One row a file; folders open and close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "turn", "open", id="explorer.turn", show=False, tooltip="Open or close a folder"),
        Binding("right,l", "open", "open", id="explorer.open", show=False, tooltip="Open a folder"),
        Binding(
            "left,h",
            "close",
            "close",
            id="explorer.close",
            show=False,
            tooltip="Close a folder, or go to the one above",
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._exploration: Exploration | None = None
        self._version: tuple[Exploration, int] | None = None
        self._path = ""

    @property
    def _rows(self) -> Sequence[FileRow]:
        return self._exploration.files.rows if self._exploration is not None else ()

    @property
    def count(self) -> int:
        """How many files are listed."""
        return len(self._rows)

    @property
    def selected(self) -> FileRow | None:
        """The file under the cursor."""
        return self._rows[self.cursor] if self.cursor < self.count else None

    @property
    def titles(self) -> Sequence[Line]:
        """What the columns are."""
        return (file_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """Why there are none."""
        exploration = self._exploration
        if exploration is None or not exploration.files.is_known:
            return ()
        if exploration.files.filter_text:
            return line(Span("no file has such a name", Tone.MUTED))
        if not exploration.files.only_changes:
            return line(Span("no files", Tone.MUTED))
        return line(Span("nothing was changed here", Tone.MUTED), *self._all_files())

    def _all_files(self) -> Line:
        """How to see those that weren't, while there is a key for it."""
        active = self.screen.active_bindings.items()
        keys = [key_name(key) for key, each in active if each.binding.id == "explorer.changes"]
        return (Span(": "), Span(keys[0], Tone.ACCENT), Span(" shows all files", Tone.MUTED)) if keys else ()

    def row(self, index: int, cells: int) -> Line:
        """One file."""
        exploration = self._exploration
        layers = exploration.layers if exploration is not None and exploration.is_live else None
        own = layers[0].number if layers else None
        return file_rows.file_row(self._rows[index], own, cells, is_selected=index == self.cursor)

    def show_files(self, exploration: Exploration | None) -> None:
        """Look at these files; the cursor stays on its path as long as that is there."""
        self._exploration = exploration
        version = (exploration, exploration.files.version) if exploration is not None else None
        if exploration is not None and version != self._version:
            is_other = self._version is None or self._version[0] is not exploration
            found = exploration.files.index_of(self._path) if self._path and not is_other else None
            self.cursor = found if found is not None else 0 if is_other else self.cursor
            self._version = version
        self.show()
        self._path = self.selected.path if self.selected is not None else self._path

    def go_to(self, index: int) -> None:
        """Select a file."""
        super().go_to(index)
        self._path = self.selected.path if self.selected is not None else ""

    # --- folders ---

    def action_turn(self) -> None:
        """Open or close the folder under the cursor."""
        if self._exploration is not None and self.selected is not None:
            self._exploration.files.turn(self.cursor)
            self.go_to(self.cursor)
            self.show()

    def action_open(self) -> None:
        """Open it; go into one that is open."""
        if self.selected is not None and self.selected.file.children:
            if self.selected.is_open:
                self.go_to(self.cursor + 1)
            else:
                self.action_turn()

    def action_close(self) -> None:
        """Close it; from a file, or a closed one, go to the folder that it is in."""
        if self._exploration is None or self.selected is None:
            return
        if self.selected.is_open and not self._exploration.files.filter_text:
            self.action_turn()
        else:
            self.go_to(self._exploration.files.parent(self.cursor))
