"""``boxdeck login``, ``logout``, ``search`` and ``tags``."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.documents import SearchRow
from engine.cli.output import Column, ListOptions, list_arguments, shortened, show_list, write_json, write_lines
from engine.errors import InvalidRequest
from engine.oci.reference import DEFAULT_REGISTRY

if TYPE_CHECKING:
    from engine.engine import Engine


_SEARCH = """Looks for images on Docker Hub, or on another registry when its name and a slash come first: in its index,
or where it has none in the list of all that it has (then the word may be empty)."""
_COLUMNS = (
    Column("NAME", "name"),
    Column("DESCRIPTION", "description"),
    Column("STARS", "star_count", True),
    Column("OFFICIAL", "is_official"),
)
_MOST_FOUND = 100
_WORDS_SHOWN = 45


class LoginOptions(Options):
    """Options of ``login``."""

    registry: str
    username: str | None
    password: str | None
    password_stdin: bool


class LogoutOptions(Options):
    """Options of ``logout``."""

    registry: str


class SearchOptions(ListOptions):
    """Options of ``search``."""

    limit: int
    term: str


class TagsOptions(Options):
    """Options of ``tags``."""

    repository: str
    format: str


def _login_arguments(parser: Parser) -> None:
    parser.add_argument("-u", "--username", metavar="NAME", help="asked for without it")
    parser.add_argument("-p", "--password", metavar="PASSWORD", help="seen by everybody who lists processes")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument("registry", metavar="REGISTRY", nargs="?", default=DEFAULT_REGISTRY, help="[docker.io]")


async def _login(engine: Engine, options: LoginOptions) -> int:
    file = await engine.registries.login(options.registry, _username(options), _password(options))
    write_lines(["Login Succeeded", f"{file} has the password, for whoever may read it"])
    return 0


def _username(options: LoginOptions) -> str:
    if options.username:
        return options.username
    if options.password_stdin or not sys.stdin.isatty():
        raise InvalidRequest("login needs a name", "give it with --username")
    return input("Username: ")


def _password(options: LoginOptions) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if options.password is not None:
        return options.password
    if not sys.stdin.isatty():
        raise InvalidRequest("login needs a password", "send it to standard input with --password-stdin")
    return getpass.getpass()


async def _logout(engine: Engine, options: LogoutOptions) -> int:
    known = await engine.registries.logout(options.registry)
    write_lines([f"{'Removed login credentials for' if known else 'Not logged in to'} {options.registry}"])
    return 0


def _logout_arguments(parser: Parser) -> None:
    parser.add_argument("registry", metavar="REGISTRY", nargs="?", default=DEFAULT_REGISTRY, help="[docker.io]")


def _search_arguments(parser: Parser) -> None:
    parser.description = _SEARCH
    list_arguments(parser)
    parser.add_argument("--limit", metavar="NUMBER", type=_limit, default=25, help="how many at most [25]")
    parser.add_argument("term", metavar="[REGISTRY/]WORD", help="such as alpine, or localhost:5000/app")


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_FOUND:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_FOUND}")
    return int(text)


async def _search(engine: Engine, options: SearchOptions) -> int:
    rows = [
        SearchRow(
            name=found.name,
            description=found.description if options.no_trunc else shortened(found.description, _WORDS_SHOWN),
            star_count=str(found.stars),
            is_official="[OK]" if found.is_official else "",
        )
        for found in await engine.registries.search(options.term, options.limit)
    ]
    show_list(rows, _COLUMNS, "name", options)
    return 0


def _tags_arguments(parser: Parser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="one a line, or a JSON list")
    parser.add_argument("repository", metavar="NAME", help="such as alpine or localhost:5000/app")


async def _tags(engine: Engine, options: TagsOptions) -> int:
    found = await engine.registries.tags(options.repository)
    if options.format == "json":
        write_json(found)
    else:
        write_lines(found)
    return 0


LOGIN = Command(LoginOptions, _login_arguments, with_engine(_login))
LOGOUT = Command(LogoutOptions, _logout_arguments, with_engine(_logout))
SEARCH = Command(SearchOptions, _search_arguments, with_engine(_search))
TAGS = Command(TagsOptions, _tags_arguments, with_engine(_tags))
