"""``boxdeck image VERB``: everything that can be done with images under one word, as docker and podman have it."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any, NamedTuple

from engine.cli.command import Command, Options, Parser, Roots, perform
from engine.errors import InvalidRequest


class _Verb(NamedTuple):
    """Where a verb is: a module of this package and a constant in it; and what it does in a few words."""

    module: str
    constant: str
    summary: str


_VERBS = {
    "ls": _Verb("images", "IMAGES", "list images"),
    "pull": _Verb("images", "PULL", "bring in images from registries"),
    "push": _Verb("image_moves", "PUSH", "send an image to a registry"),
    "tag": _Verb("image_moves", "TAG", "give an image a further name"),
    "rm": _Verb("images", "RMI", "remove images"),
    "prune": _Verb("image_prune", "PRUNE", "remove the images that nobody needs"),
    "inspect": _Verb("inspect", "IMAGE_INSPECT", "show everything about images as JSON"),
    "history": _Verb("image_moves", "HISTORY", "show how an image came to be"),
    "layers": _Verb("layers", "LAYERS", "show the layers, with what each adds, changes, removes and wastes"),
    "tree": _Verb("layers", "TREE", "show files, and the layer that each comes from"),
    "which": _Verb("layers", "WHICH", "show the layer that a file comes from, and those that it hides"),
    "load": _Verb("images", "LOAD", "bring in images from an OCI layout or a docker archive"),
    "save": _Verb("image_moves", "SAVE", "write images as an archive"),
    "import": _Verb("images", "IMPORT", "make an image from a tar of a root file system"),
}


class ImageOptions(Options):
    """Options of ``image``."""

    verb: str
    rest: list[str]


def _arguments(parser: Parser) -> None:
    lines = [f"  {name:<8} {verb.summary}" for name, verb in _VERBS.items()]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "verbs:\n" + "\n".join(lines) + "\n\nboxdeck image VERB --help tells more."
    parser.add_argument("verb", metavar="VERB", help="one of those below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def _image(roots: Roots, options: ImageOptions) -> int:
    verb = _VERBS.get(options.verb)
    if verb is None:
        raise InvalidRequest(f"there is no command 'image {options.verb}'", f"choose one of {', '.join(_VERBS)}")
    command: Command[Any] = getattr(import_module(f"engine.cli.{verb.module}"), verb.constant)
    return perform(command, f"boxdeck image {options.verb}", verb.summary, roots, options.rest)


IMAGE = Command(ImageOptions, _arguments, _image)
