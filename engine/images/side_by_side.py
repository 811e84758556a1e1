"""Several pieces of work in threads, of which the first that fails stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TypeVar

from engine.images.monitor import Monitor, Stopped

Result = TypeVar("Result")


def results(futures: Sequence[Future[Result]], monitor: Monitor) -> list[Result]:
    """Wait for all; their results in order.

    Args:
        monitor: what all of them report to; it is stopped when one fails.

    Raises:
        Exception: the reason why one failed, not that of those that were stopped for it.
    """
    done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
    failed = next((future for future in done if future.exception() is not None), None)
    if failed is None:
        return [future.result() for future in futures]
    monitor.stop()
    for future in waiting:
        future.cancel()
    wait(futures)
    reasons = [error for error in map(_reason, (failed, *futures)) if error is not None]
    raise next((error for error in reasons if not isinstance(error, Stopped)), reasons[0])


def _reason(future: Future[Result]) -> BaseException | None:
    return None if future.cancelled() else future.exception()
