"""Bringing a layer's files to the disk while further ones are made, so that at its end there is little to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from engine.linux.sync import syncfs

_PAUSE_SECONDS: Final = 0.1
_WORTH_BYTES: Final = 4 << 20


class EarlySync:
    """Syncs a file system now and then, and once more when asked to finish. To be used in a ``with`` statement.

    Only when there is something to bring there, and it rests for as long as the latest sync took, so that a slow disk
    isn't kept busy by it alone.

    Args:
        descriptor: of a file or folder on that file system; the caller's.
        written: how many bytes have been so far; called in another thread.
    """

    def __init__(self, descriptor: int, written: Callable[[], int]) -> None:
        self._descriptor = descriptor
        self._written = written
        self._is_over = threading.Event()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="early-sync", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def finish(self) -> None:
        """Wait until all that was written is on the disk.

        Raises:
            OSError: something couldn't be written, now or earlier: the kernel says so only once (syncfs(2), "Errors").
        """
        self._is_over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        syncfs(self._descriptor)

    def _run(self) -> None:
        pause, synced = _PAUSE_SECONDS, 0
        while not self._is_over.wait(pause):
            if self._written() - synced < _WORTH_BYTES:
                continue
            synced, began = self._written(), time.monotonic()
            try:
                syncfs(self._descriptor)
            except OSError as error:
                self._error = error
                return
            pause = max(_PAUSE_SECONDS, time.monotonic() - began)
