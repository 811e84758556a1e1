"""What stands beside and below curves: limits with their origin, controllers that are off, tables that give way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model import (
    CgroupNode,
    CgroupSetting,
    ContainerSample,
    Event,
    HostSample,
    Limits,
    MemorySample,
    ProcessInfo,
)
from tests.tui import fake_measures
from tests.tui.fake_engine import container
from tui.drawing import event_lines, graph, group_tree, machine, measures, stalls
from tui.drawing.layers import layered
from tui.drawing.lines import Tone, plain, width
from tui.drawing.meter import Part, meter
from tui.drawing.process_table import process_table
from tui.drawing.tab_strip import MORE, tabs_in_sight
from tui.drawing.units import UNKNOWN
from tui.past import Past

WEB = container(1, "web")
EVERY = (measures.cpu, measures.memory, measures.io, measures.network, measures.pids)
TABS = ("overview", "graphs", "processes", "namespaces", "topology", "logs")


def seen(sample: ContainerSample | None, *, with_limits: bool = False) -> measures.Seen:
    limits = fake_measures.limits_in_force(WEB) if with_limits else None
    return measures.Seen(container=WEB, sample=sample, past=Past(cpu_percent=(1, 2)), limits=limits)


def test_every_controller_that_is_off_is_named() -> None:
    off = seen(ContainerSample(container_id=WEB.id))
    said = [plain(draw(off).panel.value) for draw in EVERY]
    assert said == [
        "cpu controller is off", "memory controller is off", "io controller is off", "no interface of its own",
        "pids controller is off",
    ]  # fmt: skip
    assert [draw(off).notes(80) for draw in EVERY] == [[], [], [], [], []]


def test_what_does_not_run_says_so() -> None:
    assert plain(measures.cpu(seen(None)).panel.value) == "not running"
    assert measures.stalls(seen(None), 80) == []


def test_a_limit_from_above_is_told_with_its_group_and_an_own_one_is_not() -> None:
    full = seen(fake_measures.sample(WEB, 1, 60), with_limits=True)
    assert plain(measures.cpu(full).panel.value).endswith("limit 200 %, of /boxdeck-ab12")
    assert plain(measures.memory(full).panel.value).endswith("limit 256M")
    assert plain(measures.pids(full).panel.value).endswith("limit 512")


def test_a_rate_that_is_not_known_yet_is_a_dash() -> None:
    sample = ContainerSample(container_id=WEB.id, memory=MemorySample(current_bytes=9, working_set_bytes=9))
    notes = " ".join(plain(each) for each in measures.memory(seen(sample)).notes(80))
    assert f"faults {UNKNOWN}/s (0)" in notes
    assert "kernel" not in notes
    assert "swap" not in notes


@given(st.integers(1, 200))
def test_nothing_is_wider_than_its_place(cells: int) -> None:
    full = seen(fake_measures.sample(WEB, 1, 60), with_limits=True)
    lines = [each for draw in EVERY for each in draw(full).notes(cells)]
    lines += measures.stalls(full, cells)[1:]
    lines += process_table(fake_measures.processes(WEB), cells)
    lines += machine.brief([fake_measures.host_sample(3)], cells)
    assert all(width(each) <= cells for each in lines)


# --- bars and layers ---


@given(st.lists(st.floats(0, 1e12), max_size=4), st.floats(0, 1e12), st.integers(0, 120))
def test_a_bar_is_as_wide_as_its_place(values: list[float], whole: float, cells: int) -> None:
    assert width(meter([Part("a", value, "") for value in values], whole, cells)) == cells


def test_a_part_that_is_there_is_seen_and_one_that_is_not_is_not() -> None:
    assert (
        plain(meter([Part("a", 1, "", "a"), Part("b", 0, "", "b"), Part("c", 50, "", "c")], 100, 10))
        == "accccc╌╌╌╌"[:10]
    )


def test_the_lower_part_of_a_curve_has_the_accent_and_the_rest_is_muted() -> None:
    curve = graph.Curve(values=(8.0,) * 40, label=str, least_top=8)
    drawn = layered(curve, (4.0,) * 40, 27, 4)
    tones = [{span.tone for span in line if set(span.text) - set(" 0123456789.┤│")} for line in drawn]
    assert Tone.MUTED in tones[1] and Tone.ACCENT not in tones[1]
    assert Tone.ACCENT in tones[3] and Tone.MUTED not in tones[3]
    plain_graph = graph.graph(curve, 27, 4)
    assert [plain(line) for line in drawn] == [plain(line) for line in plain_graph]
    assert layered(curve, (), 27, 4) == plain_graph


# --- tabs ---


@given(st.sampled_from(TABS), st.integers(0, 100))
def test_the_tab_that_is_shown_is_in_sight_and_others_as_there_is_room(shown: str, cells: int) -> None:
    found = tabs_in_sight(TABS, shown, cells)
    assert shown in found
    kept = [tab for tab in found if tab != MORE]
    assert kept == [tab for tab in TABS if tab in kept]
    if len(kept) > 1:
        assert sum(len(tab) + 2 for tab in found) <= cells
    assert (MORE in found) == (kept != list(TABS))


# --- pressure ---


def test_a_kernel_without_pressure_says_so() -> None:
    assert [plain(each) for each in stalls.stall_lines([("cpu", None, ())], 60)] == ["this kernel doesn't tell it"]


def test_of_what_has_ended_the_pressure_that_it_had_is_shown() -> None:
    ended = measures.Seen(container=WEB, sample=None, past=Past(cpu_stalled=(1.0, 50.0, 2.0), io_stalled=(None, 0.0)))
    for cells in (30, 80):
        title, cpu, disks = [plain(each) for each in measures.stalls(ended, cells)]
        assert title == "pressure" and cpu.startswith("cpu") and disks.startswith("disks")
        assert len(cpu) <= cells
    assert cpu.endswith("at most 50.0 %") and disks.endswith("at most 0.0 %")


def test_pressure_that_matters_is_coloured() -> None:
    lines = stalls.stall_lines([("disks", fake_measures.pressure(50), ())], 60)
    assert "disks  some   50.0" in plain(lines[1])
    assert "full   20.0" in plain(lines[2])
    assert Tone.BAD in {span.tone for span in lines[1]}
    assert Tone.WARN in {span.tone for span in lines[2]}


# --- events ---


def event(action: str, subject: str, second: int, detail: str = "") -> Event:
    return Event(
        revision=second, at_unix_ns=second * 10**9, kind="container", action=action, subject=subject, name=subject,
        detail=detail,
    )  # fmt: skip


def test_events_stand_newest_first_and_repetitions_are_counted() -> None:
    events = [
        event("start", "a", 1),
        *(event("oom", "a", n, "1 killed: sh") for n in range(2, 7)),
        event("die", "b", 8),
    ]
    lines = [plain(each) for each in event_lines.event_lines(events, 80, 10, {})]
    assert [each[10:14].strip() for each in lines] == ["die", "oom", "star"]
    assert lines[1].endswith("1 killed: sh  5 times")
    assert len(event_lines.event_lines(events, 80, 2, {})) == 2
    assert event_lines.event_lines([], 80, 2, {}) == []


def test_an_event_with_a_long_name_stays_apart_from_it_and_ids_are_names_or_short() -> None:
    other = "046334ae471f" + "0" * 52
    for names, told in (({}, "046334ae471f"), ({other: "web"}, "web")):
        (shown,) = event_lines.event_lines([event("disconnect", "net", 1, other)], 80, 2, names)
        assert plain(shown)[10:] == f"disconnect net  {told}"


# --- the tree ---


@pytest.mark.parametrize("cells", [10, 30, 60, 90, 140])
def test_lines_of_the_tree_are_as_wide_as_their_titles_or_less(cells: int) -> None:
    tree = fake_measures.cgroup_tree([WEB, container(2, "db")], 60)
    for branch in group_tree.branches(tree):
        assert width(group_tree.branch_line(branch, cells, is_selected=False)) == width(group_tree.header(cells))


def test_the_tree_names_containers_and_marks_limits_from_above() -> None:
    tree = fake_measures.cgroup_tree([container(2, "web"), container(1, "db", request=WEB.request)], 60)
    lines = [plain(group_tree.branch_line(each, 90, is_selected=False)) for each in group_tree.branches(tree)]
    assert lines[0].startswith("/boxdeck-ab12")
    assert [line[:5] for line in lines[1:]] == ["├ db ", "╰ web", "  ╰ n"]
    assert "off" in lines[-1]
    node = CgroupNode(
        path="/a/b",
        limits=Limits(memory_bytes=-1),
        memory=MemorySample(current_bytes=1, working_set_bytes=1, limit_bytes=64),
    )
    weighed = replace(node, limits=Limits(unified=(CgroupSetting("cpu.weight", "79"),)))  # v2 counts no shares
    assert " 79 " in plain(group_tree.branch_line(group_tree.branches(weighed)[0], 90, is_selected=False))
    branch = group_tree.branches(node)[0]
    assert "/ 64B↑" in plain(group_tree.branch_line(branch, 90, is_selected=False))
    assert "tighter limit" in plain(group_tree.footnote([branch]))


# --- processes ---


def test_processes_stand_below_their_parents_and_strangers_at_the_left() -> None:
    processes = [ProcessInfo(pid=pid, parent_pid=parent, pid_inside=pid - 99, command=f"p{pid}")
                 for pid, parent in ((100, 1), (101, 100), (102, 101), (103, 100), (900, 7))]  # fmt: skip
    text = "\n".join(plain(each) for each in process_table(processes, 100))
    assert "├ p101" in text and "│ ╰ p102" in text and "╰ p103" in text and text.endswith("p900")


def test_a_machine_without_swap_and_rates_says_so() -> None:
    hosts = [HostSample(memory_used_bytes=1 << 30, memory_total_bytes=2 << 30)]
    assert "no swap" in plain(machine.title(hosts))
    text = "\n".join(plain(each) for each in machine.brief(hosts, 80))
    assert f"read {UNKNOWN}  written {UNKNOWN}" in text
    assert "this kernel doesn't tell it" in text
