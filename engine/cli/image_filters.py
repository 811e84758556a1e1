"""``--filter KEY=VALUE`` of ``images``, as in docker (docker images(1), "FILTERING"): all of them must pass.

Only ``reference`` is a choice: one of them must.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from engine.cli.moments import moment
from engine.model import Image
from engine.pruning import LabelFilter

KEYS = ("dangling", "label", "reference", "before", "since", "until")
_YES = {"true": True, "1": True, "false": False, "0": False}


class ImageFilter(NamedTuple):
    """One of ``--filter``; `moment` is for ``until``."""

    key: str
    value: str
    moment: int = 0

    def passes(self, image: Image, named: Mapping[str, Image]) -> bool:
        """Whether an image is what was asked for.

        Args:
            named: the images that values of ``before`` and ``since`` mean.
        """
        if self.key == "dangling":
            return _YES[self.value] is not bool(image.references)
        if self.key == "label":
            name, has_value, value = self.value.partition("=")
            return LabelFilter(name=name, value=value if has_value else None).passes(image.config.labels)
        if self.key == "reference":
            return any(_matches(name, self.value) for name in image.references)
        if self.key == "until":
            return image.created_unix_ns < self.moment
        other = named[self.value].created_unix_ns
        return image.created_unix_ns < other if self.key == "before" else image.created_unix_ns > other


def image_filter(text: str) -> ImageFilter:
    """A filter of ``images``."""
    key, _, value = text.partition("=")
    if key not in KEYS or not value:
        raise ArgumentTypeError(f"{text!r} is not {'=…, '.join(KEYS)}=…")
    if key == "dangling" and value not in _YES:
        raise ArgumentTypeError(f"{value!r} is neither true nor false")
    return ImageFilter(key, value, moment(value) if key == "until" else 0)


def filtered(images: Sequence[Image], filters: Sequence[ImageFilter], named: Mapping[str, Image]) -> list[Image]:
    """The images that pass."""
    choices = [each for each in filters if each.key == "reference"]
    conditions = [each for each in filters if each.key != "reference"]
    return [
        image
        for image in images
        if all(each.passes(image, named) for each in conditions)
        and (not choices or any(each.passes(image, named) for each in choices))
    ]


def _matches(name: str, pattern: str) -> bool:
    """By the whole name with its tag, or by what is before that, as docker's ``reference`` and ``images NAME``."""
    repository = name.partition("@")[0].rpartition(":")[0]
    return _fits(name, pattern) or _fits(repository, pattern)


def _fits(name: str, pattern: str) -> bool:
    """As Go's path.Match: ``*`` stands for anything but a slash."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
