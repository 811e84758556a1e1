"""What statistics cost, as tables: for a terminal, or in Markdown for the README."""

from __future__ import annotations

from tests.benchmarks.samples import MEMORY_LOOKS, Contestant, Samples

PEER = "podman stats --no-stream"


def text(of: Samples) -> str:
    """For a terminal."""
    lines = [f"{'one look at all containers, in an open engine':<46} {'cpu':>8}   {'each':>8}   {'least':>8}"]
    for look in of.looks:
        title = f"{look.containers} containers"
        lines.append(f"{title:<46} {look.cpu_ms:5.2f} ms   {look.each_us:5.1f} us   {look.least_ms:5.2f} ms")
    lines += ["", f"{f'statistics of {of.crowd} containers':<46} {'cpu':>8}   {'of podman':>9}   {'wall':>8}"]
    for one in of.contest:
        lines.append(f"{one.name:<46} {one.cpu_ms:5.1f} ms   {_ratio(of, one):>9}   {_wall(one):>8}")
    lines += ["", f"memory after {MEMORY_LOOKS:,} looks: {of.grown_bytes / 1024:+.0f} KiB"]
    return "\n".join(lines) + "\n"


def markdown(of: Samples) -> str:
    """For the README."""
    lines = ["| one look at all running containers | processor, ms | a container, µs |", "|---|---:|---:|"]
    lines += [f"| {look.containers} containers | {look.cpu_ms:.2f} | {look.each_us:.0f} |" for look in of.looks]
    title = f"statistics of {of.crowd} containers"
    lines += ["", f"| {title} | processor, ms | of podman | ms |", "|---|---:|---:|---:|"]
    for one in of.contest:
        name = one.name if "," in one.name else f"`{one.name}`"
        lines.append(f"| {name} | {one.cpu_ms:.1f} | {_ratio(of, one)} | {_wall(one)} |")
    lines += ["", f"After {MEMORY_LOOKS:,} looks the process has {of.grown_bytes / 1024:+.0f} KiB of memory."]
    return "\n".join(lines) + "\n"


def _ratio(of: Samples, one: Contestant) -> str:
    peer = next((other.cpu_ms for other in of.contest if other.name == PEER), 0.0)
    return f"{one.cpu_ms / peer:.2f}" if peer else "-"


def _wall(one: Contestant) -> str:
    return "-" if one.wall_ms is None else f"{one.wall_ms:.0f}"
