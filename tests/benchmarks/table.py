"""What was measured, as tables: for a terminal, or in Markdown for the README."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.cgroups import layout
from tests.benchmarks import samples_table
from tests.benchmarks.contest import Result
from tests.benchmarks.idle import CONTAINERS
from tests.benchmarks.peers import version
from tests.benchmarks.samples import Samples

PEER = "crun"
_APP = f"app, {CONTAINERS} containers, idle"
_WORDS = {
    "boxdeck": "Boxdeck, in an open engine",
    "crun": "`crun run`",
    "runc": "`runc run`",
    "bwrap": "`bwrap --unshare-all`",
    "boxdeck-oci": "`boxdeck-oci run`, a cold process",
    "python": "an interpreter's start and end alone",
}
_EXEC_WORDS = {"boxdeck": "Boxdeck, in an open engine", "crun": "`crun exec`", "runc": "`runc exec`"}


class Measured(NamedTuple):
    """All results: by ``start NAME`` and ``exec NAME``, by whole command, the shim's private memory, and statistics.

    Attributes:
        app_percent: what the app takes of a processor while nobody touches it; None when it wasn't measured.
    """

    rounds: int
    contest: Mapping[str, Result]
    lives: Mapping[str, Result]
    shim_private_bytes: int
    samples: Samples | None = None
    app_percent: float | None = None


def machine(programs: Sequence[str] = ("crun", "runc", "bwrap", "podman")) -> str:
    """On what and when, and with which versions of others, as a line."""
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    peers = ", ".join(filter(None, map(version, programs)))
    day = dt.datetime.now(tz=dt.UTC).date()
    return (
        f"{day}, {os.cpu_count()} processors, Linux {kernel}, cgroup {layout.detect().version}, "
        f"Python {platform.python_version()}" + (f"; {peers}" if peers else "")
    )


def text(of: Measured) -> str:
    """For a terminal."""
    lines = [f"{of.rounds} rounds, shuffled; medians; {machine()}"]
    for verb, title in (
        ("start", "start to exit of /bin/true"),
        ("exec", "exec of /bin/true into a running container"),
    ):
        lines += ["", f"{title:<46} {'wall':>8}   of {PEER}   {'least':>7}   {'cpu':>7}"]
        lines += [_text_row(name, result, _ratio(of.contest, verb, result)) for name, result in rows(of.contest, verb)]
    if of.lives:
        lines += ["", f"{'as a person or a program sees it':<46} {'wall':>8}             {'least':>7}   {'cpu':>7}"]
    lines += [_text_row(name, result, "") for name, result in of.lives.items()]
    bwrap = _quotient(of.contest, "start boxdeck", "start bwrap")
    lines += ["", *([f"start boxdeck / start bwrap: {bwrap}"] if bwrap else [])]
    lines += [f"the shim's private memory: {of.shim_private_bytes / 2**20:.2f} MiB"]
    if of.app_percent is not None:
        lines += [f"{_APP}: {of.app_percent:.2f} % of a processor"]
    return "\n".join(lines) + "\n" + (f"\n{samples_table.text(of.samples)}" if of.samples else "")


def markdown(of: Measured) -> str:
    """For the README."""
    lines = [f"`make bench`, {machine()}.", f"Medians of {of.rounds} rounds, interleaved and shuffled in one run.", ""]
    for verb, title, words in (
        ("start", "start to exit of `/bin/true`", _WORDS),
        ("exec", "exec of `/bin/true` into a running container", _EXEC_WORDS),
    ):
        lines += [f"| {title} | ms | of {PEER} | processor, ms |", "|---|---:|---:|---:|"]
        for name, result in rows(of.contest, verb):
            ratio = _ratio(of.contest, verb, result)
            lines.append(f"| {words.get(name, name)} | {result.wall_ms:.1f} | {ratio} | {_cpu(result)} |")
        lines.append("")
    lines.append(f"The shim of a running container has {of.shim_private_bytes / 2**20:.1f} MiB of memory of its own.")
    if of.app_percent is not None:
        lines.append(f"The app with {CONTAINERS} containers in sight takes {of.app_percent:.1f} % of a processor.")
    return "\n".join(lines) + "\n" + (f"\n{samples_table.markdown(of.samples)}" if of.samples else "")


def rows(contest: Mapping[str, Result], verb: str) -> Sequence[tuple[str, Result]]:
    """Names without the verb, the quickest first."""
    found = [(name.partition(" ")[2], result) for name, result in contest.items() if name.startswith(f"{verb} ")]
    return sorted(found, key=lambda row: row[1].wall_ms)


def _text_row(name: str, result: Result, ratio: str) -> str:
    return f"{name:<46} {result.wall_ms:5.1f} ms   {ratio:>7}   {result.least_ms:7.1f}   {_cpu(result):>7}"


def _ratio(contest: Mapping[str, Result], verb: str, result: Result) -> str:
    peer = contest.get(f"{verb} {PEER}")
    return f"{result.wall_ms / peer.wall_ms:.2f}" if peer else "-"


def _quotient(contest: Mapping[str, Result], name: str, other: str) -> str:
    if name not in contest or other not in contest:
        return ""
    return f"{contest[name].wall_ms / contest[other].wall_ms:.2f}"


def _cpu(result: Result) -> str:
    return "-" if result.cpu_ms is None else f"{result.cpu_ms:.1f}"
