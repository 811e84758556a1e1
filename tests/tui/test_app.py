"""The app on a real engine: real processes, from a key press to their end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import Engine
from engine.config.model import Config
from engine.model import Container, ContainerRequest, Limits, State
from engine.options import BindMount, Security
from tests.tui.driving import Desk, desk, soon
from tui.widgets.log_view import LogView
from tui.widgets.shell_pane import ShellPane

SHELL = ContainerRequest(image="base", command=("sh",), name="first", tty=True, interactive=True)

PATIENT = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")


async def states(engine: Engine) -> dict[str, State]:
    return {each.name: each.state for each in await engine.containers.list(all_states=True)}


async def has_other_pid(engine: Engine, before: int | None) -> bool:
    return (await only(engine)).pid not in (None, before)


async def only(engine: Engine) -> Container:
    (container,) = await engine.containers.list(all_states=True)
    return container


async def leave_terminal(at: Desk) -> None:
    """From the terminal of what was just run to all that is known of it."""
    await at.until(lambda: isinstance(at.app.focused, ShellPane))
    await at.press("ctrl+g", "q", "right")


async def test_on_an_empty_machine_two_keys_start_a_first_container(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.see("No containers yet", "press n, then enter")
        await at.press("n")
        await at.see("run a container", "base")
        await at.press("enter")
        await at.see("1 of 1 running", ":/#", "ctrl+g leave, more")
        container = await only(engine)
        await at.press(*"echo $((6*7))-here", "enter")
        await at.see("42-here")
        await leave_terminal(at)
        await at.see("● running", "base · sh")
        assert container.is_running
        assert container.request.tty
        await at.see(container.name[:10], f"pid {container.pid}")


async def test_the_form_passes_everything_on(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.press("n", "tab")
        await at.type("sh -c 'echo hello; sleep 1000'")
        for text in ("job-7", "64m", "0.5", "32"):
            await at.press("tab")
            await at.type(text)
        await at.press("enter")
        await leave_terminal(at)
        await at.see("job-7", "memory 64M · cpus 0.5 · processes 32", "limit 64M")
    request = (await only(engine)).request
    assert request.command == ("sh", "-c", "echo hello; sleep 1000")
    assert request.limits == Limits(memory_bytes=64 << 20, cpus=0.5, pids=32)
    assert request.network == "bridge"


async def test_the_form_passes_on_what_a_container_may_do(engine: Engine, tmp_path: Path) -> None:
    async with desk(engine) as at:
        await at.press("n", *["tab"] * 7)
        await at.type("127.0.0.1::80")
        await at.press("tab")
        await at.type(f"{tmp_path}:/data:ro")
        await at.press("tab", "tab", "tab", "tab", "space", *["pagedown"] * 5)
        await at.see("privileged", "cap drop")
        await at.press("tab")
        await at.type("net_admin")
        await at.press("tab")
        await at.type("chown")
        await at.press("pageup", "pageup")
        await at.see("tmpfs", "read only")
        await at.press(*["tab"] * 4, "space", "shift+tab")
        await at.see("--read-only", "--cap-drop chown")
        await at.press("enter")
        await leave_terminal(at)
        await at.see("security", "own ids · read-only · 12 capabilities")
    request = (await only(engine)).request
    assert [(port.host_address, port.container_words) for port in request.ports] == [("127.0.0.1", "80/tcp")]
    assert request.binds == (BindMount(source=str(tmp_path), destination="/data", read_only=True),)
    assert request.security == Security(cap_add=("net_admin",), cap_drop=("chown",))
    assert request.read_only and request.init and request.tty and request.userns is None


async def test_a_wrong_field_has_its_sentence_beside_it_and_can_be_corrected(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.press("n", "tab", "tab", "tab")
        await at.type("lots")
        await at.see("'lots' is not a size such as 64m or 1.5g")
        await at.press("pagedown")
        await at.see("workdir")
        await at.press("enter")
        await at.see("'lots' is not a size such as 64m or 1.5g")
        assert at.app.focused is at.app.screen.query_one("#memory")
        await at.type("64m")
        await at.press("enter")
        await at.see("1 of 1 running")


async def test_what_the_engine_refuses_is_said_in_the_form_and_nothing_is_left(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.press("n")
        await at.type("nosuch")
        await at.press("enter")
        await at.see("run a container", "nosuch")
        await at.until(lambda: len(str(at.app.screen.query_one("#status").render())) > 20)
        await at.press("escape")
        await at.see("No containers yet")
    assert await states(engine) == {}


async def test_stop_start_restart_and_remove(engine: Engine) -> None:
    await engine.containers.run(ContainerRequest(image="base", command=PATIENT, name="job"))
    async with desk(engine) as at:
        await at.see("job", "1 of 1 running")
        await at.press("s")
        await at.see("exited 0", "0 of 1 running")
        assert await states(engine) == {"job": State.EXITED}
        await at.press("S")
        await at.see("1 of 1 running")
        before = (await only(engine)).pid
        await at.press("r")
        await soon(lambda: has_other_pid(engine, before))
        await at.until(lambda: at.app.deck.selected is not None and at.app.deck.selected.pid not in (None, before))
        await at.press("d")
        await at.see("remove job", "It is running: its processes will be killed.")
        await at.press("escape")
        await at.see_no("remove job")
        assert await states(engine) == {"job": State.RUNNING}
        await at.press("d")
        await at.see("remove job")
        await at.press("enter")  # the answer that is lit leaves it
        await at.see_no("remove job")
        assert await states(engine) == {"job": State.RUNNING}
        await at.press("d")
        await at.see("remove job")
        await at.press("right", "enter")
        await at.see("No containers yet")
    assert await states(engine) == {}


async def test_a_shell_beside_the_list_runs_on_while_one_looks_elsewhere(engine: Engine) -> None:
    await engine.containers.run(SHELL)
    async with desk(engine) as at:
        await at.see("first")
        await at.press("e")
        await at.until(lambda: isinstance(at.app.focused, ShellPane))
        await at.see("keys go to the shell")
        await at.press(*"echo answer-$((6*7))", "enter")
        await at.see("answer-42")
        await at.press("ctrl+g", "q")
        await at.see("n run")
        await at.press("left")
        await at.see_no("answer-42")
        await at.press("e")
        await at.see("answer-42")
        assert isinstance(at.app.focused, ShellPane)
        await at.press(*"exit 3", "enter")
        await at.see("exited 3")
        await at.press("enter")
        await at.see("cpu", "memory", "n run")
        assert not at.app.screen.query(ShellPane)


async def test_a_shell_that_is_not_there_is_one_sentence(engine: Engine) -> None:
    await engine.containers.run(SHELL)
    async with desk(engine, config=Config(shell=("/nope",))) as at:
        await at.see("first")
        await at.press("e")
        await at.hear("/nope")
        assert not at.app.screen.query(ShellPane)


async def test_logs_follow_the_selected_container(engine: Engine) -> None:
    for name in ("one", "two"):
        command = ("sh", "-c", f"i=0; while :; do i=$((i+1)); echo {name}-$i; sleep 0.2; done")
        await engine.containers.run(ContainerRequest(image="base", command=command, name=name))
    async with desk(engine) as at:
        await at.see("one", "two")
        await at.press("l")
        await at.see("two-1", "two-3")
        await at.press("down")
        await at.see("one-1", "one-4")
        await at.see_no("two-1")
        assert at.app.screen.query_one(LogView).following


async def test_numbers_move_and_curves_grow(engine: Engine) -> None:
    command = ("sh", "-c", "while :; do :; done")
    limits = Limits(cpus=0.3, memory_bytes=64 << 20)
    await engine.containers.run(ContainerRequest(image="base", command=command, name="busy", limits=limits))
    async with desk(engine) as at:
        await at.see("busy", "limit 30 %", "/  64M")
        curve = at.app.deck.history.of(at.app.deck.selected_id or "").cpu_percent
        await at.until(lambda: max((value or 0 for value in curve), default=0) > 5)
        await at.until(lambda: "⣿" in at.text)


async def test_what_others_do_shows_by_itself(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.see("No containers yet")
        container = await engine.containers.run(SHELL)
        await at.see("first", "1 of 1 running")
        await engine.containers.kill(container.id)
        await at.see("0 of 1 running", "exited 137")
        await engine.containers.remove(container.id)
        await at.see("No containers yet")


async def test_the_wiring_and_the_namespaces_are_the_kernels(engine: Engine) -> None:
    container = await engine.containers.run(SHELL)
    endpoint = container.endpoint
    assert endpoint is not None
    async with desk(engine, size=(120, 400)) as at:  # whatever else runs on this machine is in sight, too
        await at.press("t")
        await at.see(endpoint.bridge, endpoint.host_interface, endpoint.address.partition("/")[0], "eth0")
        await at.press("N")
        await at.see("host", "first", f"1 sh  host {container.pid}", "own")
        (tree,) = (await engine.namespace_tree()).containers
        for namespace in tree.namespaces:
            await at.see(f"{namespace.inode}")
        await at.press("a")
        await at.see("every namespace of this machine", "KIND", "PARENT", "the host's", "first")
        for entry in await engine.namespaces.list():
            if "first" in entry.containers and entry.kind == "pid":
                await at.see(f"{entry.inode}", f"{entry.parent_inode}")
        await at.press("a")
        await at.see(f"1 sh  host {container.pid}")
        await at.press("escape")
        await at.see("cpu", "memory", "network")


async def test_containers_run_on_when_the_app_is_left(engine: Engine) -> None:
    await engine.containers.run(SHELL)
    async with desk(engine) as at:
        await at.see("1 of 1 running")
        await at.press("q")
        await at.until(lambda: not at.app.is_running)
    assert await states(engine) == {"first": State.RUNNING}
    async with desk(engine) as at:
        await at.see("first", "1 of 1 running")


async def test_curves_show_what_was_before_the_app_came(engine: Engine) -> None:
    command = ("sh", "-c", "while :; do :; done")
    limits = Limits(cpus=0.3)
    container = await engine.containers.run(ContainerRequest(image="base", command=command, limits=limits))
    for _ in range(100):
        if len((await engine.containers.history(container.id)).hour.cpu_percent) > 3:
            break
        await asyncio.sleep(0.1)
    async with desk(engine) as at:
        await at.until(lambda: at.app.deck.history.is_filled(container.id))
        recorded = (await engine.containers.history(container.id)).hour.cpu_percent
        shown = at.app.deck.history.of(container.id).cpu_percent
        assert list(shown)[:3] == list(recorded[:3])
