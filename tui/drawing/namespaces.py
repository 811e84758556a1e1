"""The tree of namespaces: what a container has of its own, what it shares, and its processes inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.model import ContainerNamespaces, IdRange, NamespaceInfo, NamespaceTree, ProcessInfo
from tui.drawing import units
from tui.drawing.lines import Line, Span, Tone, clip, line

_ORDER = ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")
_LEAST_COMMAND_CELLS = 8


def container_lines(of: ContainerNamespaces, width: int) -> list[Line]:
    """One container: its namespaces below the user namespace, its processes below the pid namespace."""
    ordered = sorted(of.namespaces, key=lambda each: _ORDER.index(each.kind))
    first, rest = ordered[:1], ordered[1:]
    lines = [_namespace(each, of) for each in first]
    for index, each in enumerate(rest):
        is_last = index == len(rest) - 1
        lines.append(line(Span("╰ " if is_last else "├ ", Tone.FAINT), *_namespace(each, of)))
    processes = _process_lines(of.processes, width - 2)
    lines.extend(line(Span("  ", Tone.FAINT), *each) for each in processes)
    return [clip(each, width) for each in lines]


def tree_lines(tree: NamespaceTree, selected_id: str | None, width: int) -> list[Line]:
    """The host's namespaces and every running container's, below the user namespace that owns them."""
    lines = _host_lines(tree.host, width)
    for index, each in enumerate(tree.containers):
        is_last = index == len(tree.containers) - 1
        stem, below = ("╰─", "   ") if is_last else ("├─", "│  ")
        is_selected = each.container_id == selected_id
        lines.append(_container_title(each, stem, Tone.LIT if is_selected else Tone.STRONG))
        lines.extend(line(Span(below, Tone.FAINT), *inner) for inner in container_lines(each, width - 3))
        if not is_last:
            lines.append(line(Span("│", Tone.FAINT)))
    return [clip(each, width) for each in lines]


def line_of(tree: NamespaceTree, container_id: str | None, width: int) -> int:
    """The line of `tree_lines` that a container starts at; 0 when it isn't there."""
    count = len(_host_lines(tree.host, width))
    for each in tree.containers:
        if each.container_id == container_id:
            return count
        count += 2 + len(container_lines(each, width - 3))
    return 0


def _host_lines(host: Sequence[NamespaceInfo], width: int) -> list[Line]:
    """The host's own, several to a line."""
    lines = [line(Span("host", Tone.STRONG))]
    row: list[Span] = [Span("│  ", Tone.FAINT)]
    used = 3
    for each in sorted(host, key=lambda each: _ORDER.index(each.kind)):
        text = f"{each.kind} {each.inode}   "
        if used + len(text) > width and len(row) > 1:
            lines.append(tuple(row))
            row, used = [Span("│  ", Tone.FAINT)], 3
        row.extend([Span(f"{each.kind} ", Tone.MUTED), Span(f"{each.inode}   ", Tone.FAINT)])
        used += len(text)
    return [*lines, tuple(row), line(Span("│", Tone.FAINT))]


def _container_title(of: ContainerNamespaces, stem: str, tone: Tone) -> Line:
    count = sum(not each.is_host for each in of.namespaces)
    own = f"  {count} of {len(of.namespaces)} namespaces not the host's"
    return line(Span(stem + " ", Tone.FAINT), Span(of.container_name, tone), Span(own, Tone.MUTED))


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
        return _maps(of.uid_map, of.gid_map)
    if info.kind == "pid":
        count = len(of.processes)
        return f"  {count} {'process' if count == 1 else 'processes'}"
    return ""


def _maps(uids: Sequence[IdRange], gids: Sequence[IdRange]) -> str:
    """Id maps; uids and gids are one when they are alike, as they mostly are."""
    if tuple(uids) == tuple(gids):
        return f"  ids {_ranges(uids)}"
    return f"  uids {_ranges(uids)}, gids {_ranges(gids)}"


def _ranges(ranges: Sequence[IdRange]) -> str:
    return ", ".join(f"{each.inside} → {each.outside} ({each.length})" for each in ranges)


def _process_lines(processes: Sequence[ProcessInfo], cells: int) -> list[Line]:
    """Processes nested below their parents, each with its pid inside and outside."""
    known = {each.pid for each in processes}
    children: dict[int, list[ProcessInfo]] = {}
    for each in processes:
        children.setdefault(each.parent_pid if each.parent_pid in known else 0, []).append(each)
    return list(_nested(children, 0, "", cells))


def _nested(children: dict[int, list[ProcessInfo]], parent: int, indent: str, cells: int) -> Iterator[Line]:
    level = children.get(parent, [])
    for index, each in enumerate(level):
        is_last = index == len(level) - 1
        yield _process(each, indent + ("╰ " if is_last else "├ "), cells)
        yield from _nested(children, each.pid, indent + ("  " if is_last else "│ "), cells)


def _process(info: ProcessInfo, stem: str, cells: int) -> Line:
    """One process; a long command gives way to its pid on the host."""
    inside = f"{info.pid_inside} "
    threads = f"  {info.threads} threads" if info.threads > 1 else ""
    memory = f"  {units.size(info.memory_bytes)}" if info.memory_bytes else ""
    outside = f"  host {info.pid}{memory}{threads}"
    room = max(_LEAST_COMMAND_CELLS, cells - len(stem) - len(inside) - len(outside))
    command = clip(line(info.command), room)
    return line(Span(stem, Tone.FAINT), Span(inside, Tone.ACCENT), *command, Span(outside, Tone.MUTED))
