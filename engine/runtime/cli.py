"""``boxdeck-oci``: this runtime with the command line of runc (OCI runtime spec, runtime.md, "Operations")."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from engine import __version__
from engine.errors import BoxdeckError, InvalidRequest
from engine.oci.runtime_spec import OCI_VERSION
from engine.runtime import standalone
from engine.signal_names import signal_number

DEFAULT_ROOT = "/run/boxdeck-oci"


class LogEntry(Struct, frozen=True):
    """One line of the log file, as containerd and podman read it after a failure."""

    level: str
    msg: str
    time: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidRequest(message, f"see: {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """The console script; returns the exit status."""
    options = argparse.Namespace(log=None, log_format="text")
    try:
        _parser().parse_args(argv, options)
        return int(options.action(options))
    except BoxdeckError as error:
        _report(str(error), options)
        return 1


def _report(message: str, options: argparse.Namespace) -> None:
    sys.stderr.write(f"boxdeck-oci: {message}\n")
    if options.log:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        entry = msgspec.json.encode(LogEntry("error", message, stamp)).decode()
        text = entry if options.log_format == "json" else f'time="{stamp}" level=error msg="{message}"'
        with open(options.log, "a", encoding="utf-8") as file:
            file.write(text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="boxdeck-oci", description="An OCI runtime: runs containers described by a config.json.")
    parser.add_argument("--root", default=DEFAULT_ROOT, help="where the state of containers is kept")
    parser.add_argument("--log", help="also write errors to this file")
    parser.add_argument("--log-format", choices=("text", "json"))
    version = f"boxdeck-oci {__version__}\nspec: {OCI_VERSION}"
    parser.add_argument("-v", "--version", action="version", version=version)
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    create = _verb(verbs, "create", _create, "make a container up to the start of its process")
    run = _verb(verbs, "run", _run, "create and start a container, and wait for it")
    run.add_argument("-d", "--detach", action="store_true", help="don't wait")
    for verb in (create, run):
        verb.add_argument("-b", "--bundle", default=".", help="the folder with config.json")
        verb.add_argument("--pid-file", help="write the process id to this file")
        verb.add_argument("--console-socket", help="send the terminal's master to this socket")
    _verb(verbs, "start", _start, "execute the process of a created container")
    _verb(verbs, "state", _state, "print the state as JSON")
    kill = _verb(verbs, "kill", _kill, "send the process a signal")
    kill.add_argument("signal", nargs="?", default="TERM")
    delete = _verb(verbs, "delete", _delete, "remove a container that has stopped")
    delete.add_argument("-f", "--force", action="store_true", help="kill it first")
    return parser


def _verb(verbs: argparse._SubParsersAction[_Parser], name: str, action: object, text: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(action=action)
    verb.add_argument("id", help="the container's name")
    return verb


def _containers(options: argparse.Namespace) -> standalone.Containers:
    return standalone.Containers(Path(options.root))


def _request(options: argparse.Namespace, detach: bool) -> standalone.CreateRequest:
    return standalone.CreateRequest(
        container_id=options.id,
        bundle=str(Path(options.bundle).absolute()),
        pid_file=options.pid_file,
        console_socket=options.console_socket,
        detach=detach,
    )


def _create(options: argparse.Namespace) -> int:
    _containers(options).create(_request(options, detach=True))
    return 0


def _run(options: argparse.Namespace) -> int:
    containers = _containers(options)
    state = containers.create(_request(options, detach=options.detach))
    try:
        containers.start(options.id)
    except BoxdeckError:
        containers.delete(options.id, force=True)
        raise
    if options.detach:
        return 0
    status = standalone.wait(state)
    containers.delete(options.id, force=True)
    return status


def _start(options: argparse.Namespace) -> int:
    _containers(options).start(options.id)
    return 0


def _state(options: argparse.Namespace) -> int:
    state = _containers(options).state(options.id)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(state), indent=2).decode() + "\n")
    return 0


def _kill(options: argparse.Namespace) -> int:
    _containers(options).kill(options.id, signal_number(options.signal))
    return 0


def _delete(options: argparse.Namespace) -> int:
    _containers(options).delete(options.id, force=options.force)
    return 0


if __name__ == "__main__":
    sys.exit(main())
