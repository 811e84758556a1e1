"""Maps of a user namespace's ids (user_namespaces(7)), from what people type."""

from __future__ import annotations

import re

from engine.errors import InvalidRequest
from engine.oci.linux_spec import IdMapping
from engine.runtime.userns import host_id

RANGE_LENGTH = 65_536
_LINE = re.compile(r"(\d{1,10}):(\d{1,10}):(\d{1,10})")
_IDS = 1 << 32
_MOST_LINES = 340  # user_namespaces(7), since Linux 4.15

Maps = tuple[IdMapping, ...]


def whole_range(first: int) -> Maps:
    """All ids of a container on a range of its own."""
    return (IdMapping(container_id=0, host_id=first, size=RANGE_LENGTH),)


def keeping(kept: int, first: int) -> Maps:
    """One id as it is on the host, the others on a range of the container's own.

    Raises:
        InvalidRequest: the id is beyond the range.
    """
    if kept >= RANGE_LENGTH:
        raise InvalidRequest(f"the id {kept} can't be kept", f"only ids below {RANGE_LENGTH} can")
    parts = ((0, first, kept), (kept, kept, 1), (kept + 1, first + kept + 1, RANGE_LENGTH - kept - 1))
    return tuple(IdMapping(container_id=inside, host_id=outside, size=size) for inside, outside, size in parts if size)


def parse(text: str) -> Maps:
    """A mapping such as ``0:100000:65536``, or several of them with commas between: inside, outside, how many.

    Raises:
        InvalidRequest: it isn't one, lines overlap, or the container's root has no id.
    """
    found = [_LINE.fullmatch(part) for part in text.split(",")]
    if not all(found) or len(found) > _MOST_LINES:
        raise InvalidRequest(
            f"{text!r} is not a user namespace", "choose auto, host, keep-id, or a mapping such as 0:100000:65536"
        )
    lines = tuple(IdMapping(container_id=int(m[1]), host_id=int(m[2]), size=int(m[3])) for m in found if m)
    _require_apart([(line.container_id, line.size) for line in lines], text)
    _require_apart([(line.host_id, line.size) for line in lines], text)
    if host_id(lines, 0) is None:
        raise InvalidRequest(f"the mapping {text} has no id for root", "let a part of it begin with 0:")
    return lines


def _require_apart(ranges: list[tuple[int, int]], text: str) -> None:
    end = 0
    for first, size in sorted(ranges):
        if first < end or size < 1 or first + size >= _IDS:
            raise InvalidRequest(f"the parts of the mapping {text} overlap, or are no ranges of ids", "correct them")
        end = first + size
