"""``boxdeck version``: needs neither root nor an engine."""

from __future__ import annotations

import os
import sys

from engine import __version__
from engine.cli.command import Command, Options, Parser, Roots


class VersionOptions(Options):
    """Options of ``version``."""

    format: str


def _arguments(parser: Parser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text, or one JSON document")


def _version(_: Roots, options: VersionOptions) -> int:
    machine = os.uname()
    python = ".".join(str(part) for part in sys.version_info[:3])
    if options.format == "json":
        from engine.cli.documents import VersionDocument
        from engine.cli.output import write_json

        write_json(
            VersionDocument(
                version=__version__, python_version=python, kernel_version=machine.release, arch=machine.machine
            )
        )
    else:
        sys.stdout.write(f"Boxdeck {__version__}, Python {python}, Linux {machine.release} {machine.machine}\n")
    return 0


VERSION = Command(VersionOptions, _arguments, _version)
