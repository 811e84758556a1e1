"""The program behind ``boxdeck ns run`` and ``ns enter``: one thread, few imports, and it becomes the command.

It runs as ``python -I -S``, since namespaces are entered by threads and made by forks, and an event loop's process has
many of the former and should do none of the latter. The order comes as JSON, the command's words as they are, so that
they may be any bytes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from engine.errors import BoxdeckError, CommandNotExecutable, CommandNotFound, RuntimeFailure
from engine.linux import descriptors
from engine.namespaces.order import Order, RunOrder

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main(arguments: Sequence[str]) -> NoReturn:
    """Obey an order.

    Args:
        arguments: a descriptor that failures are told to (-1 for standard error), the order as JSON, the command
            and its arguments.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ctrl-c ends us without a traceback
    order: Order = msgspec.json.decode(arguments[1], type=Order)
    words = tuple(arguments[2:])
    try:
        if isinstance(order, RunOrder):
            from engine.namespaces.run import run

            run(replace(order.request, argv=words))
        else:
            from engine.namespaces.visit import visit

            visit(order, words)
    except BoxdeckError as error:
        fail(int(arguments[0]), error)
    except OSError as error:  # what no step has a better sentence for: a process that ends while it is looked at
        fail(int(arguments[0]), RuntimeFailure(f"this can't be done ({error})", "see what --verbose says"))


def fail(report: int, error: BoxdeckError) -> NoReturn:
    """Say why not, to whoever started us, and end."""
    sentence = f"{error}\n" if report >= 0 else f"boxdeck: {error}\n"
    os.write(report if report >= 0 else 2, sentence.encode(errors="surrogateescape"))
    os._exit(error.exit_status)


class Narrator:
    """Says each system call on standard error, if that is wanted."""

    def __init__(self, loud: bool) -> None:
        self._loud = loud

    def __call__(self, call: str) -> None:
        """Say one call, such as ``unshare(CLONE_NEWUTS)``."""
        if self._loud:
            os.write(2, f"{call}\n".encode(errors="surrogateescape"))


def execute(argv: tuple[str, ...], environment: dict[str, str], say: Narrator) -> NoReturn:
    """Become a program, looked up in the environment's PATH, with signals and descriptors as a shell would leave them.

    Raises:
        CommandNotFound: there is none of that name.
        CommandNotExecutable: there is one, but it can't be executed.
    """
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    descriptors.close_on_exec()
    say(f"execve({' '.join(argv)!r})")
    denied: OSError | None = None
    for candidate in _candidates(argv[0], environment.get("PATH", DEFAULT_PATH)):
        try:
            os.execve(candidate, argv, environment)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            denied = error
    if denied is None:
        raise CommandNotFound(f"the command {argv[0]!r} doesn't exist there", "check the spelling, or PATH")
    raise CommandNotExecutable(
        f"the command {argv[0]!r} can't be executed ({os.strerror(denied.errno or 0).lower()})",
        "it needs the execute bit and an interpreter that is there",
    )


def _candidates(name: str, path: str) -> list[str]:
    if "/" in name:
        return [name]
    return [f"{folder or '.'}/{name}" for folder in path.split(":")] if name else []
