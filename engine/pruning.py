"""What a prune is to take away, and what it took."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class LabelFilter(Struct, frozen=True, kw_only=True):
    """A label that something must have.

    Attributes:
        value: what it must be; None for anything.
        negated: whether it must not have it.
    """

    name: str
    value: str | None = None
    negated: bool = False

    def passes(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are as this wants them."""
        has = self.name in labels and self.value in (None, labels[self.name])
        return has is not self.negated


class PruneFilter(Struct, frozen=True, kw_only=True):
    """Which of those that nobody needs are to go.

    Attributes:
        until_unix_ns: only those made before.
        labels: only those that pass all of these.
    """

    until_unix_ns: int | None = None
    labels: tuple[LabelFilter, ...] = ()

    def passes(self, created_unix_ns: int, labels: Mapping[str, str]) -> bool:
        """Whether something is to go, should nobody need it."""
        is_old = self.until_unix_ns is None or created_unix_ns < self.until_unix_ns
        return is_old and all(each.passes(labels) for each in self.labels)


class Pruned(Struct, frozen=True, kw_only=True):
    """What a prune took away: lines like docker's, and the bytes of disk that are free again."""

    lines: tuple[str, ...]
    reclaimed_bytes: int = 0
