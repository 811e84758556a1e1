"""The layer explorer: layers at the left, the files on top of one at the right, and where the selected one is from."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from engine.model import Layer
from tui.drawing import file_rows, layer_rows, units
from tui.drawing.lines import Line, Span, Tone, joined, line
from tui.exploration import Exploration
from tui.widgets.drawn import content_of
from tui.widgets.field import Field
from tui.widgets.file_tree import FileTree
from tui.widgets.layer_list import LayerList
from tui.widgets.painted import Painted
from tui.widgets.row_list import RowList


class Explorer(Widget):
    """Shows one exploration at a time, and has it read what is looked at."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "filter", "filter", id="explorer.filter", tooltip="List only files whose names contain a text"
        ),
        Binding("m", "changes", "changes", id="explorer.changes", tooltip="Only what a layer changes, or all files"),
    ]
    DEFAULT_CSS = """
    Explorer {
        height: 1fr;
        layout: horizontal;

        .panel {
            border: round $border-quiet;
            border-title-color: $muted;
            border-title-style: none;
            border-subtitle-color: $muted;
            padding: 0 1;
            &:focus-within { border: round $border-focus; }
        }
        #layers { width: 6fr; }
        #files { width: 7fr; }
        RowList { height: 1fr; }
        #path-filter {
            height: 1;
            border: none;
            padding: 0;
            background: $surface;
            &:focus { border: none; }
        }
        #layer, #path { height: 4; border-top: solid $border-quiet; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._exploration: Exploration | None = None
        self._layers = LayerList(id="layer-list")
        self._files = FileTree(id="file-tree")
        self._layer, self._path = Painted(id="layer"), Painted(id="path")
        self._titles: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        """Both lists, each in a panel."""
        with Vertical(id="layers", classes="panel"):
            yield self._layers
            yield self._layer
        with Vertical(id="files", classes="panel"):
            yield self._files
            yield Field(id="path-filter", placeholder="a name, or with a slash a part of a path", select_on_focus=False)
            yield self._path

    def on_mount(self) -> None:
        """No filter yet."""
        self.query_one("#path-filter").display = False

    # --- painting ---

    def show(self, exploration: Exploration | None) -> None:
        """Look at an exploration, which is told so."""
        if not self.is_mounted:
            return
        if exploration is not self._exploration:
            self._exploration = exploration
            self._follow_filter()
        if exploration is not None:
            if not exploration.error:
                exploration.begin()
            exploration.look()
        self._layers.show_layers(exploration)
        self._files.show_files(exploration)
        self._show_layer()
        self._show_path()
        self._show_titles()

    @property
    def _chosen(self) -> Layer | None:
        """The layer whose files are listed; None for all together."""
        exploration = self._exploration
        layers = exploration.layers or () if exploration is not None else ()
        return next((each for each in layers if exploration is not None and each.number == exploration.layer), None)

    def _show_layer(self) -> None:
        is_known = self._exploration is not None and self._exploration.layers is not None
        size = self._layer.content_size
        self._layer.paint(layer_rows.detail_lines(self._chosen, size.width, size.height) if is_known else ())

    def _show_path(self) -> None:
        row, exploration = self._files.selected, self._exploration
        if row is None or exploration is None or exploration.layers is None:
            self._path.paint(())
            return
        found = exploration.sightings(row.path)
        size = self._path.content_size
        self._path.paint(file_rows.path_lines(row, found, exploration.layers, size.width, max(2, size.height)))

    def _show_titles(self) -> None:
        exploration = self._exploration
        layers = exploration.layers or () if exploration is not None else ()
        whole = units.size(sum(layer.size_bytes for layer in layers))
        of_layers = f"layers {len(layers)} · {whole}" if layers else "layers"
        self._entitle("#layers", Content(of_layers))
        if exploration is not None and layers:
            note = content_of(layer_rows.summary(layers, exploration.efficiency, self._layers.size.width))
            self._entitle("#layers", note, is_below=True)
        self._entitle("#files", content_of(self._title_of_files()))

    def _title_of_files(self) -> Line:
        exploration = self._exploration
        if exploration is None or not exploration.layers:
            return line("files")
        files, chosen = exploration.files, self._chosen
        of = "all layers" if chosen is None else f"layer {chosen.number}" if chosen.diff_id else "its own layer"
        what = "changes of" if files.only_changes else "files of" if chosen is None else "files with"
        marks = layer_rows.counts(chosen) if chosen is not None else ()
        found = line(f"{len(files.found):,} found") if files.filter_text else ()
        return joined((line(Span(f"{what} {of}", Tone.MUTED)), marks, found), Span(" · ", Tone.FAINT))

    def _entitle(self, selector: str, title: Content, *, is_below: bool = False) -> None:
        """Set the title of a panel where it is another one: setting it repaints all of it."""
        key = f"{selector} {is_below}"
        if key not in self._titles or not title.is_same(self._titles[key]):
            self._titles[key] = title
            panel = self.query_one(selector)
            if is_below:
                panel.border_subtitle = title
            else:
                panel.border_title = title

    # --- moving ---

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Follow the cursor."""
        message.stop()
        self.show(self._exploration)

    @on(RowList.Chosen)
    def _choose(self, message: RowList.Chosen) -> None:
        message.stop()
        if isinstance(message.rows, FileTree):
            message.rows.action_turn()
        else:
            self.focus_files()

    def focus_layers(self) -> None:
        """Go to the layers."""
        self.screen.set_focus(self._layers)

    def focus_files(self) -> None:
        """Go to the files."""
        self.screen.set_focus(self._files)

    # --- what is listed ---

    def action_changes(self) -> None:
        """Hide files that nothing was done to, or show them again."""
        if self._exploration is not None:
            self._exploration.files.turn_changes()
            self.show(self._exploration)

    def action_filter(self) -> None:
        """Ask for a part of a name."""
        field = self.query_one("#path-filter", Input)
        field.display = True
        self.screen.set_focus(field)  # at once: what is typed next is meant for it

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        if self._exploration is not None and event.value != self._exploration.files.filter_text:
            self._exploration.files.set_filter(event.value)
            self.show(self._exploration)
            if found := self._exploration.files.found:
                self._files.go_to(found[0])

    @on(Input.Submitted)
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.display = bool(event.value)
        self._files.focus()

    def end_filter(self) -> bool:
        """List all files again; whether there was a filter to end."""
        field = self.query_one("#path-filter", Input)
        if not field.display:
            return False
        field.value = ""
        field.display = False
        self._files.focus()
        return True

    def _follow_filter(self) -> None:
        field = self.query_one("#path-filter", Input)
        text = self._exploration.files.filter_text if self._exploration is not None else ""
        field.value, field.display = text, bool(text)
