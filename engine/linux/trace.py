"""What this process asks of the kernel, noted where it is asked.

Nobody notes anything unless somebody has begun a list: whoever wants to know sets `calls` for what it does next, and a
child that was forked meanwhile goes on with a copy of the list. Arguments are kept as they are, which costs a fraction
of a microsecond; what they mean is worked out by whoever reads them (`engine.xray`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic_ns
from typing import Any, TypeVar

now = monotonic_ns
MOST_CALLS = 4000
PENDING = -10_000  # the result of a call that hasn't come back, as execve doesn't

Noted = tuple[int, int, str, tuple[Any, ...], int, str]
"""Begin and end in nanoseconds of the monotonic clock, name, arguments, result (below 0 an errno), and a path or other
words that say what the arguments are about."""

MANY = "many"
"""The first argument of what stands for several calls of one name; their number and the words for the rest follow."""

calls: ContextVar[list[Noted] | None] = ContextVar("calls", default=None)

deliver: Callable[[], None] | None = None
"""Hands over what was noted, for a process that is about to become another program or to end."""

_Result = TypeVar("_Result")


def note(begun_ns: int, name: str, arguments: tuple[Any, ...], result: int = 0, path: str | None = None) -> None:
    """Note a call that has just come back, if anybody wants to know."""
    noted = calls.get()
    if noted is not None and len(noted) < MOST_CALLS:
        noted.append((begun_ns, now(), name, arguments, result, path or ""))


def call(function: Callable[..., _Result], *arguments: Any, path: str | None = None, **keywords: Any) -> _Result:
    """Make a call of the module os and note it under its name.

    Args:
        path: what a descriptor among the arguments refers to.

    Raises:
        OSError: as the function.
    """
    if calls.get() is None:
        return function(*arguments, **keywords)
    begun = now()
    try:
        result = function(*arguments, **keywords)
    except OSError as error:
        note(begun, function.__name__, arguments, -(error.errno or 0), path)
        raise
    note(begun, function.__name__, arguments, result if isinstance(result, int) else 0, path)
    return result


def note_many(begun_ns: int, name: str, count: int, words: str) -> None:
    """Note several calls that are alike as one, which lasts from the first to now; none where there were none.

    Args:
        words: what they were told, as strace(1) would write it.
    """
    if count:
        note(begun_ns, name, (MANY, count, words))


@contextmanager
def paused() -> Iterator[None]:
    """Note nothing in these lines: they make thousands of calls that are alike."""
    token = calls.set(None)
    try:
        yield
    finally:
        calls.reset(token)


def hand_over() -> None:
    """Call `deliver`, if there is one."""
    if deliver is not None:
        deliver()
