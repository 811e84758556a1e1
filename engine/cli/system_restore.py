"""``boxdeck system restore``: what should run after a boot."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.failure import fail
from engine.cli.output import write_lines

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Starts the containers whose restart policy is always, and those of unless-stopped that nobody has stopped,
the oldest first. To have that done at every boot where there is systemd:
boxdeck system restore --unit > /etc/systemd/system/boxdeck.service && systemctl enable boxdeck"""

_UNIT = """[Unit]
Description=Containers of Boxdeck that restart policies want to run
After=network-online.target local-fs.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
KillMode=process
ExecStart={command}

[Install]
WantedBy=multi-user.target"""


class RestoreOptions(Options):
    """Options of ``system restore``."""

    unit: bool


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.add_argument("--unit", action="store_true", help="print a unit for systemd that does this at every boot")


async def _restore(engine: Engine, options: RestoreOptions) -> int:
    if options.unit:
        roots = ("--root", str(engine.paths.root), "--runroot", str(engine.paths.runroot))
        words = (os.path.abspath(sys.argv[0]), *roots, "system", "restore")
        write_lines([_UNIT.format(command=" ".join(map(_quoted, words)))])
        return 0
    status = 0
    async for container, error in engine.containers.restore():
        if error is None:
            write_lines([container.name])
        else:
            status = fail(f"{container.name}: {error}", error.exit_status)
    return status


def _quoted(word: str) -> str:
    """As a unit takes it (systemd.service(5), "COMMAND LINES"): neither split nor with anything put in."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return text if text == word and " " not in word else f'"{text}"'


RESTORE = Command(RestoreOptions, _arguments, with_engine(_restore))
