"""The fields of the run form: those of the command line's ``run``, so that none is missing and none said twice."""

from __future__ import annotations

import argparse
from enum import Enum
from functools import lru_cache

from msgspec import Struct

from engine.cli.command import Parser, parser_of

_LEFT_OUT = frozenset(
    {"help", "detach", "attach", "detach_keys", "sig_proxy", "cidfile", "quiet", "interactive", "xray"}
)
"""Options that are about the command line's own terminal; ``-i`` comes with ``-t``."""

_FIRST = ("image", "command", "name", "memory", "cpus", "pids_limit", "network", "publish", "volume", "env")
_BASIC = (*_FIRST, "tty", "rm", "init")
_SECTIONS = {
    "process": ("its process",),
    "network": ("networks and names", "ports"),
    "volumes": ("files and devices",),
    "limits": ("memory and processes", "processors", "disks", "further limits"),
    "security": ("security", "namespaces"),
    "health": ("health",),
    "labels": (),
}
"""Sections besides the first, and the headings of the command line's help that are in each."""

_ELSEWHERE = {
    "restart": "health", "stop_signal": "health", "stop_timeout": "health",
    "env": "labels", "env_file": "labels", "label": "labels", "label_file": "labels",
    "shm_size": "volumes", "pull": "process", "platform": "process", "log_driver": "process", "log_opt": "process",
}  # fmt: skip
_NOT_TWICE = frozenset({"name", "tty", "rm", "init"})
_LABELS = {"tty": "terminal", "rm": "remove", "pids_limit": "pids", "publish": "ports", "volume": "volumes"}
_HINTS = {
    "image": "such as base, alpine or debian:12",
    "command": "the image's own · sh -c 'date; sleep 9'",
    "name": "made up",
    "memory": "no limit · 256m, 1.5g",
    "cpus": "no limit · 1.5",
    "pids_limit": "2048 · 512",
    "network": "bridge · none, host, or a network of its own",
    "publish": "none · 8080:80 127.0.0.1:5353:53/udp",
    "volume": "none · /on/the/host:/inside:ro data:/data",
    "env": "none · NAME=value 'GREETING=good day'",
    "tty": "a terminal of its own, to type into",
    "rm": "remove it when it ends",
}
"""Examples, for what is wanted most."""


class Kind(Enum):
    """What is typed or chosen in a field."""

    TEXT = "text"
    LIST = "list"
    SWITCH = "switch"
    CHOICE = "choice"


class RunField(Struct, frozen=True, kw_only=True):
    """One field.

    Attributes:
        name: of the option, as the parser has it; also the widget's id.
        option: such as ``--memory``; empty for image and command.
        negative: what says the contrary, such as ``--no-cpu-idle``; empty for most.
        label: stands before it.
        help: what it means, as the command line says it.
        hint: stands in it while it is empty.
        choices: what is chosen from; the first is meant where nothing is said.
    """

    name: str
    option: str
    kind: Kind
    label: str
    help: str
    hint: str
    negative: str = ""
    choices: tuple[str, ...] = ()


class Section(Struct, frozen=True):
    """Fields that are shown together."""

    name: str
    fields: tuple[RunField, ...]


@lru_cache(1)
def parser() -> Parser:
    """What understands the command line that the form stands for."""
    from engine.cli.run import RUN

    return parser_of(RUN, "boxdeck run", "")


@lru_cache(1)
def fields() -> dict[str, RunField]:
    """Every field by its name."""
    actions = [action for group in parser()._action_groups for action in group._group_actions]
    return {
        action.dest: _field(action)
        for action in actions
        if action.dest not in _LEFT_OUT and action.help is not argparse.SUPPRESS
    }


@lru_cache(1)
def sections() -> tuple[Section, ...]:
    """What is wanted most, and then everything."""
    every = fields()
    placed: dict[str, list[RunField]] = {name: [] for name in _SECTIONS}
    for group in parser()._action_groups:
        usual = next((name for name, titles in _SECTIONS.items() if group.title in titles), "process")
        for action in group._group_actions:
            if action.dest in every and action.dest not in _NOT_TWICE and action.option_strings:
                placed[_ELSEWHERE.get(action.dest, usual)].append(every[action.dest])
    placed["volumes"].sort(key=lambda field: field.name in _ELSEWHERE)
    placed["health"].sort(key=lambda field: field.name != "restart")
    basic = Section("basic", tuple(every[name] for name in _BASIC))
    return (basic, *(Section(name, tuple(found)) for name, found in placed.items()))


def _field(action: argparse.Action) -> RunField:
    name, options = action.dest, action.option_strings
    longs = [option for option in options if option.startswith("--")] or [""]
    negative = longs[1] if isinstance(action, argparse.BooleanOptionalAction) else ""
    words = (action.help or "").replace("%%", "%")
    if name == "command":
        words = f"the command {words}"
    if isinstance(action, argparse._AppendAction):
        words += "; more with blanks between"
    return RunField(
        name=name,
        option=longs[0],
        kind=_kind(action),
        label=_LABELS.get(name, name.removeprefix("health_").replace("_", " ")),
        help=words,
        hint=_HINTS.get(name, words),
        negative=negative,
        choices=("as it is", "yes", "no") if negative else tuple(action.choices or ()),
    )


def _kind(action: argparse.Action) -> Kind:
    if action.choices or isinstance(action, argparse.BooleanOptionalAction):
        return Kind.CHOICE
    if isinstance(action, argparse._AppendAction):
        return Kind.LIST
    return Kind.TEXT if action.nargs != 0 else Kind.SWITCH
