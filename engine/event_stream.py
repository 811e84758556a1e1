"""Events of all engines on a root, as they happen: inotify wakes, the store tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from engine.model import Event
from engine.paths import Paths
from engine.store.database import Database
from engine.watching import changes


async def stream(
    paths: Paths,
    database: Database,
    refresh: Callable[[], Awaitable[None]],
    look: Callable[[], Awaitable[object]],
    after: int | None,
) -> AsyncIterator[Event]:
    """Events after a revision, or from now on.

    Woken by shims, which replace their status files below the runroot, and by other engines, which write to
    the store's write-ahead log.

    Args:
        refresh: takes over what shims have written, after a change.
        look: notices shims that were killed, and costs next to nothing; every second without a change.
    """
    revision = database.latest_revision() if after is None else after
    statuses = paths.runroot / "containers"
    statuses.mkdir(parents=True, exist_ok=True, mode=0o700)
    wal = paths.database.with_name(paths.database.name + "-wal")

    def matters(path: str) -> bool:
        return path.startswith(str(statuses)) or path == str(wal)

    changed = changes(paths.root, statuses, matters=matters)
    has_changed = True
    while True:
        await (refresh() if has_changed else look())
        for event in database.events_after(revision):
            revision = event.revision
            yield event
        has_changed = await anext(changed)
