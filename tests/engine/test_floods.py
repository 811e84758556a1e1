"""A container that writes without rest costs bounded memory, and keeps nobody else from anything."""

from __future__ import annotations

import pytest

from engine import Engine
from engine.log_lines import LINE_LIMIT
from engine.runtime.logs import PART_SIZE
from tests.benchmarks import flood

pytestmark = pytest.mark.vm

SIZE_BYTES = 12_000_000
MOST_GROWN_BYTES = 8 << 20  # frames for a viewer: 17 of 64 KiB wait at most, and what reading and logging them takes


@pytest.mark.parametrize("shape", flood.SHAPES)
async def test_memory_is_bounded_and_the_last_half_of_a_character_is_there(engine: Engine, shape: str) -> None:
    found = await flood.measure(engine, shape, SIZE_BYTES)
    assert found.shim_grown_bytes < MOST_GROWN_BYTES
    assert found.longest_bytes <= LINE_LIMIT + PART_SIZE
    assert found.last[-1:] == b"\xc3"
    assert found.beside_seconds < 5
