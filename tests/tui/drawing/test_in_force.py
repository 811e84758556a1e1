"""The line that says which limits bind."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model import ContainerRequest, Limits
from engine.model.limits_in_force import MACHINE, LimitsInForce
from tests.tui.fake_engine import container
from tui.drawing.in_force import in_force_line, weight_line
from tui.drawing.lines import plain

GIB = 1 << 30
OF_THE_MACHINE = LimitsInForce(
    memory_bytes=8 * GIB, memory_from=MACHINE, cpus=2, cpus_from=MACHINE, pids=9, pids_from=MACHINE
)


def said(memory_bytes: int | None, in_force: LimitsInForce = OF_THE_MACHINE) -> str:
    request = ContainerRequest(image="base", limits=Limits(memory_bytes=memory_bytes))
    return plain(in_force_line(container(1, "web", request=request), in_force)).split(" · ")[1]


def test_a_limit_above_what_the_machine_has_is_told_with_what_binds_instead() -> None:
    assert "memory 8.0G, all that the machine has, below the limit of 64G" in said(64 * GIB)


def test_a_weight_that_no_disk_is_shared_by_is_said_to_count_for_nothing() -> None:
    web = container(1, "web", request=ContainerRequest(image="base", limits=Limits(io_weight=300)))
    unshared = replace(OF_THE_MACHINE, disk_weights_count=False)
    assert plain(weight_line(web, unshared)) == "disk weight counts for nothing: no disk's scheduler is bfq"
    assert weight_line(web, OF_THE_MACHINE) == weight_line(container(1, "web"), unshared) == ()


def test_no_limit_is_said_to_be_none() -> None:
    assert "memory unlimited" in said(None)
    assert "memory unlimited" in said(-1)


def test_a_limit_of_a_group_above_names_it() -> None:
    assert "memory 4.0G, of /above" in said(None, replace(OF_THE_MACHINE, memory_bytes=4 * GIB, memory_from="/above"))
