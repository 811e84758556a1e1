"""What can be done to a container and what it has: each by one of three names, and everything else by chance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from engine import Engine
from engine.copying.places import ContainerPath, HostPath
from engine.layers import Commit
from engine.model import ContainerRequest, ExecRequest, Limits, NetworkRequest, PublishedPort
from engine.options import VolumeMount
from engine.pruning import PruneFilter
from engine.restart_policy import RestartPolicy

NAMES = ("one", "two", "three")
_PROGRAM = ("sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done")
_WAIT_SECONDS = 0.5
_NETWORK, _VOLUME, _IMAGE = "net", "data", "made:here"
_PORT = PublishedPort(container_port=80, host_address="127.0.0.1", is_chosen=True)

Act = Callable[[Engine, str, random.Random], Awaitable[None]]


async def _create(engine: Engine, name: str, chance: random.Random) -> None:
    request = ContainerRequest(
        image="base",
        command=_PROGRAM,
        name=name,
        network=chance.choice(("bridge", "none", _NETWORK)),
        volumes=(VolumeMount(name=_VOLUME, destination="/data"),) if chance.random() < 0.3 else (),
        ports=(_PORT,) if chance.random() < 0.3 else (),
    )
    await engine.containers.create(request)


async def _start(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.start(name)


async def _stop(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.stop(name, timeout_seconds=1)


async def _restart(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.restart(name, timeout_seconds=1)


async def _kill(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.kill(name, chance.choice(("TERM", "KILL", "USR1")))


async def _pause(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.pause(name)


async def _unpause(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.unpause(name)


async def _rename(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.rename(name, chance.choice(NAMES))


async def _update(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.update(name, Limits(pids=chance.randrange(20, 99)))


async def _set_policy(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.set_restart_policy(
        name, RestartPolicy(name=chance.choice(("no", "always", "unless-stopped")))
    )


async def _remove(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.remove(name, force=chance.random() < 0.5)


async def _enter(engine: Engine, name: str, chance: random.Random) -> None:
    session = await engine.containers.exec(name, ExecRequest(argv=("true",)))
    await session.wait()
    await session.close()


async def _attach(engine: Engine, name: str, chance: random.Random) -> None:
    await (await engine.containers.attach(name)).close()


async def _read(engine: Engine, name: str, chance: random.Random) -> None:
    async for _ in engine.containers.logs(name, tail=3):
        continue


async def _list(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.list(all_states=True)


async def _wait(engine: Engine, name: str, chance: random.Random) -> None:
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await engine.containers.wait(name)
    except TimeoutError:  # it runs on
        return


async def _copy_in(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.files.copy(HostPath(path="/etc/hostname"), ContainerPath(container=name, path="/tmp"))


async def _commit(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.layers.commit(name, Commit(name=_IMAGE, pause=chance.random() < 0.5))


async def _remove_image(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.images.remove(_IMAGE)


async def _make_network(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.networks.create(NetworkRequest(name=_NETWORK))


async def _remove_network(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.networks.remove(_NETWORK)


async def _connect(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.networks.connect(chance.choice((_NETWORK, "bridge")), name)


async def _disconnect(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.networks.disconnect(chance.choice((_NETWORK, "bridge")), name)


async def _publish(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.ports.add(name, (_PORT,))


async def _withdraw(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.ports.remove(name, await engine.containers.ports.list(name))


async def _make_volume(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.volumes.create(_VOLUME)


async def _remove_volume(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.volumes.remove(_VOLUME)


async def _prune(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.prune(PruneFilter())
    await engine.networks.prune()
    await engine.volumes.prune(PruneFilter(), named=True)


async def _check(engine: Engine, name: str, chance: random.Random) -> None:
    async for _ in engine.check(repairs=chance.random() < 0.5):
        continue


async def _look_at_one(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.containers.top(name)
    await engine.containers.limits(name)
    await engine.containers.disk_bytes(name)
    await engine.containers.history(name)


async def _look_at_all(engine: Engine, name: str, chance: random.Random) -> None:
    await engine.sample_once()
    await engine.topology()
    await engine.namespace_tree()
    await engine.cgroup_tree()
    await engine.disk_use()


_LIFE: tuple[Act, ...] = (
    _create, _create, _create, _start, _start, _start, _stop, _restart, _kill, _pause, _unpause, _rename, _update,
    _set_policy, _remove, _enter, _attach, _read, _list, _wait,
)  # fmt: skip
_BELONGINGS: tuple[Act, ...] = (
    _copy_in, _commit, _remove_image, _make_network, _make_network, _remove_network, _connect, _disconnect, _publish,
    _withdraw, _make_volume, _remove_volume, _prune, _check, _look_at_one, _look_at_all,
)  # fmt: skip
ACTS = (*_LIFE, *_BELONGINGS)
"""Each may be chosen; what makes something more often than what takes it away."""
