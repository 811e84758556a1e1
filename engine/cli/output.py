"""What lists look like: a table, one JSON document, or ids alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from engine.cli.command import Options, Parser

_GAP = "   "


class ListOptions(Options):
    """What every list takes."""

    quiet: bool
    no_trunc: bool
    format: str


class Column(NamedTuple):
    """A heading, and the field of a row's document that stands under it."""

    heading: str
    field: str


def list_arguments(parser: Parser) -> None:
    """Add the options that every list takes."""
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    parser.add_argument("--no-trunc", action="store_true", help="don't shorten anything")
    format_argument(parser)


def format_argument(parser: Parser) -> None:
    """Add ``--format``."""
    parser.add_argument("--format", choices=("table", "json"), default="table", help="a table, or one JSON document")


def show_list(rows: Sequence[msgspec.Struct], columns: Sequence[Column], identity: str, options: ListOptions) -> None:
    """Print rows as the options ask for.

    Args:
        rows: one document a row.
        identity: the field that holds a row's id.
    """
    if options.quiet:
        write_lines([str(getattr(row, identity)) for row in rows])
    elif options.format == "json":
        write_json(rows)
    else:
        write_lines(table(rows, columns))


def table(rows: Sequence[msgspec.Struct], columns: Sequence[Column]) -> list[str]:
    """Lines of a table with headings, columns as wide as their widest cell."""
    cells = [[column.heading for column in columns]]
    cells += [[_one_line(str(getattr(row, column.field))) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _one_line(text: str) -> str:
    """Text that can't break a table or send a terminal commands."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def json_text(document: object) -> str:
    """A document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def write_json(document: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(document) + "\n")


def write_lines(lines: Sequence[str]) -> None:
    """Print lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def shortened(text: str, width: int) -> str:
    """Text of at most that width, with an ellipsis for what is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"
