"""The table of containers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.health import Health
from engine.model import (
    ContainerSample,
    CpuSample,
    IoSample,
    MemorySample,
    NetworkSample,
    PidsSample,
    PublishedPort,
    State,
)
from tests.tui.fake_engine import GIB, MIB, NOW, container, crowd
from tui.drawing import table, units
from tui.drawing.lines import Tone, plain, width
from tui.grouping import Heading
from tui.history import Series
from tui.sorting import Order


def row(of: table.Row, cells: int = 90) -> str:
    return plain(table.row(of, table.fitting(cells), selected=False))


def made(cells: int = 90, **changes: Any) -> table.Row:
    sample = ContainerSample(
        container_id="x",
        cpu=CpuSample(usage_usec=0, percent=12.44),
        memory=MemorySample(current_bytes=50 * MIB, working_set_bytes=48 * MIB, limit_bytes=256 * MIB),
        network=NetworkSample(received_bytes_per_second=9_600_000, sent_bytes_per_second=310_000),
    )
    return table.Row(
        container=container(1, "web", "nginx:1.27", **changes), sample=sample, series=Series(), now_unix_ns=NOW
    )


def test_a_running_container_shows_its_numbers() -> None:
    text = row(made(ran_seconds=11_533))
    assert text.startswith("● web")
    for part in ("nginx:1.27", "12.4", "48M / 256M", "↓9.6M", "↑310k", "3h"):
        assert part in text


def test_what_is_not_known_is_a_dash_and_never_nothing() -> None:
    unknown = (
        ContainerSample(container_id="x"),
        ContainerSample(container_id="x", cpu=CpuSample(usage_usec=5), network=NetworkSample()),
        None,
    )
    for sample in unknown:
        text = row(structs.replace(made(), sample=sample))
        assert units.UNKNOWN in text
        assert "0" not in text.replace("nginx:1.27", "").replace("10m", "")


def test_one_that_has_ended_shows_how_in_place_of_numbers() -> None:
    text = row(made(state=State.EXITED, exit_status=0, finished_unix_ns=NOW - 120 * 10**9))
    assert text.startswith("○ web")
    assert text.rstrip().endswith("exited 0 · 2m 00s ago")


def test_out_of_memory_and_failures_stand_out() -> None:
    killed = made(state=State.EXITED, exit_status=137, oom_killed=True, finished_unix_ns=NOW)
    assert row(killed).startswith("▲ web")
    assert "out of memory" in row(killed)
    failed = made(state=State.EXITED, exit_status=1, finished_unix_ns=NOW)
    assert row(failed).startswith("✕ web")
    stopped = made(state=State.EXITED, exit_status=143, finished_unix_ns=NOW)
    assert row(stopped).startswith("○ web")


def test_what_is_being_done_shows_as_a_hollow_glyph() -> None:
    pending = table.Row(
        container=container(1, "web"), sample=None, series=Series(), now_unix_ns=NOW, pending="stopping"
    )
    assert row(pending).startswith("◌ web")


@pytest.mark.parametrize(
    ("value", "limit", "tone"),
    [(50, 100, Tone.PLAIN), (80, 100, Tone.WARN), (95, 100, Tone.BAD), (1e9, None, Tone.PLAIN)],
)
def test_colour_says_how_near_a_limit_is(value: float, limit: float | None, tone: Tone) -> None:
    assert table.pressure(value, limit) is tone


@pytest.mark.parametrize(
    ("cells", "titles"),
    [
        (30, ["NAME", "CPU %", "UP"]),
        (56, ["NAME", "IMAGE", "CPU %", "", "MEMORY"]),
        (76, ["NAME", "IMAGE", "CPU %", "", "MEMORY", "NET/s", "UP"]),
    ],
)
def test_narrow_tables_leave_out_what_matters_least(cells: int, titles: list[str]) -> None:
    assert [column.title for column in table.fitting(cells)] == titles


def test_the_column_that_rows_are_ordered_by_is_marked() -> None:
    columns = table.fitting(90)
    assert "CPU ▾" in plain(table.header(columns, Order.CPU))
    assert "NAME ▾" in plain(table.header(columns, Order.NAME))
    assert "▾" not in plain(table.header(columns))
    assert "CPU ▴" in plain(table.header(columns, Order.CPU, is_reversed=True))
    every = table.fitting(240)
    for order in Order:
        assert width(table.header(every, order)) == width(table.header(every))


def test_a_title_is_what_to_order_by() -> None:
    columns = table.fitting(90)
    titles = plain(table.header(columns))
    for title, order in (("NAME", Order.NAME), ("CPU", Order.CPU), ("MEMORY", Order.MEMORY), ("NET/s", Order.NETWORK)):
        assert table.order_at(columns, titles.index(title)) is order
    assert table.order_at(columns, titles.index("CPU") + 10) is Order.CPU  # above its curve
    assert table.order_at(columns, len(titles) - 1) is Order.UPTIME
    assert [table.order_at(columns, x) for x in (0, 1, 90, 1000)] == [None] * 4


def test_every_column_can_be_had_and_each_but_the_curve_has_an_order_of_its_own() -> None:
    columns = table.fitting(240)
    assert [column.key for column in columns] == list(table.COLUMNS)
    assert {column.order for column in columns} == set(Order) - {Order.AGE}


def test_chosen_columns_stand_where_they_were_put_and_the_name_is_never_missing() -> None:
    assert [column.key for column in table.fitting(90, ("pids", "name", "ports"))] == ["pids", "name", "ports"]
    assert [column.key for column in table.fitting(90, ("restarts", "of another version"))] == ["name", "restarts"]
    assert [column.key for column in table.fitting(20, ("ports", "name"))] == ["name"]


def test_what_wide_tables_show_besides() -> None:
    published = (PublishedPort(container_port=80, host_port=8080), PublishedPort(container_port=443))
    of = made(ports=published, restarts=2, automatic_restarts=1, health=Health(state="unhealthy"))
    of = structs.replace(
        of,
        sample=structs.replace(
            of.sample,
            io=IoSample(read_bytes_per_second=2_000_000, written_bytes_per_second=None),
            pids=PidsSample(current=37, limit=512),
        ),
        is_marked=True,
    )
    text = row(of, 240)
    for part in ("●✓web", "unhealthy", "8080→80 →443", "r2.0M", " 37 ", "18.8", "  3"):
        assert part in text
    assert plain(table.heading(Heading("shop", 3, 2, is_folded=True), 60, selected=False)) == "▸ shop  3, 2 running"


chosen = st.none() | st.lists(st.sampled_from(list(table.COLUMNS)), unique=True).map(tuple)


@given(st.integers(20, 200), st.sampled_from(crowd()), st.booleans(), st.floats(min_value=0, max_value=6400), chosen)
def test_rows_never_outgrow_the_table(cells: int, of: object, selected: bool, cpu: float, keys: Any) -> None:
    sample = ContainerSample(
        container_id="x",
        cpu=CpuSample(usage_usec=0, percent=cpu),
        memory=MemorySample(current_bytes=999 * GIB, working_set_bytes=999 * GIB, limit_bytes=999 * GIB),
    )
    each = table.Row(container=of, sample=sample, series=Series(), now_unix_ns=NOW)  # type: ignore[arg-type]
    columns = table.fitting(cells, keys)
    assert width(table.row(each, columns, selected=selected)) <= cells
    assert width(table.header(columns)) <= cells
