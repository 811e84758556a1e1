"""The first line of every screen: where one is, and how the machine is."""

from __future__ import annotations

from textual import events

from tui.deck import Deck
from tui.drawing import braille, units
from tui.drawing.lines import Line, Span, Tone, justify, line, plain, width
from tui.drawing.table import pressure
from tui.widgets.painted import Painted

_SPARK_CELLS = 12
_SCREENS = {"containers": "1", "images": "2", "networks": "3", "volumes": "4", "namespaces": "5", "host": "6"}
"""Names of screens, and the key that leads to each."""


class TopBar(Painted):
    """Product, screens, containers that run, processor and memory of the machine."""

    DEFAULT_CSS = """
    TopBar { dock: top; height: 1; background: $background; }
    """

    def __init__(self, here: str) -> None:
        """Args: here: the screen's name, which is lit."""
        super().__init__()
        self._here = here

    def show(self, deck: Deck) -> None:
        """Paint the machine as it is now."""
        room = max(0, self.app.size.width - 2)
        left, right = self._left(deck, with_keys=True), _machine(deck, with_spark=True)
        if width(left) + width(right) >= room:
            right = _machine(deck, with_spark=False)
        if width(left) + width(right) >= room:
            left = self._left(deck, with_keys=False)
        self.paint([line(" ", *justify(left, right, room))])

    def on_click(self, event: events.Click) -> None:
        """Go to the screen under the pointer."""
        offset = event.get_content_offset(self)
        bar = plain(self.lines[0]) if self.lines else ""
        for name in _SCREENS:
            start = bar.find(name)
            if offset is not None and 0 <= start <= offset.x < start + len(name):
                self.app.call_later(self.app.run_action, f"app.go('{name}')")

    def _left(self, deck: Deck, *, with_keys: bool) -> Line:
        screens: list[Span] = []
        for name, key in _SCREENS.items():
            tone = Tone.STRONG if name == self._here else Tone.MUTED
            screens += [Span(f"  {key} " if with_keys else "  ", Tone.FAINT), Span(name, tone)]
        if self.app.size.width < 100 or self._here not in _SCREENS:
            screens = [Span(f"  {self._here}", Tone.STRONG)]
        return line(Span("boxdeck", Tone.LIT), *screens, *_count(deck))


def _count(deck: Deck) -> Line:
    if not deck.containers:
        return ()
    return line(
        Span("   ● ", Tone.GOOD if deck.running_count else Tone.FAINT),
        f"{deck.running_count}",
        Span(f" of {len(deck.containers)} running", Tone.MUTED),
    )


def _machine(deck: Deck, *, with_spark: bool) -> Line:
    host = deck.host
    if not host.memory_total_bytes:
        return ()
    history = list(deck.history.host_cpu_percent)[-_SPARK_CELLS * 2 :]
    spark = braille.spark(history, _SPARK_CELLS, 100).replace(chr(0x2800), " ") + " " if with_spark else ""
    used, total = host.memory_used_bytes, host.memory_total_bytes
    return line(
        Span("cpu ", Tone.MUTED),
        Span(spark, Tone.ACCENT),
        Span(units.known(host.cpu_percent, "{:.0f}".format).rjust(3), pressure(host.cpu_percent or 0, 100)),
        Span(" %   memory ", Tone.MUTED),
        Span(units.size(used), pressure(used, total)),
        Span(f" / {units.size(total)}", Tone.MUTED),
    )
