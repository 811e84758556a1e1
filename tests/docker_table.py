"""Docker's commands and flags beside ours, as README has them: ``python -m tests.docker_table`` writes them there.

What is docker's is in ``dockers_words.txt``: the long options of ``docker COMMAND --help``, 28.2, on Linux. What is
ours comes from the parsers of the command line.
"""

from __future__ import annotations

from pathlib import Path

from engine.cli.command import parser_of
from engine.cli.refused_options import Refusal
from engine.cli.verbs import VERBS, load

README = Path(__file__).parent.parent / "README.md"
WORDS = Path(__file__).parent / "dockers_words.txt"
BEGIN, END = "<!-- docker's words: made by python -m tests.docker_table -->", "<!-- end of docker's words -->"


def ours(words: str) -> set[str] | None:
    """Long options of one of our commands; None when there is no such command."""
    name, *rest = words.split()
    if name not in VERBS:
        return None
    command = load(name)
    if rest:
        if rest[0] not in command.verbs:
            return None
        command = command.verbs[rest[0]].load()
    had = [action for action in parser_of(command, "", "")._actions if not isinstance(action, Refusal)]
    return {option for action in had for option in action.option_strings}


def row(words: str, dockers: set[str]) -> str:
    """One line of the table."""
    here = ours(words)
    if here is None:
        return f"| `{words}` | not here | |"
    long = {option for option in here if option.startswith("--") and option != "--help"}
    cells = (_listed(dockers - long) if dockers - long else "all", _listed(long - dockers))
    return f"| `{words}` | {cells[0] if cells[0] == 'all' else 'all but ' + cells[0]} | {cells[1]} |"


def _listed(options: set[str]) -> str:
    return " ".join(f"`{option}`" for option in sorted(options))


def table() -> str:
    """The whole table, in Markdown."""
    found = [line.partition(":") for line in WORDS.read_text().splitlines()]
    lines = [row(words, set(options.split())) for words, _, options in sorted(found)]
    return "\n".join(["| command | docker's flags that are here | further flags |", "|---|---|---|", *lines])


def written(text: str) -> str:
    """A README with the table of today."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
