"""A pull on its way: a line for the whole and one for each layer."""

from __future__ import annotations

from tui.drawing import pull_lines
from tui.drawing.lines import Line, Span, Tone, clip, justify, line, printable
from tui.pulls import Pull, PullState
from tui.widgets.drawn import Drawn


class PullProgress(Drawn):
    """As high as it needs to be; nothing at all while there is no pull."""

    DEFAULT_CSS = """
    PullProgress { background: $background; }
    """

    _told_last: tuple[Pull | None, int] = (None, 0)

    def on_resize(self) -> None:
        """As wide as its new place."""
        self.show_pull(*self._told_last)

    def show_pull(self, pull: Pull | None, most: int) -> None:
        """Paint a pull.

        Args:
            most: lines to take, at least 2.
        """
        self._told_last = pull, most
        self.display = pull is not None
        self.show(self._told(pull, max(2, most)) if pull is not None else [])

    def _told(self, pull: Pull, most: int) -> list[Line]:
        cells = max(20, self.app.size.width - 4 if not self.size.width else self.size.width)
        parts = list(pull.parts.values())
        name = Span(printable(pull.reference), Tone.STRONG)
        if pull.state is PullState.FAILED:
            return [
                clip(line(Span("✕ ", Tone.BAD), name, Span(f"  {pull.error}", Tone.BAD)), cells),
                _hint("c", "forgets it", "p", "tries again", "X", "what was done"),
            ]
        if pull.state is PullState.CANCELLED:
            kept = line(Span("○ ", Tone.MUTED), name, Span("  cancelled; what has arrived is kept", Tone.MUTED))
            return [clip(kept, cells), _hint("c", "forgets it", "p", "goes on with it", "X", "what was done")]
        if pull.is_cancelling:
            return [clip(line(Span("◌ ", Tone.WARN), name, Span("  cancelling…", Tone.MUTED)), cells)]
        right = Span(f"{100 * pull_lines.share(parts):.0f} %", Tone.LIT) if parts else Span(pull.whole, Tone.MUTED)
        whole = justify(line(Span("◌ ", Tone.ACCENT), name), line(right), min(cells, pull_lines.MOST_CELLS))
        return [whole, *pull_lines.layer_lines(parts, cells, most - 1)]


def _hint(*pairs: str) -> Line:
    spans = [Span("  ")]
    for key, does in zip(pairs[::2], pairs[1::2], strict=True):
        spans += [Span(key, Tone.ACCENT), Span(f" {does}   ", Tone.MUTED)]
    return line(*spans)
