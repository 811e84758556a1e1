"""What is said about one container."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.isolation import Isolation
from engine.model import ContainerRequest, ContainerSample, Limits, PidsSample, State
from engine.options import Security
from tests.tui.fake_engine import ISOLATION, MIB, NOW, container
from tui.drawing import facts
from tui.drawing.isolation import sentence
from tui.drawing.lines import plain, width


def test_a_running_container_in_five_lines() -> None:
    sample = ContainerSample(container_id="x", pids=PidsSample(current=5, limit=512))
    lines = [plain(line) for line in facts.facts(container(1, "web", ran_seconds=11_533), sample, 200, NOW)]
    assert lines == [
        "● running 3h 12m · pid 48013 · processes 5 / 512 · id 000000a40efc",
        "image       base · sh",
        "network     10.89.0.3 · eth0 ⇄ bd00000001 on boxdeck0",
        "limits      memory 256M · cpus 2 · processes 512",
        "security    own ids · 2 capabilities · filtered",
    ]


def test_without_its_controller_nothing_is_said_of_processes() -> None:
    lines = facts.facts(container(1, "web"), ContainerSample(container_id="x"), 200, NOW)
    assert "pids controller is off" in plain(lines[0])
    assert "processes" not in plain(lines[0])


def said_of(isolation: Isolation | None, security: Security = Security()) -> str:  # noqa: B008  # it is frozen
    request = ContainerRequest(image="base", security=security)
    return plain(sentence(container(1, "web", request=request, isolation=isolation)))


def test_what_a_container_may_do() -> None:
    bare = replace(ISOLATION, root_uid=0, capabilities=(), filters_calls=False, hides_paths=False)
    assert said_of(bare) == "the host's ids · no capabilities · calls unfiltered · nothing hidden"
    assert said_of(bare, Security(privileged=True)) == "privileged · the host's ids"
    strict = replace(ISOLATION, no_new_privileges=True, read_only=True)
    assert said_of(strict).endswith("read-only · 2 capabilities · filtered · no new privileges")
    assert said_of(None) == "not known"


def test_what_a_container_gives_up_is_said() -> None:
    careless = container(1, "web", warnings=("privileged: nothing keeps it in",))
    assert plain(facts.facts(careless, None, 200, NOW)[-1]) == "! privileged: nothing keeps it in"


def test_an_error_has_a_line_of_its_own() -> None:
    failed = container(1, "web", state=State.EXITED, exit_status=127, error="no such command", finished_unix_ns=NOW)
    assert plain(facts.facts(failed, None, 200, NOW)[1]) == "no such command"
    assert plain(facts.brief(failed, None, 200, NOW)[1]) == "no such command"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("none", "loopback only"),
        ("host", "the host's own"),
        ("bridge", "bridge, once it runs"),
        ("container:x", "another container's"),
    ],
)
def test_without_an_address_the_network_says_why(mode: str, words: str) -> None:
    request = ContainerRequest(image="base", network=mode)
    assert plain(facts.network(container(1, "web", request=request, endpoints=()))) == words


def test_what_is_being_done_stands_in_place_of_the_state() -> None:
    assert plain(facts.facts(container(1, "web"), None, 200, NOW, "stopping")[0]).startswith("◌ stopping")


def test_lines_keep_to_the_width() -> None:
    limits = Limits(memory_bytes=256 * MIB)
    long = container(1, "w" * 60, request=ContainerRequest(image="i" * 80, limits=limits), argv=("a" * 90,))
    for cells in (10, 40, 80):
        for describe in (facts.facts, facts.brief):
            assert all(width(line) <= cells for line in describe(long, None, cells, NOW))
