"""Rounds of chaos: somebody is killed at a random moment, and then everything must be as it was acknowledged.

A round is known by a seed and its number, so that one can be played again alone. In each, the real command line does
something, one of those who are at it is killed with SIGKILL, and the next engine that opens is asked what there is.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine import Engine
from engine.errors import BoxdeckError
from engine.layers import Commit
from engine.model import Container, ContainerRequest, State
from tests.command_line import CommandLine
from tests.free_ports import free_port
from tests.registry import DockerRegistry

OPERATIONS = ("create", "start", "run", "exec", "stop", "rm", "pull", "commit")
VICTIMS = ("command", "launcher", "shim", "init", "everybody")
WITHOUT_A_SHIM = ("create", "pull", "commit")  # the command alone is at it
_TOKEN = "BOXDECK_CHAOS"
_PATIENCE_SECONDS = 10.0
_COMMAND_SECONDS = 30.0
_WRITER = "while :; do echo line; sleep 0.02; done"
_QUICKER = 0.8
_LAYER_BYTES = 8_000_000


@dataclass
class Round:
    """What happens in a round, and how it went.

    Attributes:
        share: when somebody is killed, as a share of what the operation takes undisturbed.
        found: the state of its container when the next engine came.
        exit_status: the command's; negative for the number of the signal that ended it.
        failures: what wasn't as it should be, in words.
    """

    number: int
    operation: str
    victim: str
    share: float
    restarts: bool
    killed: int = 0
    exit_status: int = 0
    found: str = "nothing"
    failures: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, number: int, operations: tuple[str, ...] = OPERATIONS) -> Round:
        """The round with a number, always the same for a seed."""
        chance = random.Random(f"{seed} {number}")
        operation = operations[number % len(operations)]
        victim = "command" if operation in WITHOUT_A_SHIM else chance.choice(VICTIMS)
        return cls(number, operation, victim, chance.uniform(0.3, 1.0), chance.random() < 0.2)

    @property
    def name(self) -> str:
        """Of its container or image."""
        return f"round{self.number}"

    def __str__(self) -> str:
        how = f"{self.victim} at {self.share:.2f}, {self.killed} killed, status {self.exit_status}, {self.found} found"
        return f"round {self.number}: {self.operation}, {how}: {'; '.join(self.failures) or 'well'}"


class Chaos:
    """A root with a bystander, on which rounds are played."""

    def __init__(self, boxdeck: CommandLine, registry: DockerRegistry | None) -> None:
        self._boxdeck = boxdeck
        self._registry = registry
        self._usual_seconds: dict[str, float] = {}
        self._bystander: Container | None = None
        self._tables = _elements(boxdeck)

    @property
    def operations(self) -> tuple[str, ...]:
        """What can be done on this machine."""
        return tuple(name for name in OPERATIONS if name != "pull" or self._registry is not None)

    # Before the rounds

    async def prepare(self) -> None:
        """Start the bystander, push an image, and see how long everything takes undisturbed."""
        async with self._opened() as engine:
            self._bystander = await engine.containers.run(
                ContainerRequest(image="base", command=("sh", "-c", _WRITER), name="bystander")
            )
            if self._registry is not None:
                await self._push(engine)
        for number, operation in enumerate(self.operations):
            quiet = Round(-1 - number, operation, "command", 0.0, False)
            await self._set_up(quiet)
            began = time.monotonic()
            self._boxdeck.ok(*self._words(quiet), timeout=_COMMAND_SECONDS)
            self._usual_seconds[operation] = time.monotonic() - began
            await self._clean_up(quiet)

    async def _push(self, engine: Engine) -> None:
        """An image with a layer that isn't one of base."""
        assert self._registry is not None
        made = await engine.containers.create(ContainerRequest(image="base", command=("true",)))
        (engine.paths.upper(made.id) / "random").write_bytes(os.urandom(_LAYER_BYTES))
        reference = self._registry.reference("chaos:latest")
        await engine.layers.commit(made.id, Commit(name=reference))
        await engine.images.push(reference)
        await engine.containers.remove(made.id)
        await engine.images.remove(reference)

    # A round

    async def play(self, it: Round) -> Round:
        """Play a round and look at everything afterwards."""
        token = f"{self._boxdeck.paths.tag or 'root'}-{it.number}"
        before = await self._set_up(it, token)
        command = self._boxdeck.start(*self._words(it), env={**os.environ, _TOKEN: token})
        await asyncio.sleep(it.share * self._usual_seconds[it.operation])
        if command.poll() is not None:  # the machine isn't as busy any more as when that was measured
            self._usual_seconds[it.operation] *= _QUICKER
        it.killed = self._kill(it, command, token, before)
        try:
            out, err = command.communicate(timeout=_COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            holders = ", ".join(f"{pid} {_name(pid)} ({_errand(pid)})" for pid in (command.pid, *_with_token(token)))
            it.failures.append(f"the command never ended, or somebody holds its output: {holders}")
            for pid in (command.pid, *_with_token(token)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            out, err = command.communicate()
        it.exit_status = command.returncode
        if b"Traceback" in err:
            it.failures.append(f"a traceback: {err.decode()[-300:]}")
        try:
            await self._examine(it, before, out.decode(errors="replace"))
            await self._clean_up(it)
        except BoxdeckError as error:  # of an engine that doesn't even open
            it.failures.append(f"the next engine: {error}")
            await self._clean_up(it)
        self._look_for_leftovers(it, token)
        return it

    async def _set_up(self, it: Round, token: str = "") -> Container | None:
        """What the operation is done to, as it is before."""
        if it.operation in ("pull", "create", "run"):
            return None
        options = ["--restart", "always"] if it.restarts else []
        if it.operation == "start" or it.number % 2:
            options += ["-p", f"127.0.0.1:{free_port()}:80"]
        verb = ("create",) if it.operation == "start" else ("run", "-d")
        words = (*verb, "--name", it.name, *options, "base", "sh", "-c", f"trap 'exit 0' TERM; {_WRITER}")
        made = self._boxdeck.start(*words, env={**os.environ, _TOKEN: token})
        _, err = made.communicate(timeout=_COMMAND_SECONDS)
        assert made.returncode == 0, err.decode()
        async with self._opened() as engine:
            found = await engine.containers.get(it.name)
            if it.operation == "commit":
                (engine.paths.upper(found.id) / "written").write_bytes(os.urandom(_LAYER_BYTES))
            return found

    def _words(self, it: Round) -> tuple[str, ...]:
        """The command that is disturbed."""
        ports = ("-p", f"127.0.0.1:{free_port()}:80")
        policy = ("--restart", "always") if it.restarts else ()
        return {
            "create": ("create", "--name", it.name, *ports, "-v", f"{it.name}:/data", "base", "sleep", "1000"),
            "start": ("start", it.name),
            "run": ("run", "-d", "--name", it.name, *ports, *policy, "-v", f"{it.name}:/data", "base", "sleep", "1000"),
            "exec": ("exec", it.name, "sh", "-c", "echo begun; sleep 0.1; echo done"),
            "stop": ("stop", "-t", "5", it.name),
            "rm": ("rm", "-f", it.name),
            "pull": ("pull", self._registry.reference("chaos:latest") if self._registry else ""),
            "commit": ("commit", it.name, f"committed:{it.name}"),
        }[it.operation]

    def _kill(self, it: Round, command: subprocess.Popen[bytes], token: str, before: Container | None) -> int:
        """Kill the victims, when there are any, before the command has ended; how many that was."""
        while command.poll() is None:
            victims = self._victims(it.victim, command.pid, token)
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if victims:
                _await_ends(victims)
                return len(victims)
            time.sleep(0.0005)
        return 0

    def _victims(self, victim: str, command: int, token: str) -> list[int]:
        """Processes of this round, by what they are."""
        if victim == "command":
            return [command]
        ours = [pid for pid in _with_token(token) if pid != command]
        names = {pid: _name(pid) for pid in ours}
        shims = [pid for pid in ours if names[pid] in ("boxdeck-shim", "boxdeck-maker")]
        if victim == "launcher":
            return [pid for pid in ours if names[pid] == "boxdeck-launch"]
        if victim == "shim":
            return shims
        inits = [child for shim in shims for child in _children(shim) if _name(child) != "boxdeck-maker"]
        return inits if victim == "init" else [command, *ours, *inits]

    # Afterwards

    async def _examine(self, it: Round, before: Container | None, out: str) -> None:
        """Ask the next engine."""
        async with self._opened() as engine:
            assert self._bystander is not None
            bystander = await engine.containers.get("bystander")
            if (bystander.state, bystander.pid) != (State.RUNNING, self._bystander.pid):
                it.failures.append(f"the bystander is {bystander.state.value}")
            containers = {each.name: each for each in await engine.containers.list(all_states=True)}
            it.found = containers[it.name].state.value if it.name in containers else it.found
            if set(containers) - {"bystander", it.name}:
                it.failures.append(f"unknown containers: {set(containers)}")
            it.failures += await self._broken_promises(engine, it, before, containers.get(it.name), out)
            garbage_is_fine = it.operation in ("pull", "commit") and it.exit_status != 0
            findings = [finding async for finding in engine.check(repairs=garbage_is_fine)]
            if garbage_is_fine:  # content that came before the kill is there for the next pull, or for a repair
                findings = [each for each in findings if each.kind != "image" or not each.is_mended]
                findings += [finding async for finding in engine.check()]
            it.failures += [finding.sentence for finding in findings]

    async def _broken_promises(
        self, engine: Engine, it: Round, before: Container | None, now: Container | None, out: str
    ) -> list[str]:
        """What was acknowledged, or was there before, and isn't."""
        found = _lost(it, before, now)
        if it.exit_status == 0:
            found += _unfulfilled(it, now, out)
        if it.operation in ("pull", "commit"):
            found += await self._broken_image(engine, self._words(it)[-1], it.exit_status == 0)
        if now is not None and not now.is_running and now.state is not State.RESTARTING:
            found += await self._broken_start(engine, now)
        return found

    async def _broken_image(self, engine: Engine, reference: str, is_done: bool) -> list[str]:
        """An image is there as a whole, or not at all."""
        try:
            await engine.images.get(reference)
        except BoxdeckError:
            return ["the image was acknowledged and is lost"] if is_done else []
        try:
            made = await engine.containers.run(ContainerRequest(image=reference, command=("true",)))
            exit_status = await engine.containers.wait(made.id)
            await engine.containers.remove(made.id, force=True)
        except BoxdeckError as error:
            return [f"the image can't be run: {error}"]
        return [] if exit_status == 0 else [f"the image's container ended with {exit_status}"]

    async def _broken_start(self, engine: Engine, container: Container) -> list[str]:
        """Whatever became of a container, it can be started again."""
        try:
            started = await engine.containers.start(container.id)
        except BoxdeckError as error:
            return [f"it can't be started again: {error}"]
        return [] if started.is_running else [f"it ended with {started.exit_status} when it was started again"]

    async def _clean_up(self, it: Round) -> None:
        async with self._opened() as engine:
            for container in await engine.containers.list(all_states=True):
                if container.name != "bystander":
                    await engine.containers.remove(container.id, force=True)
            for image in await engine.images.list():
                for reference in image.references:
                    if reference != "base:latest":
                        await engine.images.remove(reference)
            for volume in await engine.volumes.list():
                await engine.volumes.remove(volume.name)

    def _look_for_leftovers(self, it: Round, token: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (left := list(self._leftovers(token))) and time.monotonic() < deadline:
            time.sleep(0.01)
        it.failures += [f"left behind: {each}" for each in left]

    def _leftovers(self, token: str) -> Iterator[str]:
        """What is on the machine besides the bystander."""
        assert self._bystander is not None
        paths, own = self._boxdeck.paths, self._bystander.id
        for folder in (paths.root / "containers", paths.runroot / "containers", paths.runroot / "locks"):
            yield from (str(path) for path in folder.glob("*") if path.name != own)
        yield from (str(path) for path in (*(paths.root / "tmp").glob("*"), *(paths.root / "volumes").glob("*")))
        top = Path("/sys/fs/cgroup")
        groups = (*top.glob(f"{paths.cgroup_name}/*/"), *top.glob(f"*/{paths.cgroup_name}/*/"))
        yield from (f"cgroup {path}" for path in groups if path.name != own)
        veths = (name for name in os.listdir("/sys/class/net") if name.startswith(f"bd{paths.tag[:3]}"))
        yield from (f"link {name}" for name in veths if name != paths.veth_name(own))
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        yield from (f"mount {line}" for line in mounts if str(paths.root) in line)
        for pid in _with_token(token):
            yield f"process {pid} {_name(pid)}"
        if _elements(self._boxdeck):
            yield f"elements {_elements(self._boxdeck)}"

    def _opened(self):  # type: ignore[no-untyped-def]
        return Engine.open(str(self._boxdeck.paths.root), str(self._boxdeck.paths.runroot))


def _lost(it: Round, before: Container | None, now: Container | None) -> list[str]:
    """What was there before."""
    if before is None or it.operation == "rm":
        return []
    if now is None:
        return ["the container is lost"]
    is_bystander = it.operation in ("exec", "commit") and it.victim in ("command", "launcher")
    if is_bystander and (now.state, now.pid) != (State.RUNNING, before.pid):
        return ["the container that somebody was at has ended"]
    return []


def _unfulfilled(it: Round, now: Container | None, out: str) -> list[str]:
    """What a command has acknowledged."""
    is_fulfilled = {
        "create": now is not None and now.id == out.strip(),
        "run": now is not None and now.id == out.strip() and now.started_unix_ns is not None,
        "start": now is not None and now.started_unix_ns is not None,
        "exec": out.split() == ["begun", "done"],
        "stop": now is not None and not now.is_running,
        "rm": now is None,
    }
    return [] if is_fulfilled.get(it.operation, True) else [f"it was acknowledged ({out!r}), and isn't so"]


def _elements(boxdeck: CommandLine) -> str:
    """The published ports that the kernel has."""
    listing = ""
    for name in ("ports4", "everywhere4", "ports6", "everywhere6"):
        ended = subprocess.run(
            ["nft", "list", "map", "inet", boxdeck.paths.table_name, name], capture_output=True, text=True, check=False
        )
        listing += ended.stdout.partition("elements = {")[2].partition("}")[0]
    return listing.strip()


def _with_token(token: str) -> list[int]:
    """The processes that descend from a round's commands, but for those in containers."""
    mark, found = f"{_TOKEN}={token}".encode(), []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(int(pid))
    return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _errand(pid: int) -> str:
    """What a process is at in the kernel, and what it is of."""
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{state} in {Path(f'/proc/{pid}/wchan').read_text()}, {words[-80:].strip()}"
    return "gone"


def _await_ends(pids: list[int]) -> None:
    """Until they are gone, or zombies: whoever comes before that finds them alive."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.001)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
