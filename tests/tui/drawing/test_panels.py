"""What stands above a container's curves."""

from __future__ import annotations

from engine.model import ContainerSample
from tests.tui.fake_engine import MIB, container
from tui.drawing import panels
from tui.drawing.lines import Tone, plain
from tui.history import Series

WEB = container(1, "web")
SAMPLE = ContainerSample(
    container_id="x",
    cpu_percent=12.44,
    cpu_limit_percent=200,
    memory_bytes=250 * MIB,
    memory_cache_bytes=17 * MIB,
    memory_limit_bytes=256 * MIB,
    network_received_bytes=5 * MIB,
    network_sent_bytes=MIB,
    network_received_bytes_per_second=9_600_000,
)


def series() -> Series:
    made = Series()
    made.add(SAMPLE)
    return made


def test_what_is_measured_now_stands_beside_its_limit() -> None:
    assert plain(panels.cpu(WEB, SAMPLE, series()).value) == "12.4 %  limit 200 %"
    assert plain(panels.memory(WEB, SAMPLE, series()).value) == "250M  cache 17M  limit 256M"
    assert plain(panels.network(SAMPLE, series()).value) == "↓ 9.6M/s  ↑ 0   total ↓ 5.0M ↑ 1.0M"


def test_a_value_near_its_limit_is_coloured() -> None:
    assert panels.memory(WEB, SAMPLE, series()).value[0].tone is Tone.BAD
    assert panels.cpu(WEB, SAMPLE, series()).value[0].tone is Tone.STRONG


def test_after_the_end_the_curve_stays_without_colour() -> None:
    panel = panels.cpu(WEB, None, series())
    assert plain(panel.value) == "not running  limit 200 %"
    assert Tone.ACCENT not in {span.tone for each in panel.draw(40, 4) for span in each}
    assert Tone.ACCENT in {span.tone for each in panels.cpu(WEB, SAMPLE, series()).draw(40, 4) for span in each}
