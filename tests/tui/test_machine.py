"""What the app tells of its machine, and of what it did itself."""

from __future__ import annotations

import pytest

from engine.errors import BoxdeckError, Conflict
from engine.preflight.part import good, limited, missing
from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui import machine_actions
from tui.command_log import CommandLog, noting
from tui.screens.preflight import Preflight

FEW = (good("root", "all of it"), limited("nftables", "there is none", "modprobe nf_tables", "no networks"))
NONE = (*FEW, missing("overlay", "the kernel doesn't have it", "modprobe overlay"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_actions, "_CALM_SECONDS", 0)


async def test_what_a_machine_lacks_comes_up_with_its_remedy_and_can_be_copied() -> None:
    engine = FakeEngine(*crowd())
    engine.machine = NONE
    async with desk(engine, size=(80, 24)) as at:
        await at.see("this machine", "▲ overlay", "modprobe overlay", "◐ nftables", "● root")
        await at.press("y")
        assert at.app.clipboard.splitlines()[:2] == ["modprobe nf_tables", "modprobe overlay"]
        engine.machine = FEW
        await at.press("r")
        await at.see_no("modprobe overlay")
        await at.press("escape", "D")
        await at.see("modprobe nf_tables")


async def test_what_is_only_limited_is_a_sentence() -> None:
    engine = FakeEngine(*crowd())
    engine.machine = FEW
    async with desk(engine) as at:
        await at.hear("This machine has limits: nftables. D tells how to mend them.")
        assert not isinstance(at.app.screen, Preflight)


async def test_what_was_done_and_what_failed_is_kept_with_all_about_it() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("L")
        await at.see("nothing was done yet")
        await at.press("escape")
        try:
            raise Conflict("the name web is in use", "take another") from OSError(17, "File exists")
        except BoxdeckError as error:
            at.app.complain(error)
        await at.hear("the name web is in use: take another\nL tells more")
        await at.press("L")
        await at.see("▲", "cause: the name web is in use", "what to do: take another", "from: FileExistsError")


async def test_commands_are_noted_in_the_command_lines_words() -> None:
    class Containers:
        async def stop(self, reference: str) -> None: ...

        async def remove(self, reference: str, force: bool = False) -> None:
            raise Conflict("it is in use", "wait")

        async def list(self) -> tuple[str, ...]:
            return ("web",)

    class Machine:
        containers = Containers()

    log = CommandLog({"1f": "web"}.__getitem__)
    engine = noting(Machine(), log)  # type: ignore[arg-type]  # as much of one as is used
    assert await engine.containers.list() == ("web",)  # type: ignore[comparison-overlap]
    await engine.containers.stop("1f")
    with pytest.raises(Conflict):
        await engine.containers.remove("1f", force=True)
    stop, remove = log.entries
    assert (stop.words, stop.error) == ("boxdeck stop web", "") and stop.seconds is not None
    assert remove.words == "boxdeck rm --force web" and remove.detail == ("cause: it is in use", "what to do: wait")
