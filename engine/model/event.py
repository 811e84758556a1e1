"""A change of state that everybody may hear of."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """A change of state; revisions grow by one over all engines on the same root.

    Attributes:
        kind: ``container``, ``image``, ``network`` or ``volume``.
        action: docker's word: ``create start die stop kill restart pause unpause destroy rename update oom limit
            health_status`` for containers, and our ``dead`` for one that can't be removed; ``load import tag untag
            commit pull delete`` for images; ``create destroy`` for networks and volumes, and ``connect disconnect`` for
            networks.
        subject: the id of the container, image or network; a volume has but its name.
        name: its name at that time.
        detail: in words: the exit status of ``die``, the signal of ``kill``; of ``oom`` how many were killed and, where
            the kernel tells, who; of ``limit`` which one, ``memory`` or ``pids``; of
            ``health_status`` which it is now; of ``dead`` why; of ``connect`` and ``disconnect`` the container's id.
        count: of what the event tells of several at once: processes killed (``oom``; 0 when they were stopped
            instead), times the limit was met (``limit``).
        attributes: of a container its labels, and its ``image``.
    """

    revision: int
    at_unix_ns: int
    kind: Literal["container", "image", "network", "volume"]
    action: str
    subject: str
    name: str
    detail: str = ""
    count: int = 0
    attributes: dict[str, str] = {}
