"""``list``: the containers of a state folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from engine.runtime.oci.flags import Flag
from engine.runtime.oci.record import Report
from engine.runtime.oci.status import reports
from engine.runtime.oci.verb import Call, Verb

_HEADINGS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    format: Literal["table", "json"] = "table"
    quiet: bool = False


def action(call: Call) -> int:
    """Print them."""
    found = reports(call.settings.state_root)
    if call.options.quiet:
        sys.stdout.write("".join(f"{report.id}\n" for report in found))
    elif call.options.format == "json":
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write(table([_HEADINGS, *map(_row, found)]))
    return 0


def _row(report: Report) -> tuple[str, ...]:
    return (report.id, str(report.pid), report.status, report.bundle, report.created, report.owner)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


VERB = Verb(
    help="print the containers of a state folder",
    usage="",
    least=0,
    most=0,
    flags=(
        Flag("format", "text", "table or json", "f"),
        Flag("quiet", "switch", "ids alone", "q"),
    ),
    options=Options,
    action=action,
)
