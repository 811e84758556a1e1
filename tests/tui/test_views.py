"""Graphs, processes, the machine, and what is said at once: with a crowd of containers. The engine is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from engine.config.model import Config
from engine.model import State
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, container, crowd
from tui.screens.containers import ContainersScreen
from tui.screens.host import HostScreen
from tui.widgets.containers_table import ContainersTable
from tui.widgets.shell_pane import ShellPane

SIZES = ((80, 24), (120, 36), (200, 60))


def row_of(at: Desk, name: str) -> str:
    """The line of the list that shows a container."""
    return next(line for line in at.text.split("\n") if f" {name} " in line)


# --- graphs ---


async def test_graphs_show_everything_that_is_measured_with_its_unit() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.press("right", "plus")
        await at.see(
            "user", "system", "in all", "periods", "anonymous", "▓ file 17M", "▒ kernel 2.0M", "charged", "peak"
        )
        await at.see("swap 5.0M", "faults", "from disk", "limit met", "killed for it", "limit 256M", "limit 512")
        await at.see("sda", "WRITTEN", "READS", "8:0", "eth0", "PACKETS", "DROPPED", "ERRORS", "bd00000001")
        await at.see("waiting for", "cpu    some", "memory some", "full", "forks refused at the limit")


async def test_a_limit_of_a_group_above_says_whose_it_is() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.press("right")
        await at.see("limit 200 %, of /boxdeck-ab12", "limit 256M")
        assert "limit 256M, of" not in at.text


async def test_a_controller_that_is_off_is_named_instead_of_a_number() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.press(*["down"] * 5, "right")
        await at.see("─ quiet_harbour", "memory controller is off")
        assert "anonymous" not in at.text


async def test_graphs_begin_with_what_the_engine_remembers_and_go_back_a_day() -> None:
    engine = FakeEngine(*crowd(), minutes=0)
    async with desk(engine, size=(120, 36)) as at:
        await at.press("right")
        await at.see("last 1m 34s · z hour")
        await at.until(lambda: "history" in engine.read)
        await at.until(lambda: at.text.count("⣿⣿⣿⣿⣿⣿⣿⣿") > 3)
        await at.press("z")
        await at.see("z day")
        await at.press("z")
        await at.see("z minutes")
        await at.press("z")
        await at.see("last 1m 34s · z hour")


async def test_nothing_is_read_for_what_is_out_of_sight() -> None:
    engine = FakeEngine(*crowd(), minutes=0)
    async with desk(engine, size=(120, 36)) as at:
        await at.pilot.pause(1.5)
        assert not {"top", "groups", "limits"} & set(engine.read)
        await at.press("right", "right")
        await at.until(lambda: "top" in engine.read)
        await at.press("left", "left")
        await at.pilot.pause(0.1)
        seen = engine.read.count("top")
        await at.pilot.pause(2.2)
        assert engine.read.count("top") == seen
        assert "groups" not in engine.read


# --- processes ---


async def test_processes_stand_below_their_parents_with_both_pids() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.press("right", "right")
        await at.see("ON HOST", "CPU %", "THR", "TIME", "USER", "STATE", "48013", "nginx -g daemon off;")
        await at.see("├ worker --busy", "12.5", "1m 35s", "www-data", "running", "  ╰ sleep 1")


async def test_a_container_that_does_not_run_has_no_processes() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("down", "down", "down", "right", "right")
        await at.see("it has no processes")


# --- the machine ---


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_machine_is_shown_with_its_groups_and_what_happened(size: tuple[int, int]) -> None:
    async with desk(FakeEngine(*crowd()), size=size) as at:
        await at.press("H")
        await at.see("machine 2 processors · load 0.31", "23G", "swap", "read", "written", "pressure", "disks")
        await at.see("CONTROL GROUP", "/ 512", "events", "die")
        await at.see("↑ the tighter limit of a group above", "2.0G" if size[1] > 24 else "web")
        assert all(len(line) <= size[0] for line in at.text.split("\n"))


async def test_the_machine_has_a_number_too_that_stays_there_and_its_letter_leaves_it() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("6", "6")
        await at.until(lambda: isinstance(at.app.screen, HostScreen))
        await at.press("H")
        await at.until(lambda: isinstance(at.app.screen, ContainersScreen))


async def test_a_container_in_the_tree_leads_to_it() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("H")
        await at.see("├ metrics")
        await at.press("home", "down", "down", "down", "enter")
        await at.see("─ metrics")
        assert at.app.deck.selected is not None
        assert at.app.deck.selected.name == "metrics"


async def test_a_container_that_a_filter_hides_is_revealed() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("slash", *"web", "enter")
        await at.see("1 of 8")
        await at.press("H")
        await at.see("├ metrics")
        await at.press("home", "down", "down", "down", "enter")
        await at.see("─ metrics", "containers 8")
        assert at.app.deck.filter_text == ""
        assert not at.app.screen.query_one("#filter").display


async def test_groups_that_are_no_containers_lead_nowhere() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("H")
        await at.see("╰ nested")
        await at.press("home", "enter", "end", "enter")
        assert isinstance(at.app.screen, HostScreen)


# --- limits ---


async def test_limits_are_prefilled_and_only_what_was_changed_is_asked_for() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("u")
        await at.see("limits of web", "in force · memory 256M · cpus 2, of /boxdeck-ab12 · processes 512")
        await at.type("300m")
        await at.press("enter")
        await at.see_no("limits of web")
    changed = engine.all[0].request.limits
    assert changed == replace(crowd()[0].request.limits, memory_bytes=300 << 20)


async def test_an_emptied_limit_is_lifted() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("u")
        await at.see("limits of web")
        await at.type("")
        await at.press("enter")
        await at.see_no("limits of web")
    assert engine.all[0].request.limits.memory_bytes == -1


async def test_what_is_wrong_with_a_limit_is_said_in_the_form() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("u")
        await at.see("limits of web")
        await at.type("lots")
        await at.press("enter")
        await at.see("'lots' isn't an amount: such as 256m or 1.5g")
        await at.type("7m")
        await at.press("enter")
        await at.see("the container uses more than that now: give it at least 8m")
        await at.press("escape")
        await at.see_no("limits of web")


async def test_what_the_kernel_says_to_a_limit_is_in_sight_on_a_small_terminal() -> None:
    async with desk(FakeEngine(*crowd()), size=(80, 24)) as at:
        await at.press("u")
        await at.see("limits of web")
        await at.type("7m")
        await at.press("enter")
        await at.see("the container uses more than that now: give it at least 8m")


async def test_a_form_in_which_nothing_was_changed_changes_nothing() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("u")
        await at.see("limits of web")
        await at.press("enter")
        await at.see_no("limits of web")
    assert tuple(engine.all) == crowd()


# --- at once ---


async def test_running_out_of_memory_is_said_once_and_marks_the_row_until_it_was_looked_at() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.see("metrics")
        for _ in range(5):
            engine.happen("oom", engine.all[7], "1 process, python3")
            await at.pilot.pause(0.1)
        await at.hear("metrics ran out of memory (1 process, python3)")
        assert len(at.notices) == 1
        await at.until(lambda: "▲ metrics" in row_of(at, "metrics") and "OOM" in row_of(at, "metrics"))
        await at.press("end")
        await at.see("▲ ran out of memory", "5 times")
        await at.press("up")
        await at.until(lambda: "● metrics" in row_of(at, "metrics"))


async def test_the_only_container_s_alarm_is_put_away_with_escape() -> None:
    engine = FakeEngine(crowd()[0])
    async with desk(engine) as at:
        engine.happen("oom", engine.all[0], "1 process, nginx")
        await at.see("▲ ran out of memory")
        await at.press("escape")
        await at.see_no("▲ ran out of memory")


async def test_a_limit_that_is_met_marks_the_row_until_the_container_starts_anew() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.see("metrics")
        engine.happen("limit", engine.all[7], "pids")
        await at.hear("metrics met its limit of processes")
        await at.until(lambda: "▲ metrics" in row_of(at, "metrics"))
        engine.happen("start", engine.all[7])
        await at.until(lambda: "● metrics" in row_of(at, "metrics"))


async def test_the_views_can_be_found_by_name() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("colon", *"host")
        await at.see("host")
        await at.press("enter")
        await at.see("CONTROL GROUP")
        await at.press("escape", "colon", *"limits")
        await at.see("limits web")
        await at.press("enter")
        await at.see("limits of web")


async def test_keys_of_the_views_can_be_changed() -> None:
    async with desk(FakeEngine(*crowd()), config=Config(keys={"view.host": "x", "container.update": "y"})) as at:
        await at.press("x")
        await at.see("CONTROL GROUP")
        await at.press("escape", "y")
        await at.see("limits of web")


async def test_a_tab_that_has_no_room_is_reached_by_a_click_on_the_ellipsis() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.see("… ")
        frame = at.text.split("\n")[1]
        await at.pilot.click(offset=(frame.rindex("…"), 1))
        await at.until(lambda: at.app.containers_screen.detail.tab == "graphs")
        assert at.app.screen.query_one(ContainersTable).has_focus


async def test_five_hundred_containers_fit_the_tree() -> None:
    engine = FakeEngine(*(container(number, f"box-{number:03}") for number in range(500)), minutes=0)
    async with desk(engine, size=(80, 24)) as at:
        await at.press("H")
        await at.see("box-000")
        await at.press("end")
        await at.see("box-499")


async def test_the_pointer_reads_out_a_curve_and_marked_containers_are_compared() -> None:
    async with desk(FakeEngine(*crowd(), minutes=2), size=(160, 48)) as at:
        await at.press("right")
        await at.see("last ")
        curve = at.app.screen.query_one("#measure-cpu Graph")
        await at.pilot.hover(curve, offset=(curve.size.width - 11, 2))
        await at.see("20s ago", "┊")
        await at.pilot.hover(curve, offset=(2, 2))
        await at.see_no("20s ago")
        await at.press("space", "space")
        await at.see("2 marked · last", "network, in and out")
        assert {"history"} <= set(at.app.readings._engine.read)  # type: ignore[attr-defined]
        await at.press("z")
        await at.see("last 1h 00m")


async def test_the_pointer_reads_out_a_curve_of_the_machine_too() -> None:
    async with desk(FakeEngine(*crowd(), minutes=2), size=(200, 60)) as at:
        await at.press("6")
        await at.see("machine 2 processors")
        for name, told in (("cpu", "%  20s ago"), ("memory", "G  20s ago"), ("disks", "read"), ("network", "out")):
            curve = at.app.screen.query_one(f"#curves #{name}")
            await at.pilot.hover(curve, offset=(curve.size.width - 11, 2))
            await at.see(told, "20s ago", "┊")


async def test_a_side_with_a_key_of_its_own_shows_it_and_no_other_does() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.press("right")
        await at.see("z zoom out")
        await at.press("right")
        await at.see_no("z zoom out")


async def test_keys_act_on_all_that_are_marked_after_one_question() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("space", "down", "space", "down", "space")  # web, job-7 and one that doesn't run
        await at.see("3 marked")
        (name,) = (each.name for each in at.app.deck.targets if not each.is_running)
        await at.press("s")
        await at.see("stop 2 marked", "web, job-7.", f"Left out, as not running: {name}.", "is lost")
        await at.press("enter")  # which leaves everything as it is
        await at.see_no("stop 2 marked")
        assert sum(each.is_running for each in engine.all) == 5
        await at.press("s")
        await at.see("stop 2 marked")
        await at.press("y")
        await at.see("3 of 8 running")
        await at.see_no("marked")
        await at.press("asterisk", "d")
        await at.see("remove 8 marked", "removed with them")
        await at.press("y")
        await at.see("No containers yet")


async def test_a_key_that_means_nothing_says_why_and_a_shell_where_nothing_runs_offers_a_start() -> None:
    engine = FakeEngine(container(1, "idle", ran_seconds=0, state=State.EXITED, pid=None, exit_status=0))
    async with desk(engine, size=(80, 24)) as at:
        await at.press("s")
        await at.hear("idle isn't running; S starts it.")
        await at.press("space", "s")
        await at.hear("There is nothing to stop, as not running: idle.")
        await at.press("escape", "e")
        await at.see("idle isn't running", "It has ended", "start it")
        await at.press("n")
        await at.see_no("start it")
        assert not engine.all[0].is_running
        await at.press("e")
        await at.see("start it")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.focused, ShellPane))
        await at.press("ctrl+g", "q", "S")
        await at.hear("idle is running already; r restarts it.")


async def test_a_key_of_ones_own_that_means_nothing_says_why_and_names_others_as_they_are() -> None:
    engine = FakeEngine(container(1, "idle", ran_seconds=0, state=State.EXITED, pid=None, exit_status=0))
    config = Config(keys={"container.stop": "ctrl+x", "container.start": "U"})
    async with desk(engine, size=(80, 24), config=config) as at:
        await at.press("ctrl+x")
        await at.hear("idle isn't running; U starts it.")


async def test_who_leaves_a_shell_twice_stays_in_the_app() -> None:
    async with desk(FakeEngine(*crowd()), size=(80, 24)) as at:
        await at.press("ctrl+g", "q")
        await at.hear("q once more leaves boxdeck")
        assert at.app.is_running
        await at.press("q")
        await at.until(lambda: at.app._exit)


async def test_a_group_is_told_in_place_of_a_container_and_an_empty_list_says_why() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("b", "down", "down", "enter", "home")
        await at.see("▾ bridge", "by network", "together  cpu", "● web    ", "running 3h")
        await at.press("d")
        await at.press("enter")
        await at.see("▸ bridge")
        assert at.app.deck.selected is None
        await at.press("slash", *"nobody", "enter")
        await at.see("Nothing passes the filter")
        await at.press("escape")
        await at.see("bridge")


async def test_changes_of_the_wiring_are_listened_to_while_it_is_in_sight_alone() -> None:
    engine = FakeEngine(*crowd())
    listening = 0

    async def changes() -> AsyncIterator[None]:
        nonlocal listening
        listening += 1
        try:
            while True:
                await asyncio.sleep(0.02)
                yield
        finally:
            listening -= 1

    engine.network_changes = changes  # type: ignore[method-assign]
    async with desk(engine) as at:
        await asyncio.sleep(0.3)
        assert listening == 0
        await at.press("t")
        await at.until(lambda: listening == 1)
        await at.press("t")
        await at.until(lambda: listening == 0)
