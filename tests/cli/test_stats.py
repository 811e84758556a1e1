"""``boxdeck stats``: what people and programs read, once and again and again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec
import pytest

from engine.cli.documents import StatsRow
from engine.cli.stats import stats_row
from engine.cli.stats_table import stats_lines
from engine.cli.templates import Format
from engine.limits import Limits
from engine.model import Container, ContainerRequest, ContainerSample, CpuSample, IoSample, MemorySample, State
from tests.command_line import CommandLine

LOOP = "while :; do :; done"


@pytest.mark.vm
def test_processor_memory_and_processes_are_counted(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "busy", "-m", "64m", "base", "sh", "-c", LOOP)
    time.sleep(0.3)
    row = boxdeck("stats", "--no-stream", "--format", "json").json[0]
    assert row["Name"] == "busy"
    assert float(row["CPUPerc"].rstrip("%")) > 10
    assert row["MemUsage"].endswith(" / 64MiB")
    assert row["PIDs"] == "1"
    assert re.fullmatch(r"[\d.]+k?B / [\d.]+k?B", row["NetIO"])


def test_those_that_do_not_run_are_shown_when_asked_for(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "runs", "base", "sleep", "99")
    boxdeck.ok("create", "--name", "still", "base", "true")

    def names(*options: str) -> dict[str, str]:
        rows = boxdeck("stats", "--no-stream", "--format", "json", *options).json
        return {row["Name"]: row["CPUPerc"] for row in rows}

    assert list(names()) == ["runs"]
    assert names("-a").keys() == {"runs", "still"}
    assert names("-a")["still"] == "--"
    assert list(names("still", "runs")) == ["still", "runs"]


def test_ids_are_short_or_whole(boxdeck: CommandLine) -> None:
    whole = boxdeck.ok("run", "-d", "base", "sleep", "99")
    assert boxdeck.ok("stats", "--no-stream", "--format", "{{.ID}} {{.Container}}") == f"{whole[:12]} {whole[:12]}"
    assert boxdeck.ok("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}}") == whole


def test_dockers_placeholders(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "shown", "-m", "64m", "base", "sleep", "99")
    fields = ["Container", "Name", "ID", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"]
    template = "|".join(f"{{{{.{field}}}}}" for field in fields)
    shown = dict(zip(fields, boxdeck.ok("stats", "--no-stream", "--format", template).split("|"), strict=True))
    assert (shown["Name"], shown["PIDs"]) == ("shown", "1")
    assert re.fullmatch(r"\d+\.\d\d%", shown["CPUPerc"])
    heading, row = boxdeck.ok("stats", "--no-stream", "--format", r"table {{.Name}}\t{{.CPUPerc}}").splitlines()
    assert re.split(" {3,}", heading) == ["NAME", "CPU %"]
    assert re.fullmatch(r"shown {3}\d+\.\d\d%", row)
    line = boxdeck.ok("stats", "--no-stream", "--format", "{{json .}}")
    assert msgspec.json.decode(line)["Name"] == "shown"


def test_it_goes_on_until_it_is_interrupted(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "watched", "base", "sleep", "99")
    watching = boxdeck.start("stats", "--interval", "0.1", "watched")
    assert watching.stdout is not None
    seen = [watching.stdout.readline() for _ in range(4)]
    assert seen[0].split() == seen[2].split()  # columns are as wide as what is in them
    assert b"watched" in seen[1] and b"--" in seen[1]
    assert b"watched" in seen[3] and b"--" not in seen[3]
    watching.send_signal(2)
    _, err = watching.communicate(timeout=10)
    assert (watching.returncode, err) == (0, b"")


def _next(read: Callable[[], bytes], wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The first look, of many, with what is wanted: the processor's use by name."""
    for _ in range(200):
        found = {row["Name"]: row["CPUPerc"] for row in msgspec.json.decode(read())}
        if wanted(found):
            return found
    raise AssertionError(found)


def test_containers_appear_and_vanish_as_they_start_and_stop(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "first", "base", "sleep", "99")
    watching = boxdeck.start("stats", "--interval", "0.1", "--format", "json")
    assert watching.stdout is not None
    read = watching.stdout.readline
    assert _next(read, lambda rows: rows.keys() == {"first"})
    boxdeck.ok("run", "-d", "--name", "second", "base", "sleep", "99")
    assert _next(read, lambda rows: rows.keys() == {"first", "second"})
    boxdeck.ok("kill", "first")
    assert _next(read, lambda rows: rows.keys() == {"second"})
    watching.send_signal(2)
    watching.communicate(timeout=10)


