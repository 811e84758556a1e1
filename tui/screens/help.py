"""Every key, grouped by what it acts on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.drawing.lines import Line, Span, Tone, line
from tui.key_names import key_name
from tui.widgets.drawn import content_of_lines
from tui.widgets.pane_keys import PaneKeys, pane_keys_of

_GROUPS = {
    "container": "Containers",
    "detail": "The container beside the list",
    "table": "The list",
    "containers": "The list",
    "view": "Views",
    "topology": "The map of the wiring",
    "namespaces": "Views",
    "host": "Views",
    "groups": "Control groups",
    "images": "Images",
    "networks": "Networks",
    "volumes": "Volumes",
    "explorer": "Layers and files",
    "files": "Layers and files",
    "rows": "The list",
    "graphs": "The container beside the list",
    "log": "Logs",
    "app": "Boxdeck",
}
_KEY_CELLS = 22
_MOST_CELLS, _FRAME_CELLS = 84, 8  # of a column, and of frame, padding and scrollbar
_TWO_COLUMNS = 150
"""Cells of a screen on which two columns have room."""

_OTHER = (
    (":  keys", "Those of k9s, lazydocker or ctop"),
    ("config.toml", "[keys] gives anything another key"),
    ("boxdeck config keys", "Lists what [keys] takes"),
)


class Help(ModalScreen[None]):
    """Keys by group, with what they do in a sentence each.

    Args:
        bindings: what is in force on the screen below.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", id="help.close", tooltip="Close"),
    ]

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__()
        self._keys = tuple(bindings)

    def compose(self) -> ComposeResult:
        """One column of groups, or two beside each other, scrolled."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "keys"
            dialog.border_subtitle = "esc closes"
            columns = 1 if self.app.size.width < _TWO_COLUMNS else 2
            cells = (min(_MOST_CELLS * columns, self.app.size.width * 96 // 100) - _FRAME_CELLS) // columns
            groups = help_groups(self._keys, pane_keys_of(self.app), cells)
            if columns == 1:
                yield Static(content_of_lines(_joined(groups)))
                return
            dialog.add_class("-two")
            with Horizontal():
                for column in _balanced(groups):
                    yield Static(content_of_lines(_joined(column)))


def help_groups(bindings: Iterable[Binding], in_shell: PaneKeys, cells: int) -> list[list[Line]]:
    """Groups of keys with their titles, in the order in which they are defined, in lines of at most so many cells."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for binding in bindings:
        title = _GROUPS.get((binding.id or "").partition(".")[0])
        if title and binding.tooltip:
            grouped.setdefault(title, {}).setdefault(binding.tooltip, []).append(key_name(binding.key))
    groups = [
        _group(title, [(" ".join(keys), says) for says, keys in grouped.get(title, {}).items()], cells)
        for title in dict.fromkeys(_GROUPS.values())
    ]
    groups += [_group("In a shell", tuple(in_shell.described()), cells), _group("Other keys", _OTHER, cells)]
    return list(filter(None, groups))


def _joined(groups: Sequence[list[Line]]) -> list[Line]:
    return [line for group in groups for line in group][:-1]


def _balanced(groups: Sequence[list[Line]]) -> tuple[Sequence[list[Line]], Sequence[list[Line]]]:
    """Two columns in the same order, as even as whole groups can be."""

    def higher(at: int) -> int:
        return max(sum(map(len, groups[:at])), sum(map(len, groups[at:])))

    at = min(range(len(groups) + 1), key=higher)
    return groups[:at], groups[at:]


def _group(title: str, keys: Iterable[tuple[str, str]], cells: int) -> list[Line]:
    rows = [
        line(Span(f"  {'' if place else key:<{_KEY_CELLS}} ", Tone.ACCENT), words)
        for key, says in keys
        for place, words in enumerate(textwrap.wrap(says, max(20, cells - _KEY_CELLS - 3)))
    ]
    return [line(Span(title, Tone.STRONG)), *rows, ()] if rows else []
