"""Several processes on one state, all at once; ``make chaos`` has two hundred containers."""

from __future__ import annotations

import pytest

from tests.chaos.crowd import crowd, repeated
from tests.command_line import CommandLine

pytestmark = pytest.mark.alone

PROCESSES, CONTAINERS = 8, 40


@pytest.mark.slow
def test_containers_of_many_processes_never_share_a_name_an_address_or_a_port(boxdeck: CommandLine) -> None:
    """Slow: it starts forty containers, entering each, from eight processes."""
    found = crowd(boxdeck, PROCESSES, CONTAINERS)
    assert [each["state"] for each in found] == ["running"] * CONTAINERS
    assert repeated(found) == []
    assert all(each["ports"] and each["addresses"][0] for each in found)
    assert boxdeck("system", "check").out == ""
    assert boxdeck.names("-a") == []
