"""Published ports in words: of one container, and the numbers of many."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model import Container, PublishedPort
from tui.drawing.lines import Line, Span, Tone, joined, line

_DOT = Span(" · ", Tone.FAINT)


def words(container: Container) -> Line:
    """All of them, such as ``8080 → 80/tcp``; muted while it doesn't run, since nothing leads to it then."""
    return joined([_port(port, container.is_running) for port in container.ports], _DOT)


def lines(container: Container) -> list[Line]:
    """One each."""
    if not container.ports:
        return [line(Span("Nothing of the host's leads to it.", Tone.MUTED))]
    return [_port(port, container.is_running) for port in container.ports]


def numbers(found: Iterable[int]) -> str:
    """In order, each once, and those that follow one another as a range: ``80, 3000-3099``."""
    runs: list[list[int]] = []
    for number in sorted(set(found)):
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _port(port: PublishedPort, is_open: bool) -> Line:
    address = f"[{port.host_address}]" if ":" in port.host_address else port.host_address
    place = f"{address}:{port.host_port}" if address else str(port.host_port)
    if not port.host_port:
        place = "chosen at the start"
    return line(Span(place, Tone.PLAIN if is_open else Tone.MUTED), Span(" → ", Tone.FAINT),
                Span(port.container_words, Tone.PLAIN if is_open else Tone.MUTED))  # fmt: skip
