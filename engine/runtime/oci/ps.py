"""``ps``: the processes of a container."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import RuntimeFailure
from engine.runtime.oci.flags import Flag
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.status import cgroup_of
from engine.runtime.oci.verb import Call, Verb


class Options(Struct, frozen=True, kw_only=True):
    """The flags."""

    format: Literal["table", "json"] = "table"


def action(call: Call) -> int:
    """Print them; of one that has stopped nobody may be left."""
    cgroup = cgroup_of(Folder(call.settings.state_root, call.container_id).record())
    pids = cgroup.processes() if cgroup is not None else []
    if call.options.format == "json":
        text = msgspec.json.encode(pids).decode() + "\n"
    else:
        text = choose_lines(_run_ps(call.words[1:] or ["-ef"]), pids)
    sys.stdout.write(text)
    return 0


def _run_ps(arguments: list[str]) -> str:
    try:
        done = subprocess.run(["ps", *arguments], check=False, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as error:
        raise RuntimeFailure("there is no ps here", "install procps, or use --format json") from error
    if done.returncode != 0:
        raise RuntimeFailure(f"ps says: {done.stderr.strip()}", "see ps(1)")
    return done.stdout


def choose_lines(text: str, pids: Collection[int]) -> str:
    """The heading of a table that ps made, and the lines about these processes.

    Raises:
        RuntimeFailure: it has no column PID to know them by.
    """
    heading, *lines = text.splitlines(keepends=True) or [""]
    columns = heading.split()
    if "PID" not in columns:
        raise RuntimeFailure("ps doesn't print the column PID", "leave options out that take it away")
    at = columns.index("PID")
    wanted = {str(pid) for pid in pids}
    return heading + "".join(line for line in lines if wanted.intersection(line.split()[at : at + 1]))


VERB = Verb(
    help="print the processes of a container",
    usage="ID [PS-OPTION…]",
    least=1,
    most=None,
    flags=(Flag("format", "text", "table or json", "f"),),
    options=Options,
    action=action,
    interspersed=False,
)
