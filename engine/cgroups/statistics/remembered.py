"""What was made of the same parts before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, TypeVarTuple, Unpack

Value = TypeVar("Value")
Parts = TypeVarTuple("Parts")


class Remembered(Generic[Value, *Parts]):
    """A value that is made anew only when its parts have changed, and is the very same object otherwise.

    Args:
        make: a pure function of the parts.
    """

    __slots__ = ("_latest", "_make")

    def __init__(self, make: Callable[[Unpack[Parts]], Value]) -> None:
        self._make = make
        self._latest: tuple[tuple[*Parts], Value] | None = None

    def of(self, *parts: *Parts) -> Value:
        """The value for these parts, which are compared by what they say."""
        if self._latest is None or parts != self._latest[0]:
            self._latest = parts, self._make(*parts)
        return self._latest[1]
