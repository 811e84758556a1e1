"""One container's namespaces: what it has of its own, what it shares, and its processes inside."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import ContainerNamespaces, IdRange, NamespaceInfo
from tui.drawing.lines import Line, Span, Tone, clip, line
from tui.drawing.processes import process_lines

ORDER = ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")
"""Kinds from the user namespace, which owns the others, to the pid namespace, which has processes in it."""


def container_lines(of: ContainerNamespaces, width: int) -> list[Line]:
    """One container: its namespaces below the user namespace, its processes below the pid namespace."""
    ordered = sorted(of.namespaces, key=lambda each: ORDER.index(each.kind))
    first, rest = ordered[:1], ordered[1:]
    lines = [_namespace(each, of) for each in first]
    for index, each in enumerate(rest):
        is_last = index == len(rest) - 1
        lines.append(line(Span("╰ " if is_last else "├ ", Tone.FAINT), *_namespace(each, of)))
    processes = process_lines(of.processes, width - 2)
    lines.extend(line(Span("  ", Tone.FAINT), *each) for each in processes)
    return [clip(each, width) for each in lines]


def _namespace(info: NamespaceInfo, of: ContainerNamespaces) -> Line:
    tone = Tone.FAINT if info.is_host else Tone.PLAIN
    return line(
        Span(f"{info.kind:<7}", Tone.MUTED),
        Span(f"{info.inode}  ", tone),
        _owner(info),
        Span(_remark(info, of), Tone.MUTED),
    )


def _owner(info: NamespaceInfo) -> Span:
    if info.is_host:
        return Span("the host's", Tone.MUTED)
    if info.shared_with:
        return Span(f"shared with {', '.join(info.shared_with)}", Tone.WARN)
    return Span("own", Tone.ACCENT)


def _remark(info: NamespaceInfo, of: ContainerNamespaces) -> str:
    if info.kind == "user" and not info.is_host:
        return f"  {maps(of.uid_map, of.gid_map)}"
    if info.kind == "pid":
        count = len(of.processes)
        return f"  {count} {'process' if count == 1 else 'processes'}"
    return ""


def maps(uids: Sequence[IdRange], gids: Sequence[IdRange]) -> str:
    """Id maps; uids and gids are one when they are alike, as they mostly are."""
    if tuple(uids) == tuple(gids):
        return f"ids {_ranges(uids)}"
    return f"uids {_ranges(uids)}, gids {_ranges(gids)}"


def _ranges(ranges: Sequence[IdRange]) -> str:
    return ", ".join(each.words for each in ranges)
