"""Of several things at once, the first that fails stops the others, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import ImageError
from engine.images.monitor import Monitor, Stopped
from engine.images.side_by_side import results


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def fail(error: Exception) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def wait_for(monitor: Monitor) -> Callable[[], int]:
    def work() -> int:
        for _ in range(600):
            monitor.nap(0.1)
        return 0

    return work


def test_results_are_in_order(pool: ThreadPoolExecutor) -> None:
    monitor = Monitor(lambda progress: None)
    assert results([pool.submit(lambda number=number: number) for number in range(20)], monitor) == list(range(20))


@pytest.mark.parametrize("reason", [ImageError("damaged"), ZeroDivisionError()])
def test_the_reason_is_told_and_not_that_others_were_stopped(pool: ThreadPoolExecutor, reason: Exception) -> None:
    monitor = Monitor(lambda progress: None)
    works = [fail(Stopped()), wait_for(monitor), fail(reason), wait_for(monitor)]
    with pytest.raises(type(reason)):
        results([pool.submit(work) for work in works], monitor)


def test_what_nobody_waits_for_any_more_is_just_stopped(pool: ThreadPoolExecutor) -> None:
    monitor = Monitor(lambda progress: None)
    monitor.stop()
    with pytest.raises(Stopped):
        results([pool.submit(wait_for(monitor)) for _ in range(6)], monitor)
