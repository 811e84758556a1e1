"""Containers under headings: by compose project, by network, or by what one of their labels says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.model import Container
from tui.filtering import networks

PROJECT, NETWORK, LABEL = "project", "network", "label:"
"""By what to group; a label's key follows its prefix. Empty: no groups."""

PROJECT_LABEL = "com.docker.compose.project"
"""What compose gives to all containers of a project (docs.docker.com/compose/project-name)."""


class Heading(NamedTuple):
    """The row above a group.

    Attributes:
        group: empty for those that are in none.
        running: how many of them have a process.
    """

    group: str
    size: int
    running: int
    is_folded: bool

    @property
    def id(self) -> str:
        """What it is selected by; no container has such an id."""
        return f"group {self.group}"


Row = Container | Heading


def group_of(container: Container, by: str) -> str:
    """The group that a container is in; empty for none."""
    if by == PROJECT:
        return container.request.labels.get(PROJECT_LABEL, "")
    if by == NETWORK:
        return ", ".join(networks(container))
    return container.request.labels.get(by.removeprefix(LABEL), "")


def grouped(containers: Sequence[Container], by: str, folded: Iterable[str] = ()) -> tuple[Row, ...]:
    """Groups by name, each with its containers as they come; those without a group last."""
    if not by:
        return tuple(containers)
    groups: dict[str, list[Container]] = {}
    for each in containers:
        groups.setdefault(group_of(each, by), []).append(each)
    closed = frozenset(folded)
    rows: list[Row] = []
    for name in sorted(groups, key=lambda group: (not group, group.casefold())):
        members = groups[name]
        rows.append(Heading(name, len(members), sum(each.is_running for each in members), name in closed))
        rows += [] if name in closed else members
    return tuple(rows)


def choices(containers: Iterable[Container]) -> tuple[str, ...]:
    """By what these can be grouped: nothing, project, network, and every label that one of them has."""
    labels = sorted({key for each in containers for key in each.request.labels} - {PROJECT_LABEL})
    return ("", PROJECT, NETWORK, *(f"{LABEL}{key}" for key in labels))


def words(by: str) -> str:
    """By what is grouped, for a person."""
    return by.replace(LABEL, "label ") or "no groups"
