"""What a verb of the command line is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.errors import InvalidRequest
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.log import Log
from engine.runtime.oci.settings import Settings


class Call(NamedTuple):
    """One use of a verb.

    Attributes:
        settings: what was said before the verb.
        options: what was said after it, of the verb's own type.
        words: what follows the flags, beginning with the container's id where there is one.
    """

    settings: Settings
    log: Log
    options: Any
    words: list[str]

    @property
    def container_id(self) -> str:
        """The first word."""
        return self.words[0]


class Verb(NamedTuple):
    """One verb.

    Attributes:
        usage: its words, for people: ``ID [SIGNAL]``.
        least, most: how many words there may be; None for any number.
        options: the type of `Call.options`, a Struct whose fields are named like the flags.
        action: does it; returns the exit status.
        interspersed: whether flags may follow the first word, which isn't so where a foreign command follows it.
        failure_status: the exit status when it fails.
    """

    help: str
    usage: str
    least: int
    most: int | None
    flags: tuple[Flag, ...]
    options: type
    action: Callable[[Call], int]
    interspersed: bool = True
    failure_status: int = 1

    def check(self, name: str, words: list[str]) -> None:
        """Make sure that there are as many words as there must be.

        Raises:
            InvalidRequest: too few or too many.
        """
        if len(words) < self.least or (self.most is not None and len(words) > self.most):
            raise InvalidRequest(f"{name} doesn't take {len(words)} words", f"boxdeck-oci {name} {self.usage}")
