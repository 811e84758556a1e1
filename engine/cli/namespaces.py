"""``boxdeck ns ls``, ``ns run`` and ``ns enter``: namespaces for people, with the system calls that they stand for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

from engine.cli.command import Command, Parser, Roots
from engine.cli.namespace_actions import NsOptions, enter, run
from engine.cli.namespace_rows import ls
from engine.cli.namespace_views import compare, tree
from engine.cli.output import format_argument, list_arguments
from engine.model import IdRange, NamespaceKind
from engine.namespaces.scan import KINDS

_LS = """Every namespace of this machine: those of processes and threads, and those that only a bind mount, an open
descriptor or a namespace below them keeps alive. clone(2) and unshare(2) make them, setns(2) enters them, and
ioctl_nsfs(2) tells owners and parents."""
_TREE = """The namespaces of this machine by kind: what a kind is, which system call makes one, and those that there
are. User namespaces have their id maps and pid namespaces what their first process is called inside and outside; both
stand below those that they were made in."""
_COMPARE = """The namespaces of the host and of containers side by side: their numbers, which are equal where one is
shared, and what is to be seen in them."""
_RUN = """A command in fresh namespaces, on the files that are here and without an image. With --pid clone(2) begets it
there (clone3, with the CLONE_NEW flag of each kind); otherwise unshare(2) takes this process out of its old namespaces
before it becomes the command. --verbose shows every call."""
_ENTER = """A command in the namespaces of a process or container: setns(2) moves us there by a pidfd, into those that
are named and by default into all. It stays in our cgroup and has no filter of system calls, since it is for looking
into a container; boxdeck exec runs a process that is the container's own."""

_OPTIONS: dict[NamespaceKind, tuple[str, str]] = {
    "mnt": ("mount", "mounts"),
    "uts": ("uts", "host name"),
    "ipc": ("ipc", "System V IPC and message queues"),
    "pid": ("pid", "process ids"),
    "net": ("net", "network devices, addresses, sockets"),
    "user": ("user", "users, groups and capabilities"),
    "cgroup": ("cgroup", "root of what /proc/self/cgroup shows"),
    "time": ("time", "clocks since boot"),
}


class _CommandParser(Parser):
    """A parser of options that may stand before or after other words, up to ``--``; what follows is a command."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As the base class does, with the command taken off first."""
        words = list(args or ())
        if "--" not in words:
            return super().parse_known_args(words, namespace)
        end = words.index("--")
        next(action for action in self._actions if action.dest == "command").nargs = "*"  # nothing of it is left
        options, unknown = super().parse_known_args(words[:end], namespace)
        options.command = words[end + 1 :]
        return options, unknown


def _arguments(parser: Parser) -> None:
    verbs = parser.add_subparsers(
        dest="what", metavar="ls | tree | compare | run | enter", required=True, parser_class=_CommandParser
    )

    def add(name: str, summary: str, text: str, fill: Callable[[Parser], None]) -> None:
        verb = verbs.add_parser(name, help=summary, description=text, allow_abbrev=False, add_help=False)
        verb.add_argument("--help", action="help", help="show this help")
        fill(verb)

    add("ls", "list every namespace of this machine", _LS, _ls_arguments)
    add("tree", "show them by kind, nested, with what each kind is", _TREE, _tree_arguments)
    add("compare", "show a container's beside the host's, and another's", _COMPARE, _compare_arguments)
    add("run", "run a command in fresh namespaces (clone, unshare)", _RUN, _run_arguments)
    add("enter", "run a command in a process's or container's namespaces (setns)", _ENTER, _enter_arguments)


def _ls_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("-t", "--type", choices=KINDS, action="append", default=[], help="only of this kind; may be repeated")
    list_arguments(parser)


def _tree_arguments(parser: Parser) -> None:
    parser.add_argument("-t", "--type", choices=KINDS, action="append", default=[], help="only of this kind")


def _compare_arguments(parser: Parser) -> None:
    parser.add_argument("targets", metavar="CONTAINER", nargs="+", help="that runs; a name, an id or its beginning")
    format_argument(parser)


def _kind_arguments(parser: Parser, words: str) -> None:
    for kind, (option, about) in _OPTIONS.items():
        names = [f"--{option}", *(["--mnt"] if kind == "mnt" else [])]
        parser.add_argument(*names, dest="kinds", action="append_const", const=kind, help=f"{words}: {about}")
    parser.set_defaults(kinds=[])
    parser.add_argument("-v", "--verbose", action="store_true", help="say every system call on standard error")


def _run_arguments(parser: Parser) -> None:
    add = parser.add_argument
    _kind_arguments(parser, "a new namespace")
    add("-a", "--all", action="store_true", help="all eight")
    add(
        "-r", "--map-root", dest="map", action="append_const",
        const=IdRange(inside=0, outside=os.geteuid(), length=1),
        help="be root in the new user namespace, and yourself outside; implies --user",
    )  # fmt: skip
    add(
        "--map", type=_id_range, action="append", metavar="INSIDE:OUTSIDE:COUNT",
        help="which users and groups there are in the new user namespace; implies --user, may be repeated",
    )  # fmt: skip
    add("-h", "--hostname", metavar="NAME", help="the new host name; implies --uts")
    add("--boot-offset", metavar="SECONDS", type=int, default=0, help="added to the time since boot; implies --time")
    add("--by", choices=("auto", "clone", "unshare"), default="auto", help="which system call makes them [auto]")
    add("--no-proc", action="store_true", help="keep the old /proc; otherwise --pid --mount mounts a new one")
    add("command", metavar="-- COMMAND …", nargs=argparse.REMAINDER, help="and its arguments [$SHELL]")


def _enter_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("target", metavar="PID|CONTAINER", help="a process, or a container's name, id or beginning of its id")
    _kind_arguments(parser, "enter only those that are named")
    add(
        "--as", dest="identity", type=_identity, default=(0, 0), metavar="UID[:GID]",
        help="who to be in its user namespace, where that is entered [0:0]",
    )  # fmt: skip
    add(
        "--privileged", action="store_true",
        help="keep all our capabilities; else those of the target's, where its files are entered",
    )  # fmt: skip
    add("-w", "--workdir", metavar="DIR", help="where the command starts [/ where its files are entered]")
    add("command", metavar="-- COMMAND …", nargs="*", help="and its arguments [a shell of the target's]")


def _id_range(text: str) -> IdRange:
    try:
        inside, outside, length = (int(word) for word in text.split(":"))
        if min(inside, outside) < 0 or length < 1 or max(inside, outside) + length > 2**32:
            raise ValueError(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not INSIDE:OUTSIDE:COUNT, such as 0:100000:65536") from error
    return IdRange(inside=inside, outside=outside, length=length)


def _identity(text: str) -> tuple[int, int]:
    uid, _, gid = text.partition(":")
    if not uid.isdecimal() or not (gid or "0").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not UID or UID:GID in numbers")
    return int(uid), int(gid or uid)


def _act(roots: Roots, options: NsOptions) -> int:
    views = {"ls": ls, "tree": tree, "compare": compare}
    if options.what in views:
        return views[options.what](roots, options)
    return run(options) if options.what == "run" else enter(roots, options)


NS = Command(NsOptions, _arguments, _act)