def test_one_that_is_named_stays_after_its_end_and_goes_when_it_is_removed(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "named", "base", "sleep", "99")
    watching = boxdeck.start("stats", "--interval", "0.1", "--format", "json", "named")
    assert watching.stdout is not None
    read = watching.stdout.readline
    assert _next(read, lambda rows: rows["named"] != "--")
    boxdeck.ok("kill", "named")
    assert _next(read, lambda rows: rows["named"] == "--")
    boxdeck.ok("rm", "named")
    watching.communicate(timeout=10)
    assert watching.returncode == 0


CONTAINER = Container(
    id="3f2a" * 16, name="web", request=ContainerRequest(image="base"), image_id="sha256:0", created_unix_ns=0,
    state=State.RUNNING, argv=("sleep",),
)  # fmt: skip
assert Limits() == CONTAINER.request.limits


def test_what_is_not_known_is_no_zero() -> None:
    nothing = stats_row(CONTAINER, ContainerSample(container_id=CONTAINER.id), 1 << 30)
    figures = (nothing.cpu_percent, nothing.memory_percent, nothing.network_io, nothing.block_io, nothing.pids)
    assert (set(figures), nothing.memory_usage) == ({"--"}, "-- / --")
    no_rates = ContainerSample(container_id=CONTAINER.id, cpu=CpuSample(usage_usec=5), io=IoSample())
    assert stats_row(CONTAINER, no_rates, 1 << 30).cpu_percent == "--"
    assert stats_row(CONTAINER, no_rates, 1 << 30).block_io == "0B / 0B"


def test_without_a_limit_memory_is_measured_by_the_machines() -> None:
    memory = MemorySample(current_bytes=300 << 20, working_set_bytes=256 << 20)
    row = stats_row(CONTAINER, ContainerSample(container_id=CONTAINER.id, memory=memory), 1 << 30)
    assert (row.memory_usage, row.memory_percent) == ("256MiB / 1GiB", "25.00%")
    memory = MemorySample(current_bytes=300 << 20, working_set_bytes=256 << 20, limit_bytes=512 << 20)
    row = stats_row(CONTAINER, ContainerSample(container_id=CONTAINER.id, memory=memory), 1 << 30)
    assert (row.memory_usage, row.memory_percent) == ("256MiB / 512MiB", "50.00%")


def wide_row(name: str) -> StatsRow:
    return StatsRow(
        id="3f2a3f2a3f2a",
        container="3f2a3f2a3f2a",
        name=name,
        cpu_percent="199.87%",
        memory_usage="1.133GiB / 23.54GiB",
        memory_percent="100.00%",
        network_io="1.05MB / 999kB",
        block_io="12.3GB / 4.5MB",
        pids="2048",
    )


def test_columns_dont_come_and_go_with_the_figures_in_them() -> None:
    quiet = stats_row(CONTAINER, None, 1 << 30)
    for width in range(60, 140):
        narrow, wide = (stats_lines([row], Format("table"), width)[0] for row in (quiet, wide_row("web")))
        assert narrow.split() == wide.split()


@pytest.mark.parametrize("width", [200, 126, 110, 100, 90, 80, 72])
@pytest.mark.parametrize("name", ["web", "hungry_lighthouse", "a" * 60])
def test_a_narrow_terminal_has_all_figures(width: int, name: str) -> None:
    rows = [wide_row(name), wide_row("db")]
    lines = stats_lines(rows, Format("table"), width)
    assert max(map(len, lines)) <= width
    assert len({line.index("199.87%") for line in lines[1:]}) == 1
    for line in lines[1:]:
        plain = line.replace(" / ", "/")
        assert all(figure in plain for figure in ("199.87%", "1.133GiB/23.54GiB", "1.05MB/999kB", "12.3GB/4.5MB"))
        assert plain.endswith("2048")
    assert "BLOCK I/O" in lines[0] and lines[0].endswith("PIDS")
    assert lines[1].startswith(name[:5]) or "3f2a3f2a3f2a" in lines[1]


def test_what_has_room_or_is_no_terminal_is_as_wide_as_it_is() -> None:
    whole = stats_lines([wide_row("web")], Format("table"))
    assert whole[0].split()[0] == "CONTAINER"
    assert whole == stats_lines([wide_row("web")], Format("table"), 200)
    assert re.split(" {3,}", whole[1])[:3] == ["3f2a3f2a3f2a", "web", "199.87%"]
    assert len(stats_lines([], Format("table"), 80)) == 1
