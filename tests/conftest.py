"""What all tests share: a root of their own on this machine, and the real command line on it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_timeout import Settings

from tests.command_line import CommandLine
from tests.tmux import Tmux

OpenApp = Callable[..., Tmux]

AGAIN_SECONDS = 20.0  # between the timeouts of a test that goes on nevertheless
needs_root = "namespaces, cgroups and mounts need root"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With BOXDECK_NO_SKIPS, a test that is skipped for want of a program fails."""
    report = yield
    if report.skipped and os.environ.get("BOXDECK_NO_SKIPS") and "isn't installed" in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> Generator[None, object, object]:
    """Have a timeout that comes again: asyncio swallows one that meets a callback, and a fixture may hang after it."""
    is_set = yield
    if signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0):
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN_SECONDS)
    return is_set


def pytest_configure() -> None:
    """Have an interrupt that means something, also for programs that tests start: a shell's jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(ImportError):
        from hypothesis import settings

        settings.register_profile("patient", settings(), deadline=None)  # machines may be slow and busy
        settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the virtual machine wants: ``--part 1/2`` is every second test, for machines that work side by side."""
    parser.addoption("--part", metavar="K/N", help="run every Nth test, from the Kth on")
    parser.addoption("--keep-launcher", action="store_true", help="one launcher for all engines, as each is dear there")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is another part's, and begin with what takes long; after marks have had their say."""
    if part := config.getoption("--part"):
        first, every = map(int, part.split("/"))
        items[:] = items[first - 1 :: every]
    if "PYTEST_XDIST_WORKER" in os.environ:
        _sort_by_length(items)


def _sort_by_length(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then those with many: at the end nobody waits long for one process alone."""
    counts = Counter(item.path for item in items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, -counts[item.path]))


@pytest.fixture(scope="session")
def shared_command_line() -> Iterator[CommandLine]:
    """One root for the whole session, so that `base` is assembled once; nothing of it may be left at the end."""
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    with fresh_command_line() as boxdeck:
        boxdeck.ok("run", "--rm", "base", "true")
        yield boxdeck


@pytest.fixture
def boxdeck(shared_command_line: CommandLine) -> Iterator[CommandLine]:
    """The command line, without containers before the test; nothing of its containers may be left after it."""
    yield shared_command_line
    shared_command_line.remove_all()
    assert not shared_command_line.left()


@pytest.fixture
def fresh_boxdeck() -> Iterator[CommandLine]:
    """The command line on a root where nothing has ever been."""
    if os.geteuid() != 0:
        pytest.skip(needs_root)
    with fresh_command_line() as boxdeck:
        yield boxdeck


@pytest.fixture
def open_app(boxdeck: CommandLine, tmp_path: Path) -> Iterator[OpenApp]:
    """Opens ``boxdeck`` in a terminal; several may be open at once."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux isn't installed: apt-get install tmux")
    opened: list[Tmux] = []

    def open_one(columns: int = 140, rows: int = 40, *options: str) -> Tmux:
        folder = tmp_path / f"terminal{len(opened)}"
        folder.mkdir()
        opened.append(Tmux(folder, [*boxdeck.argv, *options], columns, rows))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@contextmanager
def fresh_command_line() -> Iterator[CommandLine]:
    """The command line on a root of its own, of which nothing may be left in the end."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-test-"))
    boxdeck = CommandLine(folder)
    try:
        yield boxdeck
    except BaseException:
        boxdeck("system", "reset", "--force")
        shutil.rmtree(folder, ignore_errors=True)
        raise
    boxdeck.ok("system", "reset", "--force")
    shutil.rmtree(folder)
    assert not boxdeck.left_after_reset()
