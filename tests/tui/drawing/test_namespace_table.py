"""Every namespace of the machine, drawn."""

from __future__ import annotations

import pytest

from engine.model import NamespaceEntry
from tui.drawing.lines import Tone, plain, width
from tui.drawing.namespace_table import table_lines

ENTRIES = (
    NamespaceEntry(
        kind="net", inode=4026531840, is_host=True, owner_inode=4026531837, owner_uid=0, processes=90, pid=1,
        command="init",
    ),
    NamespaceEntry(
        kind="net", inode=4026532300, owner_inode=4026532299, owner_uid=0, processes=2, pid=4711, command="nginx -g x",
        containers=("web", "web-logs"),
    ),
    NamespaceEntry(kind="net", inode=4026532400, owner_inode=4026531837, owner_uid=33, held_by=("mount /run/netns/a",)),
    NamespaceEntry(
        kind="pid", inode=4026532500, owner_inode=4026531837, owner_uid=0, parent_inode=4026531836, processes=1,
        pid=4712, command="sh",
    ),
)  # fmt: skip


def test_a_line_tells_which_whose_and_who_is_in_it() -> None:
    assert [plain(line).rstrip() for line in table_lines(ENTRIES, None, 140)] == [
        "KIND    NUMBER      CONTAINER          PROCESSES      PID  OWNER          UID  PARENT      COMMAND",
        "net     4026531840  the host's                90        1  4026531837       0  ·           init",
        "net     4026532300  web, web-logs              2     4711  4026532299       0  ·           nginx -g x",
        "net     4026532400  ·                          0        ·  4026531837      33  ·           mount /run/netns/a",
        "pid     4026532500  ·                          1     4712  4026531837       0  4026531836  sh",
    ]


@pytest.mark.parametrize("cells", [40, 60, 78, 100, 200])
def test_columns_give_way_until_the_lines_fit(cells: int) -> None:
    lines = table_lines(ENTRIES, None, cells)
    assert all(width(line) <= cells for line in lines)
    assert all(number in plain(lines[2]) for number in ("net", "4026532300", "web"))


def test_the_selected_containers_are_lit() -> None:
    lines = table_lines(ENTRIES, "web", 140)
    assert [any(span.tone is Tone.LIT for span in line) for line in lines] == [False, False, True, False, False]
