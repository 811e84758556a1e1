"""What stands above a container's curves."""

from __future__ import annotations

from engine.model import ContainerSample, CpuSample, MemorySample, NetworkSample
from tests.tui.fake_engine import MIB, container
from tui.drawing import panels, units
from tui.drawing.lines import Tone, plain
from tui.history import Series

WEB = container(1, "web")
SAMPLE = ContainerSample(
    container_id="x",
    cpu=CpuSample(usage_usec=0, percent=12.44, limit_percent=200),
    memory=MemorySample(
        current_bytes=267 * MIB, working_set_bytes=250 * MIB, file_bytes=17 * MIB, limit_bytes=256 * MIB
    ),
    network=NetworkSample(
        received_bytes=5 * MIB, sent_bytes=MIB, received_bytes_per_second=9_600_000, sent_bytes_per_second=0
    ),
)


def series() -> Series:
    made = Series()
    made.add(SAMPLE, 0)
    return made


def test_what_is_measured_now_stands_beside_its_limit() -> None:
    assert plain(panels.cpu(WEB, SAMPLE, series()).value) == "12.4 %  limit 200 %"
    assert plain(panels.memory(WEB, SAMPLE, series()).value) == "250M  cache 17M  limit 256M"
    assert plain(panels.network(SAMPLE, series()).value) == "↓ 9.6M/s  ↑ 0   total ↓ 5.0M ↑ 1.0M"


def test_a_controller_that_is_off_is_said_and_not_measured_as_nothing() -> None:
    nothing = ContainerSample(container_id="x")
    assert plain(panels.cpu(WEB, nothing, Series()).value).startswith("cpu controller is off")
    assert plain(panels.memory(WEB, nothing, Series()).value).startswith("memory controller is off")
    assert plain(panels.network(nothing, Series()).value) == ""


def test_rates_that_are_not_known_yet_are_dashes() -> None:
    first = ContainerSample(container_id="x", cpu=CpuSample(usage_usec=7), network=NetworkSample())
    assert plain(panels.cpu(WEB, first, Series()).value).startswith(f"{units.UNKNOWN} %")
    assert plain(panels.network(first, Series()).value).startswith(f"↓ {units.UNKNOWN}  ↑ {units.UNKNOWN}")


def test_a_value_near_its_limit_is_coloured() -> None:
    assert panels.memory(WEB, SAMPLE, series()).value[0].tone is Tone.BAD
    assert panels.cpu(WEB, SAMPLE, series()).value[0].tone is Tone.STRONG


def test_after_the_end_the_curve_stays_without_colour() -> None:
    panel = panels.cpu(WEB, None, series())
    assert plain(panel.value) == "not running  limit 200 %"
    assert Tone.ACCENT not in {span.tone for each in panel.draw(40, 4) for span in each}
    assert Tone.ACCENT in {span.tone for each in panels.cpu(WEB, SAMPLE, series()).draw(40, 4) for span in each}
