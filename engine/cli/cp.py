"""``boxdeck cp``: files into a container, out of it, from one to another, or as an archive."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.failure import warn
from engine.cli.formats import decimal_size
from engine.cli.progress import shown
from engine.copying.places import Archive, CopyOptions, Place, parse
from engine.errors import InvalidRequest
from engine.printable import printable

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Copy a file, or a folder with all that is in it, into a container, out of it or from one to another, whether
it runs or not. FROM/. means what is in a folder, and TO/ a folder that exists. What is copied into a container belongs
to its root, and what comes out to you (with sudo, to who used it), unless -a or --chown says otherwise. Links are
copied as links; sockets and devices are left out. - stands for a tar archive: from standard input, with any usual
compression, into a folder of a container, or on standard output."""
_EXAMPLES = """examples:
  boxdeck cp nginx.conf web:/etc/nginx/         into a folder that exists
  boxdeck cp site/. web:/srv/www                what is in site
  boxdeck cp --chown www-data site web:/srv     for a user of the container's
  boxdeck cp web:/var/log ./logs                out of it
  boxdeck cp one:/data two:/                    from one to another
  boxdeck cp web:/srv - | tar -t                as an archive"""


class CopyArguments(Options):
    """Options of ``cp``."""

    archive: bool
    follow_link: bool
    chown: str
    quiet: bool
    source: str
    target: str


def _arguments(parser: Parser) -> None:
    parser.description, parser.epilog = _TEXT, _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-a", "--archive", action="store_true", help="keep owners and set-user-id bits")
    parser.add_argument("-L", "--follow-link", action="store_true", help="if FROM is a link, copy what it leads to")
    parser.add_argument(
        "--chown", metavar="USER[:GROUP]", default="", help="who gets the copies, by name or number of where they go"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="don't say what was copied")
    parser.add_argument("source", metavar="FROM", help="PATH, CONTAINER:PATH, or - for standard input")
    parser.add_argument("target", metavar="TO", help="PATH, CONTAINER:PATH, or - for standard output")


def _places(source: str, target: str) -> tuple[Place, Place]:
    if source == target == "-":
        raise InvalidRequest("neither side of the copy is in a container", "write one as CONTAINER:PATH")
    if target == "-" and sys.stdout.isatty():
        raise InvalidRequest("an archive is nothing for a terminal", "redirect the output")
    return (
        Archive(sys.stdin.buffer) if source == "-" else parse(source),
        Archive(sys.stdout.buffer) if target == "-" else parse(target),
    )


async def _copy(engine: Engine, options: CopyArguments) -> int:
    source, target = _places(options.source, options.target)
    how = CopyOptions(archive=options.archive, follow_link=options.follow_link, owner=options.chown)
    copied = await shown(engine.files.copy(source, target, how))
    for sentence in copied.left_out:
        warn(sentence)
    if not options.quiet:
        where = "the archive" if options.target == "-" else printable(options.target)
        sys.stderr.write(f"{copied.words}, {decimal_size(copied.size_bytes)} copied to {where}\n")
    return 0


CP = Command(CopyArguments, _arguments, with_engine(_copy))
