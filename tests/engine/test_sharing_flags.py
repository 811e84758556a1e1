"""Ids, mounts and namespaces, by every option of ``boxdeck run``, seen from inside and from the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine import Engine
from engine.errors import BoxdeckError
from engine.model import ExecRequest
from tests.engine.flags import enter, inside, request, start
from tests.engine.traces import traces

pytestmark = pytest.mark.vm


# Ids


async def test_by_default_root_is_nobody_on_the_host_and_no_two_have_ids_in_common(engine: Engine) -> None:
    one, other = [await start(engine) for _ in range(2)]
    roots = [os.stat(f"/proc/{container.pid}").st_uid for container in (one, other)]
    assert min(roots) > 65_536 and abs(roots[0] - roots[1]) >= 65_536
    assert [c.isolation.root_uid if c.isolation else None for c in (one, other)] == roots
    inside_, outside, length = (await enter(engine, one, "id -u; cat /proc/self/uid_map"))[1].split()
    assert (inside_, int(outside), length) == ("0", roots[0], "65536")


async def test_on_request_it_has_the_hosts_ids(engine: Engine) -> None:
    assert (await inside(engine, "--userns", "host", script="cat /proc/self/uid_map"))[0].split() == [
        "0",
        "0",
        "4294967295",
    ]


async def test_a_mapping_is_taken_as_it_is(engine: Engine) -> None:
    lines = await inside(engine, "--userns", "0:200000:1000,1000:1000:1", script="cat /proc/self/uid_map")
    assert [line.split() for line in lines] == [["0", "200000", "1000"], ["1000", "1000", "1"]]


async def test_who_keeps_an_id_is_the_same_inside(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    folder = tmp_path / "mine"
    folder.mkdir()
    os.chown(folder, 1234, 1235)
    script = "id -u; id -g; touch /data/new; stat -c %u /data/new"
    assert await inside(engine, "--userns", "keep-id", "-v", f"{folder}:/data", script=script) == [
        "1234",
        "1235",
        "1234",
    ]
    assert (folder / "new").stat().st_uid == 1234


async def test_the_image_s_files_belong_to_whom_they_should(engine: Engine) -> None:
    script = "stat -c %u:%g / /etc/passwd /bin /etc/hosts; chown 7:8 /etc/passwd && stat -c %u:%g /etc/passwd"
    assert await inside(engine, script=script) == ["0:0"] * 4 + ["7:8"]


async def test_every_user_can_write_to_its_standard_output_again(engine: Engine) -> None:
    for user in ("0", "1000"):
        assert await inside(engine, "-u", user, script="echo heard > /dev/stdout; echo heard > /dev/stderr") == [
            "heard"
        ]


# Bind mounts


async def test_files_in_a_bind_mount_keep_their_owner(engine: Engine, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "theirs").write_text("x")
    os.chown(shared / "theirs", 1000, 1001)
    script = "stat -c %u:%g /data /data/theirs; touch /data/roots; chown 5:6 /data/theirs; cat /data/theirs"
    assert await inside(engine, "-v", f"{shared}:/data", script=script) == ["0:0", "1000:1001", "x"]
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in shared.iterdir()}
    assert owners == {"theirs": (5, 6), "roots": (0, 0)}


async def test_mounts_in_other_words(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    bind = f"type=bind,source={tmp_path},target=/srv,readonly"
    script = (
        "cat /srv/file; touch /srv/x 2>/dev/null || echo refused; df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f2"
    )
    lines = await inside(engine, "--mount", bind, "--mount", "type=tmpfs,target=/scratch,tmpfs-size=2m", script=script)
    assert lines == ["textrefused", "2048"]


async def test_one_mount_may_be_inside_another_whatever_their_order(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "inner").write_text("inner")
    options = ("-v", f"{tmp_path}/inner:/srv/a/inner", "--tmpfs", "/srv")
    assert await inside(engine, *options, script="cat /srv/a/inner") == ["inner"]


async def test_without_shared_memory(engine: Engine) -> None:
    assert await inside(engine, "--ipc", "none", script="[ -e /dev/shm ] || echo none") == ["none"]


# Namespaces of others


async def test_the_network_of_another_container(engine: Engine) -> None:
    neighbour = await start(engine, "--name", "neighbour")
    script = "readlink /proc/self/ns/net /proc/self/ns/user; hostname; cat /etc/hosts; ls /sys/class/net"
    assert await inside(engine, "--network", "container:neighbour", script=script) == await enter(
        engine, neighbour, script
    )


async def test_the_processes_of_another_container(engine: Engine) -> None:
    neighbour = await start(engine, "--name", "neighbour")
    option = ("--pid", "container:neighbour")
    assert await inside(engine, *option, script="tr '\\0' ' ' < /proc/1/cmdline") == ["sleep 1000 "]
    guest = await start(engine, *option)
    assert len([line for line in await enter(engine, neighbour, "ps -eo args") if line == "sleep 1000"]) == 2
    await engine.containers.remove(guest.id, force=True)
    assert len([line for line in await enter(engine, neighbour, "ps -eo args") if line == "sleep 1000"]) == 1


async def test_the_memory_that_another_container_shares(engine: Engine) -> None:
    neighbour = await start(engine, "--name", "neighbour", "--ipc", "shareable")
    await enter(engine, neighbour, "echo word > /dev/shm/word")
    script = "cat /dev/shm/word; echo answer > /dev/shm/answer"
    assert await inside(engine, "--ipc", "container:neighbour", script=script) == ["word"]
    assert await enter(engine, neighbour, "cat /dev/shm/answer") == ["answer"]


async def test_who_joins_containers_of_different_ids_is_refused(engine: Engine) -> None:
    await start(engine, "--name", "one")
    await start(engine, "--name", "other")
    with pytest.raises(BoxdeckError, match="different user namespaces can't be joined at once"):
        await inside(engine, "--network", "container:one", "--pid", "container:other", script="true")


async def test_who_has_ended_can_t_be_joined(engine: Engine) -> None:
    await engine.containers.create(request("--name", "asleep", "base", "true"))
    with pytest.raises(BoxdeckError, match="asleep, whose namespaces are to be joined, is not running"):
        await inside(engine, "--network", "container:asleep", script="true")


async def test_who_joins_one_without_a_user_namespace_has_none_either(engine: Engine) -> None:
    await start(engine, "--name", "plain", "--userns", "host")
    guest = await start(engine, "--network", "container:plain")
    assert guest.warnings == ("a user namespace is given up: the container that it joins has none",)
    assert (await enter(engine, guest, "cat /proc/self/uid_map"))[0].split() == ["0", "0", "4294967295"]


# Namespaces of the host


@pytest.mark.parametrize("option", ["network", "pid", "ipc", "uts", "cgroupns"])
@pytest.mark.parametrize("userns", ["auto", "host"])
async def test_a_namespace_of_the_hosts(engine: Engine, option: str, userns: str) -> None:
    entry = {"network": "net", "cgroupns": "cgroup"}.get(option, option)
    guest = await start(engine, "--userns", userns, f"--{option}", "host")
    script = f"readlink /proc/self/ns/{entry}; ls /proc/self/fd >/dev/null && ls /sys/class >/dev/null && echo fine"
    assert await enter(engine, guest, script) == [os.readlink(f"/proc/self/ns/{entry}"), "fine"]
    gives_up = userns == "auto" and option in ("network", "pid", "ipc")
    assert [f"--{option} host: root inside is nobody outside" in text for text in guest.warnings] == [True] * gives_up


# Exec


@pytest.mark.parametrize("tty", [False, True])
async def test_a_detached_exec_goes_on_when_nobody_listens_any_more(engine: Engine, tty: bool) -> None:
    container = await start(engine)
    script = "echo begun; seq 100000; echo over > /over; sleep 1000"
    wanted = ExecRequest(argv=("sh", "-c", script), detached=True, tty=tty)
    await (await engine.containers.exec(container.id, wanted)).close()
    assert await enter(engine, container, "while [ ! -s /over ]; do sleep 0.02; done; cat /over") == ["over"]
    await engine.containers.remove(container.id, force=True)
    assert await traces(engine) == []
