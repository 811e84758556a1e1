"""The real command line in a process of its own, on a root of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.paths import Paths
from tests import leftovers

CHECKOUT = Path(__file__).parent.parent
PROGRAM = str(Path(sys.executable).parent / "boxdeck")


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What Boxdeck said on its way out: one line, and no traceback."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("boxdeck: ")
        return lines[0]


class CommandLine:
    """``boxdeck --root … --runroot … VERB …``."""

    def __init__(self, folder: Path, runroot: Path | None = None) -> None:
        self.paths = Paths(folder / "root", runroot or folder / "run")
        self.argv = [PROGRAM, "--root", str(self.paths.root), "--runroot", str(self.paths.runroot)]

    def __call__(self, *arguments: str, input: str | None = None, timeout: float = 60) -> Answer:
        """Run a command to its end, whatever that is."""
        ended = subprocess.run(
            [*self.argv, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            cwd="/",
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def ok(self, *arguments: str, input: str | None = None, timeout: float = 60) -> str:
        """Run a command that must succeed; returns what it printed, without the last newline."""
        answer = self(*arguments, input=input, timeout=timeout)
        assert answer.status == 0, answer.err
        return answer.out.rstrip("\n")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [*self.argv, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def state(self, name: str) -> Any:
        """``State`` of a container as inspect shows it."""
        return json.loads(self.ok("inspect", name))[0]["State"]

    def names(self, *options: str) -> list[str]:
        """Names of the containers that ps lists."""
        return [row["Names"] for row in self("ps", "--format", "json", *options).json]

    def remove_all(self) -> None:
        """Remove every container."""
        if ids := self.ok("ps", "-aq").split():
            self.ok("rm", "-f", *ids)

    def left(self) -> frozenset[str]:
        """What containers leave and is still there after a while; the bridge and the table may stay."""
        words = (f"{self.paths.cgroup_name}/", str(self.paths.root), f"link bd{self.paths.tag[:3]}")
        folders = [path for top in (self.paths.root, self.paths.runroot) for path in top.glob("containers/*")]
        return leftovers.settled(*words) | {str(path) for path in folders}

    def left_after_reset(self) -> frozenset[str]:
        """Everything of this root that is still there after a while."""
        folders = [path for path in (self.paths.root, self.paths.runroot) if path.exists()]
        return leftovers.settled(self.paths.tag, str(self.paths.root)) | {str(path) for path in folders}


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether something becomes true within a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def unprivileged(*arguments: str) -> Answer:
    """Run boxdeck as nobody, who may read the checkout wherever it is."""
    nobody = ("--reuid=65534", "--regid=65534", "--clear-groups")
    reader = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    ended = subprocess.run(
        ["setpriv", *nobody, *reader, sys.executable, "-m", "engine.cli.main", *arguments],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)
