"""Commands in fresh and in other people's namespaces, asked for by a program."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import engine
from engine.errors import BoxdeckError, CommandNotExecutable, CommandNotFound, InvalidRequest, NotFound
from engine.model import NamespaceRun, NamespaceVisit
from engine.namespaces.namespaces import Namespaces
from tests.command_line import eventually
from tests.conftest import needs_root

pytestmark = [pytest.mark.vm, pytest.mark.skipif(os.geteuid() != 0, reason=needs_root)]


@pytest.fixture
def descriptors() -> Iterator[None]:
    """No descriptor is open after the test that wasn't before."""
    before = os.listdir("/proc/self/fd")
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)


async def test_a_command_runs_on_our_own_streams(capfd: pytest.CaptureFixture[str]) -> None:
    request = NamespaceRun(kinds=("uts",), hostname="there", argv=("sh", "-c", "hostname; exit 4"))
    assert await Namespaces().run(request) == 4
    assert capfd.readouterr().out == "there\n"


async def test_a_signal_counts_as_shells_count_it() -> None:
    assert await Namespaces().run(NamespaceRun(kinds=("uts",), argv=("sh", "-c", "kill -TERM $$"))) == 128 + 15


async def test_a_process_is_visited(capfd: pytest.CaptureFixture[str]) -> None:
    argv = ("unshare", "--uts", "sh", "-c", "hostname there; echo ready; exec sleep 60")
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None and await process.stdout.readline()
    try:
        assert await Namespaces().enter(NamespaceVisit(target=str(process.pid), argv=("hostname",))) == 0
    finally:
        process.kill()
        await process.wait()
    assert capfd.readouterr().out == "there\n"


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (NamespaceRun(kinds=()), InvalidRequest),
        (NamespaceRun(kinds=("net",), hostname="x"), InvalidRequest),
        (NamespaceRun(kinds=("uts",), argv=("no-such-command",)), CommandNotFound),
        (NamespaceRun(kinds=("pid",), argv=("/etc/passwd",)), CommandNotExecutable),
        (NamespaceRun(kinds=("time",), boot_offset_seconds=-(10**9), argv=("true",)), BoxdeckError),
    ],
)
async def test_what_cant_begin_is_an_error(
    request_: NamespaceRun, kind: type[BoxdeckError], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kind):
        await Namespaces().run(request_)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("descriptors")
async def test_nobody_is_an_error() -> None:
    with pytest.raises(NotFound):
        await Namespaces().enter(NamespaceVisit(target="nobody", argv=("true",)))


async def test_giving_up_ends_the_command() -> None:
    work = asyncio.create_task(Namespaces().run(NamespaceRun(kinds=("pid",), argv=("sleep", "86399"))))
    assert await asyncio.to_thread(eventually, _sleepers)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await asyncio.to_thread(eventually, lambda: not _sleepers())


def _sleepers() -> list[str]:
    return [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if _is_sleeper(path)]


def _is_sleeper(path: Path) -> bool:
    try:
        return path.read_bytes() == b"sleep\x0086399\0"
    except OSError:
        return False


async def test_the_program_that_does_it_imports_little() -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import engine.namespaces.visit; print(*sys.modules)"
    folders = {str(Path(package.__file__ or "").parent.parent) for package in (engine, msgspec)}
    argv = (sys.executable, "-I", "-S", "-c", code, *folders)
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert not {"asyncio", "subprocess", "sqlite3", "textual", "engine.containers"} & set(out.decode().split())
