"""What is done to a container is recorded, whichever process does it, and can be looked at when that has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine
from engine.copying.places import ContainerPath, HostPath
from engine.errors import InvalidRequest, NotFound
from engine.layers import Commit
from engine.limits import Limits
from engine.linux import trace
from engine.model import ContainerRequest, ExecRequest, NetworkRequest
from engine.network.port_notation import published
from engine.paths import Paths
from engine.xray import parts, reading
from engine.xray.actions import KEPT_OF_EACH, made, recorded

pytestmark = pytest.mark.vm


async def test_every_action_is_recorded_and_outlives_the_container(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOXDECK_XRAY", "1")  # for the launcher, which starts with the container
    container = await engine.containers.run(ContainerRequest(image="base", name="seen", command=("sleep", "1000")))
    beside = await engine.networks.create(NetworkRequest(name="beside"))
    for _ in range(KEPT_OF_EACH + 1):
        session = await engine.containers.exec("seen", ExecRequest(argv=("true",)))
        assert await session.wait() == 0
    await engine.containers.update("seen", Limits(memory_bytes=128 << 20))
    for _ in range(KEPT_OF_EACH):
        with pytest.raises(InvalidRequest):
            await engine.containers.update("seen", Limits(memory_bytes=1))  # takes the place of none that was made
    await engine.containers.pause("seen")
    await engine.containers.unpause("seen")
    await engine.networks.connect("beside", "seen")
    await engine.networks.disconnect("beside", "seen")
    await engine.containers.ports.add("seen", published("80"))
    await engine.containers.kill("seen")
    await engine.containers.remove("seen")
    await engine.networks.remove(beside.id)

    for action, process, expected in (
        ("start", "maker", "CLONE_NEWUSER"),
        ("start", "init", "pivot_root"),
        ("start", "launcher", "clone3"),
        ("exec", "shim", "[pidfd]>, CLONE_NEWPID)"),
        ("exec", "exec", 'execve("/'),
        ("update", "engine", '"134217728"'),
        ("pause", "engine", '/freezer.state>, "FROZEN"|/cgroup.freeze>, "1"'),
        ("connect", "engine", "kind veth"),
        ("disconnect", "engine", "RTM_DELLINK"),
        ("publish", "engine", ". 80 }"),
        ("kill", "shim", "SIGKILL"),
        ("kill", "shim", "rmdir"),
    ):
        xray = await engine.xrays.read("seen", action)
        text = "\n".join(call.text for call in xray.calls if call.process == process)
        assert (xray.name, xray.subject, xray.error) == ("seen", container.id, "")
        assert any(word in text for word in expected.split("|")), (action, text)
    listed = [recording.action for recording in await engine.xrays.list(container.id[:12])]
    assert listed.count("exec") == KEPT_OF_EACH
    with pytest.raises(NotFound, match="no stop of seen has been recorded"):
        await engine.xrays.read("seen", "stop")


async def test_networks_volumes_and_images_have_theirs_and_what_is_done_to_a_container_s_files(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.images.remove("base")  # other tests play a machine that has just started, which has no recordings
    image = await engine.images.ensure("base")
    container = await engine.containers.create(ContainerRequest(image="base", name="seen", network="none"))
    network = await engine.networks.create(NetworkRequest(name="seen-too"))
    await engine.volumes.create("kept")
    (tmp_path / "file").write_text("some")
    await engine.files.copy(HostPath(str(tmp_path / "file")), ContainerPath("seen", "/file"))
    committed = await engine.layers.commit("seen", Commit(name="seen:2"))
    await engine.containers.rename("seen", "renamed")

    for reference, kind, action, expected in (
        ("seen-too", "", "create", f"name {network.bridge}, address"),
        ("seen-too", "", "create", "kind bridge, NLM_F_CREATE"),
        ("seen-too", "", "create", "add element"),
        ("seen-too", "", "create", '/accept_ra>, "0"'),
        ("kept", "volume", "create", 'kept/_data", 0755) = 0'),
        ("base", "image", "assemble", "resolve=RESOLVE_IN_ROOT}) = 0, "),
        (image.id, "", "assemble", "syncfs("),
        ("renamed", "container", "cp", "CLONE_NEWNS"),
        ("renamed", "container", "commit", "openat(folder, name, O_WRONLY|O_CREAT|O_EXCL"),
        (committed.id, "", "commit", f"layers/sha256/{committed.layers[-1].partition(':')[2]}"),
    ):
        text = "\n".join(call.text for call in (await engine.xrays.read(reference, action, kind)).calls)
        assert expected in text, (reference, action, text)
    assert (await engine.xrays.read("renamed", "rename")).calls == ()

    await engine.networks.remove("seen-too")
    await engine.volumes.remove("kept")
    await engine.images.remove("seen:2")
    await engine.containers.remove("renamed")
    for reference, expected in (
        ("seen-too", "RTM_DELLINK"),
        ("kept", "and all below it) = 0, "),
        (committed.id, "unlinkat("),
        (container.id, "unlinkat("),
    ):
        text = "\n".join(call.text for call in (await engine.xrays.read(reference, "rm")).calls)
        assert expected in text, (reference, text)
    with pytest.raises(NotFound, match="there is no container, network, volume, image 'nobody'"):
        await engine.xrays.read("nobody")


def test_calls_that_are_alike_are_counted_once_they_are_many(tmp_path: Path) -> None:
    paths = Paths.resolve(str(tmp_path / "root"), str(tmp_path / "run"))
    with recorded(paths, "cp", "c1", "web"):
        for number in range(1000):
            trace.note(trace.now(), "openat2" if number % 2 else "chdir", (str(number),))
        trace.note(trace.now(), "mount", ("a", "b", "c", 0, ""))
    names = [call.name for call in reading.read(made[-1]).calls]
    assert names.count("openat2") == names.count("chdir") == 41
    assert names.count("mount") == 1
    assert reading.read(made[-1]).calls[-2].text.endswith("= 0, 460 times")


def test_a_buffer_is_told_by_what_is_asked_for(tmp_path: Path) -> None:
    paths = Paths.resolve(str(tmp_path / "root"), str(tmp_path / "run"))
    with recorded(paths, "exec-like", "c1", "web"):
        trace.note(trace.now(), "fstatfs", (19, "c_char_Array_256"))
    assert [call.text for call in reading.read(made[-1]).calls] == ["fstatfs(19, {f_type}) = 0"]


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = parts.encode(parts.Part("maker", 7, [(1, 2, "chdir", ("/",), 0, "")]))
    assert [part.process for part in parts.decode(whole + whole[:-3]) if isinstance(part, parts.Part)] == ["maker"]
