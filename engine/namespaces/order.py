"""What the engine hands to the small program that enters or makes namespaces (see `engine.namespaces.program`)."""

from __future__ import annotations

from msgspec import Struct

from engine.model import NamespaceRun, NamespaceVisit


class RunOrder(Struct, frozen=True, kw_only=True, tag="run"):
    """Run a command in fresh namespaces."""

    request: NamespaceRun


class VisitOrder(Struct, frozen=True, kw_only=True, tag="visit"):
    """Run a command in somebody's namespaces.

    Attributes:
        pid: of the process whose namespaces they are.
        pidfd: of the same process, opened by who knows that it is the right one.
    """

    request: NamespaceVisit
    pid: int
    pidfd: int


Order = RunOrder | VisitOrder
