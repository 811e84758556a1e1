"""``boxdeck doctor``: what this machine lacks, each with the command that mends it."""

from __future__ import annotations

from engine.cli.command import Command, Options, Parser, Roots
from engine.cli.doctor_documents import PartDocument
from engine.cli.output import format_argument, write_json, write_lines
from engine.cli.templates import Format
from engine.preflight.part import Part, Verdict

_TEXT = """Looks at what containers need: root, the kernel, control groups, namespaces, overlay and idmapped mounts,
networks, nftables, seccomp, the disk and the terminal. What only trying tells is tried in namespaces that are gone a
moment later. The exit status is 1 if something is missing without which no container starts, and 0 otherwise."""

_MARKS = {Verdict.GOOD: "ok", Verdict.LIMITED: "limited", Verdict.MISSING: "MISSING"}


class DoctorOptions(Options):
    """Options of ``doctor``."""

    format: Format


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    format_argument(parser, "text")


def _doctor(roots: Roots, options: DoctorOptions) -> int:
    from engine.paths import Paths
    from engine.preflight import facts, judging, terminal

    found = facts.collect(Paths.resolve(roots.root, roots.runroot).root)
    parts = [*judging.judge(found), terminal.examine()]
    documents = [_document(part) for part in parts]
    if options.format.name == "json":
        write_json(documents)
    elif options.format.name == "template":
        write_lines([options.format.line(each) for each in documents])
    else:
        write_lines([line for part in parts for line in _lines(part)])
        write_lines([_summary(parts)])
    return int(any(part.verdict is Verdict.MISSING for part in parts))


def _document(part: Part) -> PartDocument:
    return PartDocument(
        name=part.name, verdict=part.verdict.value, says=part.says, remedy=part.remedy, effect=part.effect
    )


def _lines(part: Part) -> list[str]:
    first = f"{_MARKS[part.verdict]:<9}{part.name:<17}{part.says}"
    if part.verdict is Verdict.GOOD:
        return [first]
    return [f"{first}: {part.effect}", f"{'':<26}{part.remedy}"]


def _summary(parts: list[Part]) -> str:
    wrong = [part for part in parts if part.verdict is not Verdict.GOOD]
    if not wrong:
        return "Nothing is missing."
    lacking = sum(part.verdict is Verdict.MISSING for part in wrong)
    return f"{lacking} missing, {len(wrong) - lacking} limited."


DOCTOR = Command(DoctorOptions, _arguments, _doctor)
