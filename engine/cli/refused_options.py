"""Options of docker's that can't be had: refused by name, with what there is instead."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from engine.cli.command import Parser
from engine.errors import InvalidRequest

_OF_CONTAINERS = {
    "--cgroup-parent": (
        "the control groups of all containers are below one of Boxdeck's",
        "limit each container, as with --memory and --cpus",
    ),
    "--disable-content-trust": ("signatures of images are never looked at", "leave it out"),
    "--gpus": ("drivers aren't brought into containers", "give it devices with --device, and libraries with -v"),
    "--kernel-memory": ("kernels have no limit of that kind any more", "--memory counts what the kernel takes, too"),
    "--link": (
        "containers find each other by name on every network but the default one",
        "make one with boxdeck network create NAME, and start both with --network NAME, and --network-alias OTHER-NAME",
    ),
    "--link-local-ip": ("addresses are those of its networks", "choose one with --ip or --ip6"),
    "--runtime": ("Boxdeck is its own runtime", "leave it out; other engines can take boxdeck-oci for theirs"),
    "--storage-opt": (
        "what a container writes has the limits of the disk that it is on",
        "give it --read-only, and room with --tmpfs PATH:size=64m",
    ),
    "--use-api-socket": ("there is no daemon with a socket", "leave it out"),
    "--volume-driver": ("volumes are folders of this machine", "mount what other drivers bring here with -v"),
}
_OF_VOLUMES = {
    "--opt": ("volumes are folders of this machine", "mount what it says on this machine, and show it with -v"),
}
_SHORT = {"--opt": "-o"}
_REFUSED = {**_OF_CONTAINERS, **_OF_VOLUMES}


class Refusal(argparse.Action):
    """Raises `InvalidRequest` when its option is given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> NoReturn:
        """Refuse the option."""
        cause, remedy = _REFUSED[self.option_strings[0]]
        raise InvalidRequest(f"{self.option_strings[0]} can't be had: {cause}", remedy)


def refused_arguments(parser: Parser) -> None:
    """Add those of ``run`` and ``create``, unseen by help, forms and completion."""
    _add(parser, _OF_CONTAINERS)


def refused_volume_arguments(parser: Parser) -> None:
    """Add those of ``volume create`` likewise."""
    _add(parser, _OF_VOLUMES)


def _add(parser: Parser, options: Iterable[str]) -> None:
    for option in options:
        short = (_SHORT[option],) if option in _SHORT else ()
        parser.add_argument(
            option, *short, nargs="?", action=Refusal, help=argparse.SUPPRESS, default=argparse.SUPPRESS
        )
