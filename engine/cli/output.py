"""What lists look like: a table, one JSON document, or ids alone."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from engine.cli.command import Options, Parser
from engine.cli.json_text import json_text
from engine.cli.templates import Format, format_of
from engine.printable import printable

_GAP = "   "


class ListOptions(Options):
    """What every list takes."""

    quiet: bool
    no_trunc: bool
    format: Format


class Column(NamedTuple):
    """A heading, and the field of a row's document that stands under it; numbers stand at the right."""

    heading: str
    field: str
    is_number: bool = False


def list_arguments(parser: Parser) -> None:
    """Add the options that every list takes."""
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    parser.add_argument("--no-trunc", action="store_true", help="don't shorten anything")
    format_argument(parser)


def format_argument(parser: Parser, plain: str = "table") -> None:
    """Add ``--format``; `plain` is what there is for people, ``table`` or ``text``."""
    parser.add_argument(
        "--format",
        metavar=f"{plain}|json|TEMPLATE",
        type=format_of(plain, "json"),
        default=Format(plain),
        help="for people, one JSON document, or lines with {{.Field}}, {{json .}} and {{json .Field}} as in docker",
    )


def document_format_argument(parser: Parser) -> None:
    """Add ``--format`` as those have it who show whole documents."""
    parser.add_argument(
        "-f", "--format", metavar="json|TEMPLATE", type=format_of("json"), default=Format("json"),
        help="one JSON document, or a line for each with {{.Field.Inner}} or {{json .Field}} as in docker",
    )  # fmt: skip


def show_documents(documents: Sequence[msgspec.Struct], wanted: Format) -> None:
    """Print documents as ``--format`` has it.

    Raises:
        InvalidRequest: the template has a field that one of them doesn't have.
    """
    if wanted.name == "json":
        write_json(documents)
    else:
        write_lines([wanted.line(document) for document in documents])


def show_list(rows: Sequence[msgspec.Struct], columns: Sequence[Column], identity: str, options: ListOptions) -> None:
    """Print rows as the options ask for.

    Args:
        rows: one document a row.
        identity: the field that holds a row's id.
    """
    if options.quiet:
        write_lines([str(getattr(row, identity)) for row in rows])
    elif options.format.name == "json":
        write_json(rows)
    else:
        write_lines(list_lines(rows, columns, options.format))


def list_lines(rows: Sequence[msgspec.Struct], columns: Sequence[Column], wanted: Format) -> list[str]:
    """A list as a table, or as a template has it.

    Raises:
        InvalidRequest: the template has a field that the rows don't have.
    """
    if wanted.name != "template":
        return table(rows, columns)
    lines = [wanted.line(row) for row in rows]
    if not wanted.has_headings:
        return lines
    named = [(column.heading, _encoded(rows, column.field)) for column in columns]
    cells = [line.split("\t") for line in (wanted.headings(named), *lines)]
    return aligned(cells, ())


def table(rows: Sequence[msgspec.Struct], columns: Sequence[Column]) -> list[str]:
    """Lines of a table with headings, columns as wide as their widest cell."""
    cells = [[column.heading for column in columns]]
    cells += [[printable(str(getattr(row, column.field))) for column in columns] for row in rows]
    return aligned(cells, [place for place, column in enumerate(columns) if column.is_number])


def aligned(cells: Sequence[Sequence[str]], numbers: Collection[int], gap: str = _GAP) -> list[str]:
    """Lines with their cells under each other; those at the places of `numbers` at the right."""
    widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    return [
        gap.join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in cells
    ]


def _encoded(rows: Sequence[msgspec.Struct], field: str) -> str:
    """What a field is called in JSON and templates."""
    names = zip(rows[0].__struct_fields__, rows[0].__struct_encode_fields__, strict=True) if rows else ()
    return dict(names).get(field, field)


def write_json(document: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(document) + "\n")


def write_lines(lines: Sequence[str]) -> None:
    """Print lines."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def shortened(text: str, width: int) -> str:
    """Text of at most that width, with an ellipsis for what is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"
