"""The command line: ``boxdeck [--root DIR] [--runroot DIR] VERB …``.

Only the module of the verb that is used gets imported, and the engine only by verbs that need it.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from engine.cli.command import Options, Parser, Roots, perform
from engine.cli.failure import fail
from engine.cli.verbs import VERBS, load
from engine.errors import BoxdeckError, InvalidRequest

INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE: whoever read our output has left
_INSTEAD = {
    "build": "make an image of a container with boxdeck commit, or bring one in with boxdeck load or import",
    "compose": "give each container its own boxdeck run; on a network of yours they find each other by name",
}
"""What people look for that isn't here, and what is."""
_COLLECT_AFTER = 50_000  # objects: imports make many and drop none, and looking for garbage costs a tenth of a start


class _GlobalOptions(Options):
    root: str | None
    runroot: str | None
    version: bool
    verb: str | None
    rest: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None takes the process's own.

    Returns:
        the exit status: the verb's own, or 125 to 127 when Boxdeck says no (docker run(1), "Exit Status").
    """
    gc.set_threshold(_COLLECT_AFTER)
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        gc.freeze()  # nor has the end of the process to look for garbage
        return status
    except BoxdeckError as error:
        return fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except UnicodeEncodeError as error:
        return fail(f"{error.object!a} is not text in UTF-8: write it in UTF-8")
    except OSError as error:
        where = f"{os.fsdecode(error.filename)!r}: " if isinstance(error.filename, str | bytes) else ""
        return _unexpected(error, f"{where}{error.strerror or error}")
    except Exception as error:  # a mistake of ours: still one sentence
        return _unexpected(error, f"{type(error).__name__}: {error}; this is a bug in Boxdeck")


def _unexpected(error: Exception, sentence: str) -> int:
    if os.environ.get("BOXDECK_DEBUG"):
        raise error
    return fail(f"{sentence} (BOXDECK_DEBUG=1 shows where)")


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere (Python's library reference, signal, "Note on SIGPIPE")."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments, _GlobalOptions())
    if options.version:
        options.verb, options.rest = "version", []
    if options.verb is None:
        raise InvalidRequest("no command was given", "see: boxdeck --help")
    if options.verb not in VERBS:
        raise InvalidRequest(f"there is no command {options.verb!r}", _nearest(options.verb))
    command, summary = load(options.verb), VERBS[options.verb].summary
    return perform(command, f"boxdeck {options.verb}", summary, Roots(options.root, options.runroot), options.rest)


def _parser() -> Parser:
    parser = Parser(
        prog="boxdeck",
        usage="boxdeck [--root DIR] [--runroot DIR] [COMMAND …]",
        description="Containers in the terminal, without a daemon. Without a command it starts the app.",
        epilog=f"{_OF_THE_APP}\n\n{_verb_list()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--root", metavar="DIR", help="where images and containers are kept [BOXDECK_ROOT]")
    parser.add_argument("--runroot", metavar="DIR", help="where sockets and states are kept [BOXDECK_RUNROOT]")
    parser.add_argument("--version", "-v", action="store_true", help="the same as: boxdeck version")
    parser.add_argument("verb", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


_OF_THE_APP = """the app alone:
  --theme NAME   what it wears, once
  --web[=PORT]   serve it to a browser on this machine, behind a link that works once"""


def _verb_list() -> str:
    lines = [f"  {name:<9} {verb.summary}" for name, verb in VERBS.items()]
    return "commands:\n" + "\n".join(lines) + "\n\nboxdeck COMMAND --help tells more."


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    if name in _INSTEAD:
        return _INSTEAD[name]
    near = get_close_matches(name, VERBS, n=1)
    return f"did you mean {near[0]!r}?" if near else "see: boxdeck --help"


if __name__ == "__main__":
    sys.exit(main())
