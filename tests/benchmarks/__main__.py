"""How long things take, beside others of their kind. ``make bench``; see ``--help``."""

from __future__ import annotations

import argparse
import asyncio
import compileall
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from engine import Engine
from engine.errors import BoxdeckError
from engine.oci.runtime_spec import decode
from tests.benchmarks import samples, table
from tests.benchmarks.contest import Contender, contest
from tests.benchmarks.idle import idle_percent
from tests.benchmarks.ours import Ours, whole_lives
from tests.benchmarks.peers import Peers
from tests.benchmarks.processor import ProcessorTime
from tests.benchmarks.stopwatch import Stopwatch, tmpfs
from tests.command_line import CHECKOUT, CommandLine

_LIVES_SHARE = 5  # whole commands are measured in a fifth of the rounds: they take ten times as long


class _Options(argparse.Namespace):
    rounds: int
    short: bool
    counts: list[int]
    crowd: int
    markdown: bool


class _Setting(NamedTuple):
    boxdeck: CommandLine
    stopwatch: Stopwatch
    processor: ProcessorTime
    folder: Path
    states: Path


def main() -> int:
    """Measure on a root of our own, and print."""
    options = _options()
    if os.geteuid() != 0:
        sys.stderr.write("boxdeck: benchmarks make containers, so they need root: run them with sudo\n")
        return BoxdeckError.exit_status
    compileall.compile_dir(str(CHECKOUT / "engine"), quiet=2)  # as an installation is, whatever was edited since
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-bench-"))
    folder.chmod(0o711)  # a process that is nobody outside has to pass it
    states = Path(tempfile.mkdtemp(prefix="boxdeck-bench-", dir=tmpfs()))
    boxdeck = CommandLine(folder, states / "boxdeck")
    with ProcessorTime(boxdeck.paths.tag, boxdeck.paths.cgroup_name) as processor:
        try:
            boxdeck.ok("run", "--rm", "base", "true")
            with Stopwatch() as stopwatch:
                setting = _Setting(boxdeck, stopwatch, processor, folder, states)
                measured = asyncio.run(_measure(setting, options))
        finally:
            boxdeck.ok("system", "reset", "--force")
            shutil.rmtree(folder)
            shutil.rmtree(states)
    sys.stdout.write(table.markdown(measured) if options.markdown else table.text(measured))
    return 0


def _options() -> _Options:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=100, help="[100]")
    parser.add_argument("--short", action="store_true", help="start and exec alone")
    parser.add_argument("--counts", nargs="+", type=int, metavar="N", default=[10, 100, 500], help="[10 100 500]")
    parser.add_argument("--crowd", type=int, metavar="N", default=50, help="containers for other managers, too [50]")
    parser.add_argument("--markdown", action="store_true", help="as the README has it")
    return parser.parse_args(namespace=_Options())


async def _measure(setting: _Setting, options: _Options) -> table.Measured:
    paths = setting.boxdeck.paths
    async with Engine.open(str(paths.root), str(paths.runroot)) as engine:
        ours = await Ours.make(engine)
        spec = decode(await engine.containers.runtime_spec(ours.once.id))
        (layer,) = (path for path in paths.layers.glob("*/*") if path.is_dir())
        with Peers(setting.stopwatch, setting.folder, setting.states, layer, spec, setting.processor.peers) as peers:
            memory = ours.shim_private_bytes()
            found = await contest(ours.contenders() | peers.contenders(), options.rounds, setting.processor)
            measured = table.Measured(options.rounds, found, {}, memory)
            return measured if options.short else await _measure_more(setting, options, measured, engine, peers)


async def _measure_more(
    setting: _Setting, options: _Options, measured: table.Measured, engine: Engine, peers: Peers
) -> table.Measured:
    lives = whole_lives(engine) | _commands(setting.boxdeck, peers)
    rounds = max(1, options.rounds // _LIVES_SHARE)
    return measured._replace(
        lives=await contest(lives, rounds, setting.processor),
        samples=await samples.measure(
            engine, setting.boxdeck, setting.stopwatch, setting.folder, options.counts, options.crowd
        ),
        app_percent=await idle_percent(engine),
    )


def _commands(boxdeck: CommandLine, peers: Peers) -> dict[str, Contender]:
    """Commands as a shell runs them."""
    lines = ("version", "ps", "run --rm --network none base true", "run --rm base true")
    return {f"boxdeck {line}": peers.command([*boxdeck.argv, *line.split()]) for line in lines}


if __name__ == "__main__":
    sys.exit(main())
