"""``boxdeck system check``: what is out of step, and its repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import FindingDocument
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.model import Finding

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Compares the store with folders, control groups, processes, networks, the firewall, names, images, volumes
and mounts, and says in a line each what is out of step, where, and what --repair does about it. Containers may be
started and ended meanwhile. The exit status is 0 if everything is in order or was mended, and 1 otherwise."""


class CheckOptions(Options):
    """Options of ``system check``."""

    repair: bool
    format: Format


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.add_argument("--repair", action="store_true", help="mend what is found, and say what was done")
    format_argument(parser, "text")


async def _check(engine: Engine, options: CheckOptions) -> int:
    findings = []
    async for finding in engine.check(options.repair):
        findings.append(finding)
        if options.format.name == "text":
            write_lines([finding.sentence])
    documents = [document(finding) for finding in findings]
    if options.format.name == "json":
        write_json(documents)
    elif options.format.name == "template":
        write_lines([options.format.line(each) for each in documents])
    return int(any(not finding.is_mended for finding in findings))


def document(finding: Finding) -> FindingDocument:
    """A finding as ``--format`` has it."""
    return FindingDocument(
        kind=finding.kind,
        place=finding.place,
        problem=finding.problem,
        remedy=finding.remedy,
        mendable=finding.is_mendable,
        mended=finding.is_mended,
        failure=finding.failure,
    )


CHECK = Command(CheckOptions, _arguments, with_engine(_check, recovers=False))
"""Nothing is put in order before it was looked at."""
