"""What is done to a container is recorded, whichever process does it, and can be looked at when that has gone."""

from __future__ import annotations

import pytest

from engine import Engine
from engine.errors import NotFound
from engine.limits import Limits
from engine.model import ContainerRequest, ExecRequest, NetworkRequest
from engine.network.port_notation import published
from engine.xray import parts
from engine.xray.actions import KEPT_OF_EACH

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


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = parts.encode(parts.Part("maker", 7, [(1, 2, "chdir", ("/",), 0, "")]))
    assert [part.process for part in parts.decode(whole + whole[:-3]) if isinstance(part, parts.Part)] == ["maker"]
