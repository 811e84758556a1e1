"""Graphs, processes, limits and alarms on a real engine: what the kernel has is what one sees."""

from __future__ import annotations

from pathlib import Path

from engine import Engine
from engine.model import Container, ContainerRequest, Limits
from tests.tui.driving import desk

MIB = 1 << 20
BUSY = ("sh", "-c", "while :; do :; done")
GREEDY = ("bash", "-c", "while :; do (x=$(head -c 60000000 /dev/zero | tr '\\0' y)); sleep 1; done")
QUIET = ("sh", "-c", "sleep 1000 & wait")


def request(name: str, command: tuple[str, ...], **limits: float) -> ContainerRequest:
    return ContainerRequest(image="base", name=name, command=command, network="none", limits=Limits(**limits))  # type: ignore[arg-type]


async def run(engine: Engine, name: str, command: tuple[str, ...], **limits: float) -> Container:
    return await engine.containers.run(request(name, command, **limits))


async def test_graphs_show_use_limit_and_throttling(engine: Engine) -> None:
    await run(engine, "busy", BUSY, cpus=0.3, memory_bytes=64 * MIB)
    async with desk(engine, size=(160, 48)) as at:
        await at.press("right")
        await at.see("limit 30 %", "limit 64M", "limit 2048", "of limit", "stopped", "anonymous", "user", "system")
        await at.until(lambda: "⣿" in at.text)


async def test_processes_are_the_kernels(engine: Engine) -> None:
    container = await run(engine, "quiet", QUIET)
    async with desk(engine) as at:
        await at.press("right", "right")
        await at.see("ON HOST", f"{container.pid}", "sh -c sleep 1000", "╰ sleep 1000")
        top = await engine.containers.top(container.id)
        assert all(f"{each.pid}" in at.text for each in top)


async def test_a_limit_is_changed_while_it_runs_and_seen_at_once(engine: Engine) -> None:
    container = await run(engine, "quiet", QUIET, memory_bytes=64 * MIB)
    async with desk(engine) as at:
        await at.press("right")
        await at.see("limit 64M")
        await at.press("u")
        await at.see("limits of quiet", "in force · memory 64M")
        await at.type("96m")
        await at.press("tab", "tab", "tab", "tab")
        await at.type("0.5")
        await at.press("enter")
        await at.see("limit 96M", "limit 50 %")
        in_force = await engine.containers.limits(container.id)
        assert (in_force.memory_limit_bytes, in_force.cpus_limit) == (96 * MIB, 0.5)


async def test_what_the_kernel_refuses_is_said_in_the_form_and_nothing_has_changed(engine: Engine) -> None:
    container = await run(engine, "quiet", QUIET, memory_bytes=64 * MIB)
    async with desk(engine) as at:
        await at.press("u")
        await at.see("limits of quiet")
        await at.press(*["tab"] * 6)
        await at.type("4000-4001")
        await at.press("enter")
        await at.see("this machine has no CPU 4000")
        await at.press("escape")
        await at.see_no("limits of quiet")
    assert (await engine.containers.get(container.id)).request.limits == container.request.limits


async def test_running_out_of_memory_is_heard_at_once(engine: Engine) -> None:
    async with desk(engine) as at:
        await run(engine, "greedy", GREEDY, memory_bytes=24 * MIB)
        await at.hear("greedy ran out of memory")
        await at.see("▲ greedy", "OOM", "▲ ran out of memory")
        await at.press("H")
        await at.see("oom", "CONTROL GROUP", "╰ greedy", "24M")


async def test_the_machine_is_this_machine(engine: Engine) -> None:
    container = await run(engine, "quiet", QUIET, pids=50)
    async with desk(engine, size=(120, 36)) as at:
        await at.press("6")
        await at.see(
            "machine", "processors" if (await engine.info()).processors > 1 else "processor", "load", "pressure"
        )
        await at.see(engine.paths.cgroup_path(container.id).rsplit("/", 1)[0], "╰ quiet", "2 / 50", "start")
        total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
        assert int(total.split()[1]) * 1024 == at.app.deck.host.memory_total_bytes


async def test_files_are_copied_in_and_out(engine: Engine, tmp_path: Path) -> None:
    container = await run(engine, "quiet", QUIET)
    (tmp_path / "page").write_text("hello")
    async with desk(engine) as at:
        await at.press("c")
        await at.see("copy into or out of quiet", "quiet:/")
        await at.press("enter")
        await at.see("a path is needed")
        await at.type("/nowhere/at/all")
        await at.press("enter")
        await at.see("there is no /nowhere/at/all")
        await at.type(str(tmp_path / "page"))
        await at.press("tab")
        await at.type("quiet:/opt/page")
        await at.press("enter")
        await at.hear("1 file or folder copied, 5B")
        await at.see_no("copy into or out of quiet")
        await at.press("c")
        await at.see("copy into or out of quiet")
        await at.type("quiet:/opt/page")
        await at.press("tab")
        await at.type(str(tmp_path / "back"))
        await at.press("enter")
        await at.until((tmp_path / "back").exists)
        await at.see_no("copy into or out of quiet")
    assert (tmp_path / "back").read_text() == "hello"
    assert [change.path for change in await engine.layers.changes(container.id)] == ["/opt", "/opt/page"]


async def test_a_container_gets_another_name(engine: Engine) -> None:
    await run(engine, "quiet", QUIET)
    async with desk(engine) as at:
        await at.press("R")
        await at.see("another name for quiet")
        await at.type("a/b")
        await at.press("enter")
        await at.see("can't be a container's name")
        await at.type("silent")
        await at.press("enter")
        await at.see_no("another name for quiet")
        await at.see("● silent")
