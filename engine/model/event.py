"""A change of state that everybody may hear of."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """A change of state; revisions grow by one over all engines on the same root.

    Attributes:
        kind: ``container``, ``image`` or ``network``.
        action: docker's word: ``create start die stop kill restart pause unpause destroy rename update oom limit
            health_status`` for containers, and our ``dead`` for one that can't be removed; ``load import tag untag
            delete`` for images.
        subject: the id of the container or image.
        name: its name at that time.
        detail: in words: the exit status of ``die``, the signal of ``kill``; of ``oom`` how many were killed and, where
            the kernel tells, who; of ``limit`` which one, ``memory`` or ``pids``; of
            ``health_status`` which it is now; of ``dead`` why.
        count: of what the event tells of several at once: processes killed (``oom``; 0 when they were stopped
            instead), times the limit was met (``limit``).
    """

    revision: int
    at_unix_ns: int
    kind: Literal["container", "image", "network"]
    action: str
    subject: str
    name: str
    detail: str = ""
    count: int = 0
