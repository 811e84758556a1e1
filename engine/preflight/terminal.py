"""What the terminal can, as far as the environment tells."""

from __future__ import annotations

import locale
import os
import shutil

from engine.preflight.part import Part, good, limited

_LEAST_COLUMNS, _LEAST_ROWS = 80, 24
_NAME = "terminal"


def examine() -> Part:
    """Judge by TERM, COLORTERM, the locale, and the size (COLUMNS and LINES go before what the terminal says)."""
    size = shutil.get_terminal_size((_LEAST_COLUMNS, _LEAST_ROWS))
    term, colours = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    return judge(term, colours, locale.getencoding(), size.columns, size.lines)


def judge(term: str, colours: str, encoding: str, columns: int, rows: int) -> Part:
    """What an app on it would be like.

    Args:
        term, colours: TERM and COLORTERM.
        encoding: of the locale.
        columns, rows: its size in cells.
    """
    if term in ("", "dumb"):
        says = f"TERM is {term or 'not set'}: nothing can be painted"
        return limited(_NAME, says, "export TERM=xterm-256color", "the app can't be used; the command line can")
    if encoding.lower().replace("-", "") not in ("utf8", "utf8sig"):
        return limited(_NAME, f"the locale's text is {encoding}", "export LC_ALL=C.UTF-8", "curves are garbled")
    if columns < _LEAST_COLUMNS or rows < _LEAST_ROWS:
        says = f"{columns} columns and {rows} rows are few"
        return limited(_NAME, says, f"make the window at least {_LEAST_COLUMNS}x{_LEAST_ROWS}", "panels are cut")
    if not colours and "256color" not in term and "direct" not in term:
        return limited(_NAME, f"{term} has sixteen colours", "boxdeck --theme ansi", "other themes look coarse")
    return good(_NAME, f"{term}, {columns}x{rows}{', true colour' if colours else ''}")
