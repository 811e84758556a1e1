"""What the app has asked of the engine: when, with what outcome, and how long it took."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from engine.errors import BoxdeckError

if TYPE_CHECKING:
    from engine.engine import Engine

_KEPT = 500

_VERBS: Mapping[str, Mapping[str, str]] = {
    "containers": {
        "run": "run", "run_attached": "run -it", "create": "create", "start": "start", "stop": "stop", "kill": "kill",
        "restart": "restart",
        "pause": "pause", "unpause": "unpause", "remove": "rm --force", "update": "update", "rename": "rename",
        "exec": "exec", "shell": "exec -it", "debug": "debug", "attach": "attach", "prune": "container prune",
    },
    "images": {"remove": "rmi", "tag": "tag", "prune": "image prune"},
    "volumes": {"create": "volume create", "remove": "volume rm", "prune": "volume prune"},
    "networks": {
        "create": "network create", "remove": "network rm", "connect": "network connect",
        "disconnect": "network disconnect", "prune": "network prune",
    },
}  # fmt: skip
"""What changes something, by the engine's nouns and verbs, with the command line's words for it."""


class Entry(Struct):
    """One thing that was asked for, or one that went wrong.

    Attributes:
        words: the command of the command line that does the same.
        started_unix_ns: when.
        seconds: how long it took; None while it goes on.
        error: why it failed; empty otherwise.
        detail: what that rests on, a line each.
    """

    words: str
    started_unix_ns: int
    seconds: float | None = None
    error: str = ""
    detail: tuple[str, ...] = ()


class CommandLog:
    """The latest entries, oldest first.

    Args:
        name_of: turns an id into the name that people know.
    """

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of
        self.entries: deque[Entry] = deque(maxlen=_KEPT)

    @contextmanager
    def note(self, verb: str, arguments: tuple[object, ...]) -> Iterator[None]:
        """Note a command while it runs, and what came of it."""
        names = [self._name_of(each) for each in arguments if isinstance(each, str)]
        asked = [str(each.image) for each in arguments if hasattr(each, "image")]
        entry = Entry(" ".join(["boxdeck", verb, *asked, *names]), time.time_ns())
        self.entries.append(entry)
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            entry.error = str(error) or type(error).__name__
            entry.detail = tuple(_causes(error))
            raise
        finally:
            entry.seconds = time.monotonic() - began

    def pulled(self, reference: str, error: str) -> None:
        """Note the end of a pull."""
        self.entries.append(Entry(f"boxdeck pull {reference}", time.time_ns(), error=error))

    def complain(self, error: BoxdeckError) -> None:
        """Note a failure, unless it is that of the latest command."""
        if not any(entry.error == str(error) for entry in self.entries):
            detail = tuple(_causes(error))
            self.entries.append(Entry("", time.time_ns(), error=str(error), detail=detail))


def _causes(error: BaseException) -> Iterator[str]:
    """What an error says, what to do about it, and what it comes from."""
    if isinstance(error, BoxdeckError):
        yield f"cause: {error.cause}"
        if error.remedy:
            yield f"what to do: {error.remedy}"
    under = error.__cause__ or error.__context__
    while under is not None:
        yield f"from: {type(under).__name__}: {under}"
        under = under.__cause__ or under.__context__


class _Noted:
    """A noun of the engine whose changes are noted."""

    def __init__(self, noun: object, verbs: Mapping[str, str], log: CommandLog) -> None:
        self._noun, self._verbs, self._log = noun, verbs, log

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._noun, name)
        verb = self._verbs.get(name)
        if verb is None or not inspect.iscoroutinefunction(found):
            return found

        async def noted(*arguments: object, **options: object) -> object:
            with self._log.note(verb, arguments):
                return await found(*arguments, **options)

        return noted


class _NotedEngine:
    """An engine whose changes are noted; all else is handed through."""

    def __init__(self, engine: Engine, log: CommandLog) -> None:
        self._engine, self._log = engine, log

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        return _Noted(found, _VERBS[name], self._log) if name in _VERBS else found


def noting(engine: Engine, log: CommandLog) -> Engine:
    """The same engine, with everything that changes something noted in a log."""
    return cast("Engine", _NotedEngine(engine, log))
