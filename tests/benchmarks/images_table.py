"""What was measured of pulling images, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.benchmarks.pulls import OURS, PEERS
from tests.benchmarks.table import machine


class Pull(NamedTuple):
    """Wall time in seconds: median and least."""

    seconds: float
    least: float


class Again(NamedTuple):
    """A second pull of the same image.

    Attributes:
        requests: that the registry had meanwhile.
        is_untouched: whether the layers' folders are the same as before.
    """

    seconds: float
    requests: Sequence[str]
    is_untouched: bool


class Measured(NamedTuple):
    """All results.

    Attributes:
        size_bytes, entries: of the archive of the root file system.
        pulls: by the kind of image, then by command.
        peak_bytes: our memory, by the kind of image.
        large_peak_bytes: our memory with a single layer of `large_bytes`.
    """

    rounds: int
    size_bytes: int
    entries: int
    pulls: Mapping[str, Mapping[str, Pull]]
    peak_bytes: Mapping[str, int]
    large_bytes: int
    large_peak_bytes: int
    again: Again


def text(of: Measured) -> str:
    """For a terminal."""
    lines = [f"{_title(of)}; {of.rounds} rounds, shuffled; medians; {machine(PEERS)}"]
    for kind, pulls in of.pulls.items():
        lines += ["", f"{f'pull and unpack, {kind}':<46} {'wall':>8}   of fastest   {'least':>7}"]
        lines += [
            f"{name:<46} {pull.seconds:6.2f} s   {_ratio(pulls, pull):>10}   {pull.least:5.2f} s"
            for name, pull in _sorted(pulls)
        ]
    return "\n".join([*lines, "", *_remarks(of)]) + "\n"


def markdown(of: Measured) -> str:
    """For the README."""
    lines = [
        f"`make bench`, {machine(PEERS)}.",
        f"{_title(of)}. Medians of {of.rounds} rounds, interleaved and shuffled.",
    ]
    for kind, pulls in of.pulls.items():
        lines += ["", f"| pull and unpack, {kind} | s | of the fastest other |", "|---|---:|---:|"]
        lines += [f"| `{name}` | {pull.seconds:.2f} | {_ratio(pulls, pull)} |" for name, pull in _sorted(pulls)]
    return "\n".join([*lines, "", *_remarks(of)]) + "\n"


def _title(of: Measured) -> str:
    return f"A root file system of {of.size_bytes / 1e6:.0f} MB with {of.entries} entries"


def _sorted(pulls: Mapping[str, Pull]) -> list[tuple[str, Pull]]:
    return sorted(pulls.items(), key=lambda row: row[1].seconds)


def _ratio(pulls: Mapping[str, Pull], pull: Pull) -> str:
    """To the fastest of the others."""
    others = [other.seconds for name, other in pulls.items() if name != OURS]
    return f"{pull.seconds / min(others):.2f}" if others else "-"


def _remarks(of: Measured) -> list[str]:
    peaks = [f"{size / 2**20:.0f} MiB ({kind})" for kind, size in of.peak_bytes.items()]
    peaks.append(f"{of.large_peak_bytes / 2**20:.0f} MiB (one layer of {of.large_bytes / 1e6:.0f} MB)")
    unpacked = "nothing is unpacked" if of.again.is_untouched else "layers are unpacked again"
    return [
        f"The most memory that Boxdeck has meanwhile: {', '.join(peaks)}.",
        f"A second pull: {of.again.seconds:.2f} s, {len(of.again.requests)} request(s), {unpacked}.",
    ]
