"""The last line of every screen: which keys do something here and now."""

from __future__ import annotations

from textual import events
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.drawing.lines import Line, Span, Tone, joined, line, width
from tui.key_names import key_name
from tui.widgets.drawn import content_of
from tui.widgets.pane_keys import PaneKeys, TakesKeys, Wish, pane_keys_of

_ORDER = (
    "form",
    "confirm",
    "images",
    "networks",
    "topology",
    "volumes",
    "namespaces",
    "explorer",
    "container",
    "log",
    "containers",
    "detail",
    "view",
    "app",
)
"""First words of bindings' ids, in the order in which keys are shown."""

_LAST = (
    "namespaces.enter",
    "groups.open",
    "topology.back",
    "namespaces.back",
    "host.back",
    "images.back",
    "volumes.back",
    "networks.back",
    "files.back",
    "app.actions",
    "app.help",
    "app.quit",
)
"""Ids of bindings that are shown even when there's little room."""


def _keys(*pairs: tuple[str, str]) -> Line:
    return joined([line(Span(key, Tone.ACCENT), Span(f" {does}", Tone.MUTED)) for key, does in pairs], Span("  "))


def _shell_keys(keys: PaneKeys) -> Line:
    after = (("leave", "leave"), ("zoom", "zoom"), (Wish.BESIDE.value, "split"), ("look_back", "look back"))
    pairs = [(keys.name(f"pane.{action}"), does) for action, does in after]
    return line(Span("keys go to the shell   ", Tone.MUTED), *_keys((keys.leader, "then"), *pairs))


_FIELD_KEYS = _keys(("enter", "keep"), ("esc", "clear"))


class KeyBar(Static):
    """Keys and what they do, as many as fit; what can't be done now is dim. A click works like the key."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; padding: 0 1; background: $background; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._places: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._take)
        self.call_after_refresh(self.refresh_keys)

    def on_resize(self) -> None:
        """More or fewer fit."""
        self.refresh_keys()

    def _take(self, screen: Screen[object]) -> None:
        self.refresh_keys()

    def refresh_keys(self) -> None:
        """Paint the keys that are in force."""
        if not (self.is_attached and self.screen.is_current):
            return
        self.update(content_of(self._keys_in_force()), layout=False)

    def _keys_in_force(self) -> Line:
        """Those of the focused widget alone when it takes all keys; otherwise all bindings that are shown."""
        self._places = []
        focused = self.screen.focused
        if isinstance(focused, TakesKeys):
            return _shell_keys(pane_keys_of(self.app))
        return _FIELD_KEYS if isinstance(focused, Input) else self._lay_out(self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        offset = event.get_content_offset(self)
        for start, end, key in self._places if offset is not None else ():
            if offset is not None and start <= offset.x < end:
                self.app.simulate_key(key)

    def _lay_out(self, cells: int) -> Line:
        here = f"view.{getattr(self.screen, 'HERE', '')}"  # where one is already
        items = [(key, shown.binding.id or "", shown) for key, shown in self.screen.active_bindings.items()]
        items = [item for item in items if item[1] != here]
        focused = self.screen.focused
        items.sort(key=lambda item: (item[2].node is not focused, _place(item[1]), _rank(item[2].node, item[1])))
        shown = [item for item in items if item[2].binding.show]
        visible = self._labelled(shown)
        if sum(width(label) for _, _, label in visible) > cells:  # what can't be done now gives way first
            visible = self._labelled([item for item in shown if item[2].enabled])
        kept = sum(width(label) for _, id, label in visible if id in _LAST)
        chosen: list[tuple[str, Line]] = []
        for key, id, label in visible:
            if id in _LAST or width(label) <= cells - kept:
                chosen.append((key, label))
                kept += 0 if id in _LAST else width(label)
        return self._placed(chosen)

    @staticmethod
    def _labelled(items: list[tuple[str, str, ActiveBinding]]) -> list[tuple[str, str, Line]]:
        return [(key, id, _label(key, each.binding.description, each.enabled)) for key, id, each in items]

    def _placed(self, chosen: list[tuple[str, Line]]) -> Line:
        self._places = []
        spans: list[Span] = []
        x = 0
        for key, label in chosen:
            self._places.append((x, x + width(label), key))
            x += width(label)
            spans.extend(label)
        return tuple(spans)


def _place(id: str) -> int:
    group = id.partition(".")[0]
    return _ORDER.index(group) if group in _ORDER else len(_ORDER) - 1


def _rank(node: DOMNode, id: str) -> int:
    """Where its class declares it: keys that were set come after all others."""
    return next((rank for rank, (_, binding) in enumerate(node._bindings) if binding.id == id), 0)


def _label(key: str, description: str, enabled: bool) -> Line:
    return line(
        Span(key_name(key), Tone.ACCENT if enabled else Tone.FAINT),
        Span(f" {description}  ", Tone.MUTED if enabled else Tone.FAINT),
    )
