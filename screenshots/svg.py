"""Textual's SVG pictures, made to look the same in every viewer.

They ask for a font from the web and stretch whole runs of text to fit. Here every word gets its own place, so that any
monospaced font does, and what fonts draw with gaps, lines and braille dots, becomes a path.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

FONT = "DejaVu Sans Mono"
CELL_WIDTH, CELL_HEIGHT = 12.2, 24.4  # Rich's export_svg: 20 pixels of text, 24.4 of line
BASELINE = 18.5  # below the top of a cell
LINE_WIDTH = 1.6
DOT_RADIUS = 1.75

_RUN = re.compile(r'<text class="([\w-]+-(r\d+))" x="([\d.]+)" y="([\d.]+)"[^>]*?(clip-path="[^"]*")>(.*?)</text>')
_FILL = re.compile(r"\.[\w-]+-(r\d+) \{ fill: (#[0-9a-f]+)")
_BRAILLE = 0x2800
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # column and row of each bit (Unicode, 15.1)

_LEFT, _RIGHT, _UP, _DOWN = "m0 12.2h6.1", "m6.1 12.2h6.1", "m6.1 0v12.2", "m6.1 12.2v12.2"
_LINES = {
    "─": (_LEFT, _RIGHT),
    "│": (_UP, _DOWN),
    "├": (_UP, _DOWN, _RIGHT),
    "┤": (_UP, _DOWN, _LEFT),
    "┬": (_LEFT, _RIGHT, _DOWN),
    "┴": (_LEFT, _RIGHT, _UP),
    "┼": (_LEFT, _RIGHT, _UP, _DOWN),
    "└": (_UP, _RIGHT),
    "┘": (_UP, _LEFT),
    "┌": (_DOWN, _RIGHT),
    "┐": (_DOWN, _LEFT),
    "╭": ("m6.1 24.4v-7.2q0 -5 5 -5h1.1",),
    "╮": ("m6.1 24.4v-7.2q0 -5 -5 -5h-1.1",),
    "╰": ("m6.1 0v7.2q0 5 5 5h1.1",),
    "╯": ("m6.1 0v7.2q0 5 -5 5h-1.1",),
    "╌": ("m1.2 12.2h3.7m2.4 0h3.7",),
    "═": ("m0 10.2h12.2m-12.2 4h12.2",),
    "╧": ("m0 10.2h12.2m-12.2 4h12.2", "m6.1 0v10.2"),
    "╤": ("m0 10.2h12.2m-12.2 4h12.2", "m6.1 14.2v10.2"),
}
_WORD = re.compile(rf"[^\s\u2800-\u28ff{''.join(_LINES)}]+")


def portable(svg: str) -> str:
    """The same picture, without fonts from the web and with every cell in its place."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", f"{FONT}, Fira Code").replace("font-variant-east-asian: full-width;", "")
    colours = dict(_FILL.findall(svg))
    return _RUN.sub(lambda run: "".join(_drawn(run, colours)), svg)


def _drawn(run: re.Match[str], colours: dict[str, str]) -> Iterator[str]:
    name, style, left, baseline, clip, text = run.groups()
    text = html.unescape(text)
    cells = [(round(float(left) + index * CELL_WIDTH, 1), letter) for index, letter in enumerate(text)]
    y, top = float(baseline), float(baseline) - BASELINE
    for word in _WORD.finditer(text):
        place = f'x="{cells[word.start()][0]:g}" y="{y:g}" textLength="{len(word[0]) * CELL_WIDTH:.1f}"'
        yield f'<text class="{name}" {place} {clip}>{html.escape(word[0])}</text>'
    if dots := "".join(_dots(x, top, letter) for x, letter in cells):
        yield f'<path class="{name}" d="{dots}"/>'
    if lines := "".join(_lines(x, top, letter) for x, letter in cells):
        stroke = f'fill="none" stroke="{colours[style]}" stroke-width="{LINE_WIDTH}"'
        yield f'<path {stroke} d="{lines}"/>'


def _dots(x: float, top: float, letter: str) -> str:
    """The dots of a braille cell, two wide and four high, as circles."""
    bits = ord(letter) - _BRAILLE
    if not 0 < bits < 256:
        return ""
    centres = [
        (x + CELL_WIDTH * (0.25 + 0.5 * column), top + CELL_HEIGHT * (0.125 + 0.25 * row))
        for bit, (column, row) in enumerate(_DOTS)
        if bits >> bit & 1
    ]
    r = DOT_RADIUS
    return "".join(f"M{cx - r:.1f} {cy:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0" for cx, cy in centres)


def _lines(x: float, top: float, letter: str) -> str:
    return "".join(f"M{x:.1f} {top:.1f}{line}" for line in _LINES.get(letter, ()))
