"""``--xray``, which every verb takes that changes something: what the kernel was asked for is told afterwards."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_VERBS = frozenset({
    "run", "create", "start", "stop", "kill", "restart", "pause", "unpause", "update", "rm", "exec", "port",
    "rename", "commit", "cp", "network create", "network rm", "network connect", "network disconnect",
    "volume create", "volume rm", "pull", "load", "import", "rmi",
    "image pull", "image load", "image import", "image rm",
})  # fmt: skip


def is_for(prog: str) -> bool:
    """Whether a verb takes it.

    Args:
        prog: such as ``boxdeck container start``.
    """
    return prog.removeprefix("boxdeck ").removeprefix("container ") in _VERBS


def add_to(parser: ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument("--xray", action="store_true", help="then tell on stderr what the kernel was asked for")


def begin() -> None:
    """Have starts and execs recorded."""
    from engine.xray.parts import switch_on

    switch_on()


def show() -> None:
    """Write what this process has had recorded, on the standard error: the verb's own output stays as it is."""
    import asyncio

    from engine.cli.xray_lines import xray_lines
    from engine.errors import NotFound
    from engine.xray.actions import made
    from engine.xray.xrays import opened

    for path in made:
        try:
            xray = asyncio.run(opened(path))
        except NotFound:
            continue
        if xray.calls:
            sys.stderr.write("\n".join(xray_lines(xray, xray.calls)) + "\n")
