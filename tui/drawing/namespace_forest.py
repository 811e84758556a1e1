"""All running containers below the host: which namespaces are their own, which are shared, and with whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model import ContainerNamespaces, NamespaceInfo, NamespaceTree
from tui.drawing.lines import Line, Span, Tone, clip, line, width
from tui.drawing.namespaces import ORDER, maps
from tui.drawing.processes import process_lines

_LABEL_CELLS = 8
_STEM_CELLS = 3
_GAP_CELLS = 3


def forest_lines(tree: NamespaceTree, selected_id: str | None, cells: int) -> list[Line]:
    """The host's namespaces, then every container's, with its processes below."""
    lines = [line(Span("host", Tone.STRONG)), *_below("│  ", _host_lines(tree.host, cells - _STEM_CELLS))]
    for index, each in enumerate(tree.containers):
        is_last = index == len(tree.containers) - 1
        name = Span(each.container_name, Tone.LIT if each.container_id == selected_id else Tone.STRONG)
        lines.append(line(Span("│", Tone.FAINT)))
        lines.append(line(Span("╰─ " if is_last else "├─ ", Tone.FAINT), name))
        lines.extend(_below("   " if is_last else "│  ", _container_lines(each, cells - _STEM_CELLS)))
    return [clip(each, cells) for each in lines]


def line_of(tree: NamespaceTree, container_id: str | None, cells: int) -> int:
    """The line of `forest_lines` with a container's name; 0 when it isn't there."""
    count = 1 + len(_host_lines(tree.host, cells - _STEM_CELLS))
    for each in tree.containers:
        if each.container_id == container_id:
            return count + 1
        count += 2 + len(_container_lines(each, cells - _STEM_CELLS))
    return 0


def _below(stem: str, lines: Iterable[Line]) -> list[Line]:
    return [line(Span(stem, Tone.FAINT), *each) for each in lines]


def _host_lines(host: Sequence[NamespaceInfo], cells: int) -> list[Line]:
    return _wrapped("", [_entry(each) for each in _ordered(host)], cells)


def _container_lines(of: ContainerNamespaces, cells: int) -> list[Line]:
    """Its namespaces by who else is in them, its id maps, its processes."""
    infos = _ordered(of.namespaces)
    own = [_entry(each) for each in infos if not each.is_host and not each.shared_with]
    shared = [_entry(each) for each in infos if not each.is_host and each.shared_with]
    hosts = [line(Span(each.kind, Tone.MUTED)) for each in infos if each.is_host]
    ids = [line(Span(maps(of.uid_map, of.gid_map), Tone.MUTED))] if _has_own_user(of) else []
    lines: list[Line] = []
    for label, entries in (("own", own), ("shared", shared), ("host's", hosts), ("maps", ids)):
        lines.extend(_wrapped(label, entries, cells))
    for index, each in enumerate(process_lines(of.processes, cells - _LABEL_CELLS)):
        lines.append(line(Span(("" if index else "runs").ljust(_LABEL_CELLS), Tone.MUTED), *each))
    return lines


def _has_own_user(of: ContainerNamespaces) -> bool:
    return any(each.kind == "user" and not each.is_host for each in of.namespaces)


def _ordered(infos: Iterable[NamespaceInfo]) -> list[NamespaceInfo]:
    return sorted(infos, key=lambda each: ORDER.index(each.kind))


def _entry(info: NamespaceInfo) -> Line:
    shared = f" with {', '.join(info.shared_with)}" if info.shared_with else ""
    number = Span(str(info.inode), Tone.FAINT if info.is_host else Tone.PLAIN)
    return line(Span(f"{info.kind} ", Tone.MUTED), number, Span(shared, Tone.WARN))


def _wrapped(label: str, entries: Sequence[Line], cells: int) -> list[Line]:
    """Entries one after the other below a label, as many in a line as fit."""
    tone = {"own": Tone.ACCENT, "shared": Tone.WARN}.get(label, Tone.MUTED)
    indent = _LABEL_CELLS if label else 0
    rows: list[list[Span]] = []
    for entry in entries:
        if not rows or width(line(*rows[-1], *entry)) + _GAP_CELLS > cells:
            rows.append([Span((label if not rows else "").ljust(indent), tone), *entry])
        else:
            rows[-1].extend([Span(" " * _GAP_CELLS), *entry])
    return [line(*row) for row in rows]
