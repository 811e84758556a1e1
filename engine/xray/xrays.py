"""The recordings of a root: found by container and action."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.errors import InvalidRequest, NotFound
from engine.model.xray import Xray
from engine.oci.reference import parse_reference
from engine.paths import Paths, names_in
from engine.xray import parts, reading
from engine.xray.actions import began_ns, settle

Find = Callable[[str], Awaitable[str]]
"""From what people call something to the subject of its recordings."""

_PATIENCE_SECONDS = 2.0  # a maker waits half a second for init, and a busy machine has it wait for its turn
_LOOK_SECONDS = 0.005


class Recording(NamedTuple):
    """A recording that can be read.

    Attributes:
        action: such as ``start``.
        began_ns: by the monotonic clock.
    """

    action: str
    began_ns: int
    path: str


class Xrays:
    """The face of recordings.

    Args:
        finders: one for each kind of thing, in the order in which they are asked: what has a name, an id or the
            beginning of an id.
    """

    def __init__(self, paths: Paths, finders: Mapping[str, Find]) -> None:
        self._folder = str(paths.xrays)
        self._finders = finders

    def record_starts(self) -> None:
        """Record starts and execs, too, from this engine's next on; to be called before its first."""
        parts.switch_on()

    async def list(self, reference: str, kind: str = "") -> tuple[Recording, ...]:
        """What there is of a thing, the latest first; also of one of the last that were removed, or failed to be made.

        Args:
            kind: container, network, volume or image; without it, the first of these that goes by the reference.

        Raises:
            NotFound: there is no such thing.
        """
        settle()
        missing: NotFound | None = None
        for name, find in self._finders.items():
            if kind in ("", name):
                try:
                    return _recordings(f"{self._folder}/{await find(reference)}")
                except NotFound as error:
                    missing = missing or error
                except InvalidRequest:  # such as an image's name of signs that none has
                    if kind:
                        raise
        folder = await asyncio.to_thread(self._removed, reference)
        if folder is not None:
            return _recordings(folder)
        if kind and missing is not None:
            raise missing
        raise NotFound(f"there is no {', '.join(self._finders)} {reference!r}", "see: boxdeck ps -a")

    async def read(self, reference: str, action: str = "", kind: str = "") -> Xray:
        """The latest recording of an action on a thing, or with none given of any.

        Args:
            kind: as for `list`.

        Raises:
            NotFound: there is no such thing, or it has no such recording.
        """
        found = await self.list(reference, kind)
        for recording in found:
            if action in ("", recording.action):
                return await self.open(recording.path)
        kept = ", ".join(dict.fromkeys(recording.action for recording in found))
        wish = "starts and execs are recorded by the app, with --xray and with BOXDECK_XRAY=1"
        remedy = f"there are: {kept}; {wish}" if kept else wish
        raise NotFound(f"no {action or 'action'} of {reference} has been recorded", remedy)

    async def open(self, path: str) -> Xray:
        """A recording by its path.

        Raises:
            NotFound: it has gone.
        """
        return await opened(path)

    def _removed(self, reference: str) -> str | None:
        """The folder of what was removed or never made, by its name or the start of its id; of several the latest."""
        top, names = f"{self._folder}/{parts.REMOVED}", {reference}
        with suppress(InvalidRequest):
            names.add(parse_reference(reference).familiar)  # as images are called
        found = [
            f"{top}/{subject}"
            for subject in names_in(Path(top))
            if subject.startswith(reference) or _name(f"{top}/{subject}") in names
        ]
        return max(found, key=lambda folder: os.stat(folder).st_mtime_ns, default=None)


async def opened(path: str) -> Xray:
    """A recording by its path, with the part of whoever writes his a moment later.

    Raises:
        NotFound: it has gone.
    """
    settle()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            found = await asyncio.to_thread(reading.read, path)
        except FileNotFoundError:
            if not os.path.exists(parts.aside(path)):
                raise NotFound("the recording has gone", "a later one of the same action took its place") from None
            path = parts.aside(path)
            continue
        if found.action != "start" or any(call.process == "maker" for call in found.calls):
            return found
        if time.monotonic() > deadline:
            return found
        await asyncio.sleep(_LOOK_SECONDS)


def _recordings(folder: str) -> tuple[Recording, ...]:
    names = sorted(names_in(Path(folder)), key=began_ns, reverse=True)
    return tuple(Recording(name.rpartition("-")[0], began_ns(name), f"{folder}/{name}") for name in names)


def _name(folder: str) -> str:
    """What something was called, by its latest recording."""
    for recording in _recordings(folder):
        return reading.read(recording.path).name
    return ""
