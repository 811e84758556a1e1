"""Namespaces by kind, nested and explained; and those of containers side by side."""

from __future__ import annotations

from engine.model import IdRange, NamespaceAspect, NamespaceEntry, NamespacePortrait
from engine.namespaces.explained import EXPLAINED
from engine.namespaces.nesting import nested
from engine.namespaces.scan import KINDS
from tui.drawing.lines import Tone, plain, width
from tui.drawing.namespace_comparison import comparison_lines
from tui.drawing.namespace_types import type_lines

MAP = (IdRange(inside=0, outside=200_000, length=65_536),)
ENTRIES = (
    NamespaceEntry(kind="user", inode=1, is_host=True, processes=90, pid=1, command="init"),
    NamespaceEntry(
        kind="user",
        inode=2,
        parent_inode=1,
        processes=3,
        command="nginx",
        containers=("web",),
        uid_map=MAP,
        gid_map=MAP,
    ),
    NamespaceEntry(kind="user", inode=3, parent_inode=2, processes=1, command="chrome"),
    NamespaceEntry(kind="user", inode=4, parent_inode=1, containers=("db", "backup"), processes=2),
    NamespaceEntry(kind="pid", inode=12, parent_inode=99, pids=(48_213, 1), processes=5, containers=("web",)),
    NamespaceEntry(kind="net", inode=20, held_by=("mount /run/netns/blue",)),
)


def portrait(name: str, pid: int, net: int) -> NamespacePortrait:
    aspects = (
        NamespaceAspect(kind="net", inode=net, contents="eth0, lo"),
        NamespaceAspect(kind="time", inode=9, contents="no offsets"),
    )
    return NamespacePortrait(name=name, pid=pid, aspects=aspects)


def test_those_made_in_another_stand_below_it() -> None:
    found = nested([entry for entry in ENTRIES if entry.kind == "user"])
    assert [(each.entry.inode, each.depth, each.is_last) for each in found] == [
        (1, 0, (True,)),
        (2, 1, (True, False)),
        (3, 2, (True, False, True)),
        (4, 1, (True, True)),
    ]


def test_every_kind_is_explained_in_two_sentences_with_its_call() -> None:
    assert set(EXPLAINED) == set(KINDS)
    for explanation in EXPLAINED.values():
        assert "CLONE_NEW" in explanation.call
        assert explanation.sentences.count(". ") == 1
        assert explanation.sentences.endswith(".")


def test_kinds_are_drawn_as_trees_that_fit() -> None:
    for cells in (40, 78, 190):
        assert max(width(each) for each in type_lines(ENTRIES, "web", cells)) <= cells
    lines = type_lines(ENTRIES, "web", 100)
    text = [plain(each) for each in lines]
    assert text[0].startswith("user  users and privileges · 4")
    assert text[0].endswith("unshare(CLONE_NEWUSER), then /proc/PID/uid_map and gid_map")
    assert "  ├─ 2  web  ids 0 → 200000 (65536)  3 processes  nginx" in text
    assert "  │  ╰─ 3  1 process  chrome" in text
    assert any(each.startswith("  ╰─ 4  db, backup  2 processes") for each in text)
    assert "  12  web  pid 1 → 48213  5 processes  " in text
    assert "  20  kept by mount /run/netns/blue" in text
    assert [span.text for each in lines for span in each if span.tone is Tone.LIT and "web" in span.text] == [
        "web  "
    ] * 2


def test_what_is_shared_is_said_once() -> None:
    portraits = [portrait("host", 1, 5), portrait("web", 100, 6), portrait("db", 200, 6)]
    rows = [plain(each).split() for each in comparison_lines(portraits, 120)]
    assert rows[0] == ["host", "web", "db"]
    assert rows[1] == ["net", "5", "6", "=", "shared", "with", "web"]
    assert rows[2] == ["eth0,", "lo", "eth0,", "lo"]
    assert rows[3] == ["time", "9", *["=", "shared", "with", "host", "=", "shared", "with", "host"]]
    alone = [plain(each).split() for each in comparison_lines(portraits[1:], 70, portraits[0])]
    assert alone[3] == ["time", *["=", "shared", "with", "host", "=", "shared", "with", "host"]]
