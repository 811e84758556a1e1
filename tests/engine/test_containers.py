"""Containers as a program that embeds the engine sees them, on the real kernel."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import CommandNotExecutable, CommandNotFound, Conflict, InvalidRequest, NotFound
from engine.linux import namespaces
from engine.locks import ContainerLock
from engine.model import Container, ContainerRequest, ExecRequest, Limits, State
from engine.session import Session
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

SLEEP = ("sleep", "1000")


def request(*command: str, **options: object) -> ContainerRequest:
    return ContainerRequest(image="base", command=command, **{"network": "none", **options})  # type: ignore[arg-type]


async def output(session: Session) -> tuple[str, str, int]:
    streams = {"stdout": b"", "stderr": b""}
    while (chunk := await session.read()) is not None:
        streams[chunk.stream] += chunk.data
    return streams["stdout"].decode(), streams["stderr"].decode(), await session.wait()


async def run(engine: Engine, *command: str, **options: object) -> tuple[str, str, int]:
    return await output(await engine.containers.run_attached(request(*command, auto_remove=True, **options)))


async def sh(engine: Engine, script: str, **options: object) -> str:
    out, err, status = await run(engine, "sh", "-c", script, **options)
    assert (err, status) == ("", 0)
    return out


# What a container is


async def test_it_has_its_own_namespaces(engine: Engine) -> None:
    kinds = ("mnt", "uts", "ipc", "pid", "net", "cgroup")
    inside = await sh(engine, "for n in mnt uts ipc pid net cgroup; do readlink /proc/self/ns/$n; done")
    host = {f"{kind}:[{namespaces.inode('self', kind)}]" for kind in kinds}
    assert len(inside.split()) == 6 and not host & set(inside.split())


async def test_it_is_pid_1_and_sees_only_itself(engine: Engine) -> None:
    assert await sh(engine, "echo $$ /proc/[0-9]*") == "1 /proc/1\n"


async def test_its_host_name_is_its_short_id_or_what_was_asked_for(engine: Engine) -> None:
    assert len((await sh(engine, "hostname")).strip()) == 12
    assert await sh(engine, "hostname; cat /etc/hostname; grep -c box /etc/hosts", hostname="box") == "box\nbox\n1\n"


async def test_its_cgroup_is_the_top_that_it_sees(engine: Engine) -> None:
    lines = (await sh(engine, "cat /proc/self/cgroup")).split()
    assert lines and all(line.endswith(":/") for line in lines)


async def test_what_it_writes_stays_in_its_own_upper_directory(engine: Engine) -> None:
    assert await sh(engine, "echo mine > /etc/motd; cat /etc/motd") == "mine\n"
    out, _, _ = await run(engine, "sh", "-c", "cat /etc/motd; ls -A /tmp")
    assert "mine" not in out


async def test_nothing_is_ever_mounted_on_the_host(engine: Engine) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    await engine.containers.run(request(*SLEEP))
    assert Path("/proc/self/mountinfo").read_text() == before


async def test_the_kernels_switches_are_out_of_reach(engine: Engine) -> None:
    _, err, _ = await run(engine, "sh", "-c", "echo x > /proc/sys/kernel/hostname; echo x > /sys/kernel/uevent_helper")
    assert err.count("Read-only file system") == 2
    assert await sh(engine, "cat /proc/timer_list /proc/keys; ls /sys/firmware") == ""


async def test_device_nodes_can_t_be_made_and_the_usual_ones_work(engine: Engine) -> None:
    _, _, status = await run(engine, "mknod", "/dev/disk", "b", "8", "0")
    assert status != 0
    assert await sh(engine, "echo gone > /dev/null; head -c 3 /dev/zero | wc -c; ls /dev/fd/0") == "3\n/dev/fd/0\n"


async def test_no_descriptor_of_ours_gets_in(engine: Engine) -> None:
    descriptor = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        container = await engine.containers.run(request(*SLEEP))
        ours = ["0", "1", "2"]
        for _ in range(50):  # the program's loader opens its libraries as 3, for a moment
            if (found := sorted(os.listdir(f"/proc/{container.pid}/fd"))) == ours:
                break
            await asyncio.sleep(0.1)
        assert found == ours
    finally:
        os.close(descriptor)


async def test_root_has_few_capabilities_and_others_none(engine: Engine) -> None:
    caps = "grep CapEff /proc/self/status"
    assert (await sh(engine, caps)).split()[
        1
    ] == "00000000800425fb"  # CAP_AUDIT_WRITE is worth nothing in a user namespace
    assert (await sh(engine, caps, userns="host")).split()[1] == "00000000a00425fb"
    assert (await sh(engine, "grep CapEff /proc/self/status; id -u", user="nobody")).split()[1:] == ["0" * 16, "65534"]


async def test_environment_folder_and_user_are_as_asked_for(engine: Engine) -> None:
    script = "echo $GREETING $HOME; pwd; id -u; id -g; umask"
    out = await sh(engine, script, env=("GREETING=hi",), working_dir="/tmp", user="12:34")
    assert out == "hi /\n/tmp\n12\n34\n0022\n"


async def test_an_exec_s_working_directory_is_absolute(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    with pytest.raises(InvalidRequest, match="'tmp' is not absolute"):
        await engine.containers.exec(container.id, ExecRequest(argv=("true",), working_dir="tmp"))


# Networks


async def test_on_the_bridge_it_has_an_address_and_reaches_its_neighbour(engine: Engine) -> None:
    neighbour = await engine.containers.run(request(*SLEEP, network="bridge"))
    assert neighbour.endpoint is not None
    address = neighbour.endpoint.address.partition("/")[0]
    out = await sh(
        engine, f"ip -br addr show eth0; ping -c1 -W2 {address} | grep -c ' 0% packet loss'", network="bridge"
    )
    assert "10.89." in out and out.endswith("1\n")


async def test_without_a_network_it_has_only_loopback(engine: Engine) -> None:
    assert (
        await sh(engine, "ls /sys/class/net; cat /sys/class/net/lo/operstate; ping -c1 -W1 127.0.0.1 >/dev/null")
        == "lo\nunknown\n"
    )


async def test_on_the_hosts_network_it_sees_the_hosts_interfaces(engine: Engine) -> None:
    assert set((await sh(engine, "ls /sys/class/net", network="host")).split()) >= {"lo"}
    assert await sh(engine, "readlink /proc/self/ns/net", network="host") == os.readlink("/proc/self/ns/net") + "\n"


# User and time namespaces


async def test_in_a_user_namespace_root_is_nobody_on_the_host(engine: Engine) -> None:
    container = await engine.containers.run(request("sh", "-c", "touch /mine; sleep 1000", userns="auto"))
    assert os.stat(f"/proc/{container.pid}").st_uid >= 1_000_000_000
    wait = "until [ -e /mine ]; do sleep 0.01; done"
    script = f"{wait}; id -u; stat -c %u /mine /bin/sh; touch /usr/new && stat -c %u /usr/new"
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    assert await output(session) == ("0\n0\n0\n0\n", "", 0)
    upper = engine.paths.upper(container.id)
    assert (upper / "usr/new").stat().st_uid == os.stat(f"/proc/{container.pid}").st_uid


async def test_two_user_namespaces_share_no_id(engine: Engine) -> None:
    one = await engine.containers.run(request(*SLEEP, userns="auto"))
    two = await engine.containers.run(request(*SLEEP, userns="auto"))
    assert abs(os.stat(f"/proc/{one.pid}").st_uid - os.stat(f"/proc/{two.pid}").st_uid) >= 65_536


async def test_a_time_namespace_has_a_clock_of_its_own(engine: Engine) -> None:
    out = await sh(engine, "cut -d. -f1 /proc/uptime", time_namespace=True, boot_offset_seconds=10_000_000)
    assert int(out) > 10_000_000


# Limits


async def test_more_memory_than_the_limit_is_an_oom_kill(engine: Engine) -> None:
    container = await engine.containers.run(request("tail", "/dev/zero", limits=Limits(memory_bytes=16 << 20)))
    assert await engine.containers.wait(container.id) == 137
    assert (await engine.containers.get(container.id)).oom_killed


async def test_no_more_processes_than_the_limit(engine: Engine) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait"
    _, err, _ = await run(engine, "sh", "-c", script, limits=Limits(pids=4))
    assert "fork" in err.lower()


# Streams


async def test_both_streams_arrive_whole_with_the_exit_status(engine: Engine) -> None:
    assert await run(engine, "sh", "-c", "echo out; echo err >&2; exit 42") == ("out\n", "err\n", 42)


async def test_no_last_line_is_lost(engine: Engine) -> None:
    for _ in range(5):
        out, _, _ = await run(engine, "sh", "-c", "seq 1 5000; printf end")
        assert out.endswith("5000\nend")


async def test_input_reaches_the_process_and_ends(engine: Engine) -> None:
    session = await engine.containers.run_attached(request("wc", "-c", interactive=True, auto_remove=True))

    async def feed() -> None:
        for _ in range(40):
            await session.write(b"x" * 50_000)
        await session.close_stdin()

    feeding = asyncio.create_task(feed())
    assert await output(session) == ("2000000\n", "", 0)
    await feeding


async def test_a_terminal_has_a_name_a_size_and_one_stream(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    wanted = ExecRequest(argv=("sh", "-c", "tty; stty size; echo err >&2"), tty=True, rows=33, columns=99)
    out, err, status = await output(await engine.containers.exec(container.id, wanted))
    assert (out, err, status) == ("/dev/pts/0\r\n33 99\r\nerr\r\n", "", 0)


async def test_a_terminal_follows_its_viewers_size(engine: Engine) -> None:
    session = await engine.containers.run_attached(request("sh", tty=True, interactive=True, auto_remove=True))
    await session.resize(50, 150)
    await session.write(b"stty size; exit\n")
    out, _, _ = await output(session)
    assert "50 150" in out


async def test_a_slow_viewer_loses_nothing(engine: Engine) -> None:
    session = await engine.containers.run_attached(request("seq", "1", "300000", auto_remove=True))
    await asyncio.sleep(0.3)
    out, _, _ = await output(session)
    assert out.splitlines()[-1] == "300000" and len(out.splitlines()) == 300_000


async def test_several_viewers_see_the_same(engine: Engine) -> None:
    container = await engine.containers.run(request("sh", "-c", "read x; echo got $x", interactive=True))
    sessions = [await engine.containers.attach(container.id) for _ in range(3)]
    await sessions[0].write(b"it\n")
    assert [await output(session) for session in sessions] == [("got it\n", "", 0)] * 3


async def test_who_comes_later_sees_what_a_terminal_shows_already(engine: Engine) -> None:
    script = "printf 'your name? '; read x; echo hello $x"
    container = await engine.containers.run(request("sh", "-c", script, tty=True, interactive=True))
    for _ in range(100):
        first = await engine.containers.attach(container.id, past=True)
        if first.past:
            break
        await first.close()
        await asyncio.sleep(0.05)
    second, third = [await engine.containers.attach(container.id, past=past) for past in (True, False)]
    assert [each.past for each in (first, second, third)] == [b"your name? ", b"your name? ", b""]
    await second.write(b"me\n")
    assert [await output(each) for each in (first, second, third)] == [("me\r\nhello me\r\n", "", 0)] * 3


async def test_logs_can_be_read_followed_and_cut(engine: Engine) -> None:
    container = await engine.containers.run(request("sh", "-c", "echo one; echo two >&2; sleep 0.3; echo three"))
    followed = [(line.stream, line.data) async for line in engine.containers.logs(container.id, follow=True)]
    assert sorted(followed) == [("stderr", b"two"), ("stdout", b"one"), ("stdout", b"three")]
    assert [line.data async for line in engine.containers.logs(container.id, tail=1)] == [b"three"]


# Exec


async def test_exec_enters_every_namespace_and_the_cgroup(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    script = "readlink /proc/1/ns/* | sort; cat /proc/self/cgroup"
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    out, _, status = await output(session)
    expected = sorted(os.readlink(f"/proc/{container.pid}/ns/{n}") for n in os.listdir(f"/proc/{container.pid}/ns"))
    assert status == 0 and [line for line in out.split() if "[" in line] == expected
    assert all(line.endswith(":/") for line in out.split() if "[" not in line)


async def test_exec_gives_the_processes_own_exit_status(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    for script, status in (("exit 3", 3), ("kill -9 $$", 137)):
        session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
        assert (await output(session))[2] == status


async def test_exec_doesn_t_wait_for_background_children(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", "sleep 1000 & echo done")))
    assert await asyncio.wait_for(output(session), 5) == ("done\n", "", 0)


async def test_exec_as_another_user_of_the_containers(engine: Engine) -> None:
    container = await engine.containers.run(
        request("sh", "-c", "echo anna:x:77:88::/home/anna:/bin/sh >> /etc/passwd; sleep 99")
    )
    await asyncio.sleep(0.2)
    session = await engine.containers.exec(
        container.id, ExecRequest(argv=("sh", "-c", "id -u; id -g; echo $HOME"), user="anna")
    )
    assert await output(session) == ("77\n88\n/home/anna\n", "", 0)


async def test_a_shell_whose_pane_closes_is_hung_up(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh",), tty=True, interactive=True))
    await session.write(b"echo ready\n")
    while b"ready" not in ((await session.read()) or pytest.fail("no prompt")).data:
        pass
    await session.close()
    for _ in range(50):
        look = await engine.containers.exec(container.id, ExecRequest(argv=("ps", "-e")))
        if (await output(look))[0].count("pts/") == 0:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the shell still runs")


# Life


async def test_a_container_can_be_stopped_started_and_removed(engine: Engine) -> None:
    script = "trap 'exit 5' TERM; touch /kept; while :; do sleep 0.05; done"
    container = await engine.containers.run(request("sh", "-c", script, name="worker"))
    assert (container.state, container.name) == (State.RUNNING, "worker")
    await asyncio.sleep(0.1)
    stopped = await engine.containers.stop("worker")
    assert (stopped.state, stopped.exit_status) == (State.EXITED, 5)
    again = await engine.containers.start("worker")
    assert again.is_running and again.pid != container.pid
    session = await engine.containers.exec("worker", ExecRequest(argv=("ls", "/kept")))
    assert (await output(session))[2] == 0
    await engine.containers.kill("worker")
    await engine.containers.remove("worker")
    assert await traces(engine) == []


async def test_a_process_that_ignores_the_stop_signal_is_killed(engine: Engine) -> None:
    container = await engine.containers.run(request("sh", "-c", "trap '' TERM; sleep 1000"))
    assert (await engine.containers.stop(container.id, timeout_seconds=0.3)).exit_status == 137


async def test_restart_gives_a_new_process_with_the_same_address(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP, network="bridge"))
    again = await engine.containers.restart(container.id, timeout_seconds=0.1)
    assert again.restarts == 1 and again.pid != container.pid and again.endpoint == container.endpoint


async def test_a_running_container_isn_t_removed_unasked(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    with pytest.raises(Conflict, match="is running"):
        await engine.containers.remove(container.id)
    await engine.containers.remove(container.id, force=True)
    assert await traces(engine) == []


async def test_one_whose_folders_are_too_deep_for_any_path_is_removed(engine: Engine) -> None:
    container = await engine.containers.create(ContainerRequest(image="base", command=("true",)))
    folder = os.open(engine.paths.upper(container.id), os.O_RDONLY)
    for _ in range(2_500):
        os.mkdir("deep", dir_fd=folder)
        deeper = os.open("deep", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    await engine.containers.remove(container.id)
    assert not engine.paths.container(container.id).exists()


async def test_one_that_somebody_starts_while_it_is_removed_runs_on_or_is_ended(engine: Engine) -> None:
    for force in (False, True):
        made = await engine.containers.create(ContainerRequest(image="base", command=("sleep", "1000")))
        started, removed = await asyncio.gather(
            engine.containers.start(made.id), engine.containers.remove(made.id, force=force), return_exceptions=True
        )
        assert isinstance(started, Container) and started.pid is not None
        assert Path(f"/proc/{started.pid}").exists() is not force
        assert isinstance(removed, Conflict) is not force
        assert [each.id for each in await engine.containers.list(all_states=True)] == ([] if force else [made.id])
        if not force:
            await engine.containers.remove(made.id, force=True)


async def test_one_that_asked_for_it_is_removed_at_its_end(engine: Engine) -> None:
    container = await engine.containers.run(request("true", auto_remove=True))
    for _ in range(100):
        if container.id not in [c.id for c in await engine.containers.list(all_states=True)]:
            break
        await asyncio.sleep(0.02)
    assert await traces(engine) == []


async def test_it_is_found_by_name_id_and_unique_prefix(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP, name="findme"))
    for reference in ("findme", container.id, container.id[:7]):
        assert (await engine.containers.get(reference)).id == container.id
    with pytest.raises(NotFound, match="there is no container 'nobody'"):
        await engine.containers.get("nobody")


async def test_every_step_is_an_event(engine: Engine) -> None:
    revision = engine.database.latest_revision()
    container = await engine.containers.run(request("sh", "-c", "exit 3"))
    await engine.containers.wait(container.id)
    await engine.containers.remove(container.id, force=True)
    events = [(event.action, event.detail) for event in engine.database.events_after(revision)]
    assert events == [("create", ""), ("start", ""), ("die", "3"), ("destroy", "")]


# Two engines


async def test_another_engine_sees_and_ends_what_this_one_started(engine: Engine) -> None:
    container = await engine.containers.run(request(*SLEEP))
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        assert [c.id for c in await other.containers.list()] == [container.id]
        await other.containers.stop(container.id, timeout_seconds=0.1)
    assert (await engine.containers.get(container.id)).state is State.EXITED


async def test_events_of_another_engine_arrive(engine: Engine) -> None:
    events = engine.events()
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)
    async with Engine.open(str(engine.paths.root), str(engine.paths.runroot)) as other:
        await other.containers.create(request(*SLEEP, name="fromafar"))
    event = await asyncio.wait_for(first, 5)
    assert (event.action, event.name) == ("create", "fromafar")
    await events.aclose()


async def test_ten_starts_at_once_get_ten_addresses(engine: Engine) -> None:
    started = await asyncio.gather(*(engine.containers.run(request(*SLEEP, network="bridge")) for _ in range(10)))
    assert len({c.endpoint.address for c in started if c.endpoint}) == 10


# What can't be


async def test_a_name_can_be_used_once(engine: Engine) -> None:
    await engine.containers.create(request(*SLEEP, name="single"))
    with pytest.raises(Conflict, match="the name 'single' is in use"):
        await engine.containers.create(request(*SLEEP, name="single"))


@pytest.mark.parametrize(
    ("command", "error"),
    [("nosuchcommand", CommandNotFound), ("/etc/passwd", CommandNotExecutable), ("/etc", CommandNotExecutable)],
)
async def test_a_command_that_can_t_be_run_leaves_nothing(engine: Engine, command: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await engine.containers.run(request(command))
    assert await engine.containers.list(all_states=True) == () and await traces(engine) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "no/slash"}, "can't be a container's name"),
        ({"hostname": "under_score"}, "can't be a host name"),
        ({"user": "nobodyatall"}, "nobodyatall"),
        ({"working_dir": "relative"}, "not absolute"),
        ({"limits": Limits(memory_bytes=1)}, "memory limit is too small"),
    ],
)
async def test_a_bad_request_leaves_nothing(engine: Engine, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        await engine.containers.run(request(*SLEEP, **options))
    assert await engine.containers.list(all_states=True) == () and await traces(engine) == []


async def test_an_image_that_doesn_t_exist_is_named(engine: Engine) -> None:
    with pytest.raises(NotFound, match="nosuchimage"):
        await engine.containers.run(ContainerRequest(image="nosuchimage"))


@pytest.mark.parametrize("attach", [False, True])
async def test_one_that_is_removed_while_somebody_waits_to_start_it_is_not_there(engine: Engine, attach: bool) -> None:
    container = await engine.containers.create(request(*SLEEP, network="bridge"))
    start = engine.containers.start_attached if attach else engine.containers.start
    async with ContainerLock(engine.paths, container.id).held():
        starting = asyncio.ensure_future(start(container.id))
        await asyncio.sleep(0.1)
        await engine.containers._removal.delete_locked(container.id)
    with pytest.raises(NotFound, match="just been removed"):
        await starting
    assert await traces(engine) == []
