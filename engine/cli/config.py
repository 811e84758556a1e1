"""``boxdeck config path|show|check|keys``: what is set, where, and whether it is right."""

from __future__ import annotations

from engine.cli.command import Command, NounVerb, Options, Parser, Roots
from engine.cli.config_documents import KeyDocument, MistakeDocument, SettingDocument
from engine.cli.noun import noun
from engine.cli.output import Column, format_argument, list_lines, write_json, write_lines
from engine.cli.templates import Format
from engine.config import app_side, effective, places
from engine.config.reading import Mistake, Settings, load, read

_COLUMNS = (Column("SETTING", "setting"), Column("VALUE", "value"), Column("ORIGIN", "origin"))
_KEY_COLUMNS = (Column("ID", "id"), Column("KEYS", "keys"), Column("ORIGIN", "origin"), Column("DOES", "does"))


class ConfigOptions(Options):
    """What the verbs take."""

    format: Format


def _no_arguments(parser: Parser) -> None:
    parser.description = "Prints where your own settings belong, whether the file is there or not."


def _list_arguments(parser: Parser) -> None:
    format_argument(parser)


def _check_arguments(parser: Parser) -> None:
    parser.description = """Says what is wrong in the settings, with file and line. The exit status is 0 if nothing
is, and 1 otherwise."""
    format_argument(parser, "text")


def _path(_roots: Roots, _options: Options) -> int:
    write_lines([str(places.own_file())])
    return 0


def _show(_: Roots, options: ConfigOptions) -> int:
    load()  # says what is wrong before anything is shown
    rows = [SettingDocument(**row._asdict()) for row in effective.rows(read())]
    if options.format.name == "json":
        write_json(rows)
    else:
        write_lines(list_lines(rows, _COLUMNS, options.format))
    return 0


def _check(_: Roots, options: ConfigOptions) -> int:
    settings = read()
    mistakes = [*settings.mistakes, *effective.doubts(settings)]
    documents = [_document(mistake) for mistake in mistakes]
    if options.format.name == "json":
        write_json(documents)
    elif options.format.name == "template":
        write_lines([options.format.line(each) for each in documents])
    else:
        write_lines([str(mistake) for mistake in mistakes] or [_praise(settings)])
    return int(bool(mistakes))


def _praise(settings: Settings) -> str:
    if not settings.files:
        return f"{places.own_file()} isn't there: everything is as shipped"
    are = "is" if len(settings.files) == 1 else "are"
    return f"{' and '.join(map(str, settings.files))} {are} right"


def _document(mistake: Mistake) -> MistakeDocument:
    return MistakeDocument(
        file=str(mistake.origin.file), line=mistake.origin.line, cause=mistake.cause, remedy=mistake.remedy
    )


def _keys(_: Roots, options: ConfigOptions) -> int:
    config = load()
    rows = [
        KeyDocument(id=each.id, keys=" ".join(each.keys), origin=each.origin, does=each.does)
        for tell in app_side.key_lists
        for each in tell(config)
    ]
    if options.format.name == "json":
        write_json(rows)
    else:
        write_lines(list_lines(rows, _KEY_COLUMNS, options.format))
    return 0


PATH = Command(Options, _no_arguments, _path)
SHOW = Command(ConfigOptions, _list_arguments, _show)
CHECK = Command(ConfigOptions, _check_arguments, _check)
KEYS = Command(ConfigOptions, _list_arguments, _keys)
CONFIG = noun(
    "config",
    {
        "path": NounVerb("config", "PATH", "print where your settings belong"),
        "show": NounVerb("config", "SHOW", "show all settings in force, and where each is from"),
        "check": NounVerb("config", "CHECK", "say what is wrong in the settings"),
        "keys": NounVerb("config", "KEYS", "list the app's keys by the ids that [keys] takes"),
    },
)
