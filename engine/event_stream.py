"""Events of all engines on a root, as they happen: watchfiles wakes, the store tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from engine.model import Event
from engine.paths import Paths
from engine.store.database import Database


async def stream(
    paths: Paths, database: Database, refresh: Callable[[], Awaitable[None]], after: int | None
) -> AsyncIterator[Event]:
    """Events after a revision, or from now on.

    Woken by shims, which replace their status files below the runroot, and by other engines, which write to
    the store's write-ahead log.
    """
    from watchfiles import awatch

    revision = database.latest_revision() if after is None else after
    statuses = paths.runroot / "containers"
    statuses.mkdir(parents=True, exist_ok=True, mode=0o700)
    wal = paths.database.with_name(paths.database.name + "-wal")

    def matters(_: object, path: str) -> bool:
        return path.startswith(str(statuses)) or path == str(wal)

    changes = awatch(
        paths.root, statuses, watch_filter=matters, debounce=100, step=20, recursive=False,
        rust_timeout=1000, yield_on_timeout=True,
    )  # fmt: skip
    while True:
        await refresh()
        for event in database.events_after(revision):
            revision = event.revision
            yield event
        await anext(changes, None)
