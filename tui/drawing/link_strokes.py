"""How a link is drawn: as wide as what goes through it, and in the tone of its trouble."""

from __future__ import annotations

from typing import NamedTuple

from engine.model import LinkCounters, LinkRates
from engine.model.topology import LinkState
from tui.drawing import units
from tui.drawing.lines import Span, Tone


class Stroke(NamedTuple):
    """The same width downwards and to the right."""

    vertical: str
    horizontal: str
    tone: Tone


_CROSS = "\N{BOX DRAWINGS LIGHT DIAGONAL CROSS}"
_DOWN = Stroke(_CROSS, _CROSS, Tone.BAD)
_NO_CARRIER = Stroke("╎", "╌", Tone.WARN)
_WIDTHS = (
    (10e6, Stroke("█", "▬", Tone.STRONG)),
    (100e3, Stroke("┃", "━", Tone.STRONG)),
    (1, Stroke("│", "─", Tone.PLAIN)),
    (0, Stroke("│", "─", Tone.FAINT)),
)
"""By bytes a second, both ways together."""


def stroke(state: LinkState, rates: LinkRates | None) -> Stroke:
    """How a link is drawn now."""
    if state != "up":
        return _DOWN if state == "down" else _NO_CARRIER
    moved = rates.bytes_per_second if rates is not None else 0
    return next(found for least, found in _WIDTHS if moved >= least)


def trouble(state: LinkState, counters: LinkCounters, rates: LinkRates | None) -> Span | None:
    """What is wrong with a link: in the tone of an error while it goes on; None when all is well."""
    if state != "up":
        return Span(state, Tone.BAD if state == "down" else Tone.WARN)
    goes_on = rates is not None and rates.errors_per_second + rates.dropped_per_second > 0
    words = ((counters.errors, "errors"), (counters.dropped, "drops"))
    said = "  ".join(f"{word} {_short(count)}" for count, word in words if count)
    return Span(said, Tone.BAD if goes_on else Tone.WARN) if said else None


def traffic(rates: LinkRates | None) -> str:
    """What moves, such as ``↓12k/s   ↑900/s``; empty when it isn't known."""
    if rates is None:
        return ""
    received, sent = units.rate(rates.received_bytes_per_second), units.rate(rates.sent_bytes_per_second)
    return f"↓{received:<7} ↑{sent}"


def is_moving(rates: LinkRates | None) -> bool:
    """Whether there is anything to tell of."""
    return rates is not None and rates.bytes_per_second >= 1


def _short(count: int) -> str:
    return str(count) if count < 10_000 else f"{count / 1000:.0f}k"
