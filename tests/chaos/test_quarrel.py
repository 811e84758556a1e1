"""Everything that can be done to a container may be done by several processes at once."""

from __future__ import annotations

import pytest

from tests.chaos.quarrel import quarrel
from tests.command_line import CommandLine

pytestmark = pytest.mark.alone

PROCESSES, SECONDS = 4, 12.0
SEED = 20261130


@pytest.mark.slow
def test_whatever_several_processes_do_to_the_same_containers_each_is_told_in_one_sentence(
    boxdeck: CommandLine,
) -> None:
    """Slow: they are at it for some seconds."""
    done, wrong = quarrel(boxdeck, PROCESSES, SEED, SECONDS)
    assert wrong == []
    assert len(done) > 10, done  # most things were possible once
    assert boxdeck("system", "check").out == ""
